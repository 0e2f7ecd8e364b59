#!/usr/bin/python3
# act: fails with numbers and lists where text belongs
# protocol: frames
# event: 1
# expect: ends exception
import sys
sys.path[:0] = ["/var/task"]
from act import ERROR, frame, read_question, say, wait

read_question()
say(frame(ERROR, b'{"type": 1, "message": [], "stack": {"a": null}}'))
wait()
