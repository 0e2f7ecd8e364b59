#!/usr/bin/python3
# act: writes into the pipe that it is to read from
# protocol: frames
# limits: timeout_ms=500
# event: 1
# expect: ends timeout|violation
import os
import sys
sys.path[:0] = ["/var/task"]
from act import RESULT, frame, wait

try:
    os.write(os.open("/proc/self/fd/3", os.O_WRONLY), frame(RESULT, b'"forged"'))
except OSError:
    pass
wait()
