#!/usr/bin/python3
# act: never reads its question
# protocol: frames
# limits: timeout_ms=500
# event: 1
# expect: ends timeout
import os
import sys
sys.path[:0] = ["/var/task"]
from act import wait

os.close(3)
wait()
