#!/usr/bin/python3
# act: answers before it has been asked, to have its answer taken for another's
# protocol: frames
# event: {"padding": "a question"}
# expect: ends violation or returns "early"
import sys
sys.path[:0] = ["/var/task"]
from act import RESULT, frame, say, wait

# Whether the question was out already is the host's to say: it may only ever count for this one.
say(frame(RESULT, b'"early"'))
wait()
