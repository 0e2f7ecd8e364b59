#!/usr/bin/python3
# act: sends nothing but zeros
# protocol: frames
# event: 1
# expect: ends violation
import sys
sys.path[:0] = ["/var/task"]
from act import read_question, say, wait

read_question()
say(bytes(24))
wait()
