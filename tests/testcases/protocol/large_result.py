#!/usr/bin/python3
# act: answers more than it may
# protocol: frames
# limits: output=100K
# event: 1
# expect: ends output_limit
import sys
sys.path[:0] = ["/var/task"]
from act import RESULT, frame, read_question, say, wait

read_question()
say(frame(RESULT, b'"' + b"x" * 200000 + b'"'))
wait()
