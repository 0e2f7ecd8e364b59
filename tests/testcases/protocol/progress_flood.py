#!/usr/bin/python3
# act: reports progress without end
# protocol: frames
# limits: output=100K
# event: 1
# expect: ends output_limit
import sys
sys.path[:0] = ["/var/task"]
from act import PROGRESS, frame, read_question, say

read_question()
while True:
    say(frame(PROGRESS, b"1"))
