#!/usr/bin/python3
# act: sends frames of every type that there is not
# protocol: frames
# event: 1
# expect: ends violation
import sys
sys.path[:0] = ["/var/task"]
from act import frame, read_question, say, wait

read_question()
say(frame(6))
wait()
