#!/usr/bin/python3
# act: prints its answer to the pipe of frames, as people do
# protocol: frames
# event: 1
# expect: ends violation
import sys
sys.path[:0] = ["/var/task"]
from act import read_question, say, wait

read_question()
say(b'{"statusCode": 200, "body": "hello from a function that has misunderstood"}\n')
wait()
