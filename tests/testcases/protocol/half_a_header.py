#!/usr/bin/python3
# act: begins to answer and stops
# protocol: frames
# limits: timeout_ms=500
# event: 1
# expect: ends timeout
import sys
sys.path[:0] = ["/var/task"]
from act import RESULT, frame, read_question, say, wait

read_question()
say(frame(RESULT, b"1")[:10])
wait()
