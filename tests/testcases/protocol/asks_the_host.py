#!/usr/bin/python3
# act: asks the host, as if it were the function
# protocol: frames
# event: 1
# expect: ends violation
import sys
sys.path[:0] = ["/var/task"]
from act import INVOKE, frame, read_question, say, wait

read_question()
say(frame(INVOKE, b"{}", b"request"))
wait()
