#!/usr/bin/python3
# act: writes frames into its log, hoping that they count
# protocol: frames
# event: 1
# expect: returns "true"
import os
import sys
sys.path[:0] = ["/var/task"]
from act import RESULT, frame, read_question, say, wait

read_question()
os.write(2, frame(RESULT, b'"forged"'))
os.write(1, frame(RESULT, b'"forged"'))
say(frame(RESULT, b'"true"'))
wait()
