#!/usr/bin/python3
# act: says what is no frame
# protocol: frames
# event: 1
# expect: ends violation
import sys
sys.path[:0] = ["/var/task"]
from act import read_question, say, wait

read_question()
say(b"\xff" * 4096)
wait()
