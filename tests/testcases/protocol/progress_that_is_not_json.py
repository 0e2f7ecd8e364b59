#!/usr/bin/python3
# act: reports progress that is no JSON, with what a terminal would obey
# protocol: frames
# event: 1
# expect: ends violation
import sys
sys.path[:0] = ["/var/task"]
from act import PROGRESS, frame, read_question, say, wait

read_question()
say(frame(PROGRESS, b"\x1b]0;owned\x07"))
wait()
