#!/usr/bin/python3
# act: announces an answer and ends
# protocol: frames
# event: 1
# expect: ends exited
import sys
sys.path[:0] = ["/var/task"]
from act import RESULT, frame, read_question, say

read_question()
say(frame(RESULT, b'"half', body_length=100))
