#!/usr/bin/python3
# act: fails with something that is no error
# protocol: frames
# event: 1
# expect: ends exception
import sys
sys.path[:0] = ["/var/task"]
from act import ERROR, frame, read_question, say, wait

read_question()
say(frame(ERROR, b"\x00\xff[[[{" * 100))
wait()
