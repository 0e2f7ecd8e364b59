#!/usr/bin/python3
# act: announces an answer and sends half of it
# protocol: frames
# limits: timeout_ms=500
# event: 1
# expect: ends timeout
import sys
sys.path[:0] = ["/var/task"]
from act import RESULT, frame, read_question, say, wait

read_question()
say(frame(RESULT, b'"half', body_length=100))
wait()
