"""Takes a while and says how far it is: for jobs that are watched."""
import time

STEPS = 4


def handler(event, context):
    for done in range(1, STEPS + 1):
        time.sleep(0.2)
        print(f"step {done} of {STEPS}")
        context.report_progress({"done": done, "of": STEPS})
    return {"order": event["order"], "steps": STEPS}
