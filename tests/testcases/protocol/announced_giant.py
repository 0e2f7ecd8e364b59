#!/usr/bin/python3
# act: announces a result of a gigabyte, of which no byte follows
# protocol: frames
# event: 1
# expect: ends output_limit
import sys
sys.path[:0] = ["/var/task"]
from act import RESULT, frame, read_question, say, wait

read_question()
say(frame(RESULT, body_length=1 << 30))
wait()
