#!/usr/bin/python3
# act: hides data in the frame that has none
# protocol: frames
# event: 1
# expect: ends violation
import sys
sys.path[:0] = ["/var/task"]
from act import READY, frame, read_question, say, wait

read_question()
say(frame(READY, b"hidden"))
wait()
