#!/usr/bin/python3
# act: fails with more words than it may
# protocol: frames
# limits: output=100K
# event: 1
# expect: ends output_limit
import sys
sys.path[:0] = ["/var/task"]
from act import ERROR, frame, read_question, say, wait

read_question()
say(frame(ERROR, b'{"type": "' + b"x" * 200000 + b'"}'))
wait()
