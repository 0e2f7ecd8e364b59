#!/usr/bin/python3
# act: fails with an error nested a hundred thousand deep, to exhaust the parser's stack
# protocol: frames
# event: 1
# expect: ends exception
import sys
sys.path[:0] = ["/var/task"]
from act import ERROR, frame, read_question, say, wait

read_question()
say(frame(ERROR, b'{"type":' + b"[" * 100000 + b"]" * 100000 + b"}"))
wait()
