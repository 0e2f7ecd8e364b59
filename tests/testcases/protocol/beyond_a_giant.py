#!/usr/bin/python3
# act: announces a result of four gigabytes
# protocol: frames
# event: 1
# expect: ends violation|output_limit
import sys
sys.path[:0] = ["/var/task"]
from act import RESULT, frame, read_question, say, wait

read_question()
say(frame(RESULT, body_length=0xffffffff))
wait()
