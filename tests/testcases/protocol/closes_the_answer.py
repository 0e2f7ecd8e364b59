#!/usr/bin/python3
# act: closes the pipe that answers go into
# protocol: frames
# event: 1
# expect: ends violation
import os
import sys
sys.path[:0] = ["/var/task"]
from act import read_question, wait

read_question()
os.close(4)
wait()
