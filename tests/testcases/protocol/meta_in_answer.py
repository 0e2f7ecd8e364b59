#!/usr/bin/python3
# act: adds meta data to its answer
# protocol: frames
# event: 1
# expect: ends violation
import sys
sys.path[:0] = ["/var/task"]
from act import RESULT, frame, read_question, say, wait

read_question()
say(frame(RESULT, b"1", b"another-request-id"))
wait()
