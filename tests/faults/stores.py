"""What the stores have at the end: jobs, their events and results, dead letters, runs."""
import json
import time

from check import TERMINAL


def read_letters(stack, history):
    for letter in stack.read_letters():
        history.add("letter", job=letter.get("job_id", "?"), reason=letter["reason"])


def read_order(stack, history, watcher):
    """What was sent to FIFO queues has numbers in its group; who began when, `watcher` has seen."""
    places = {}
    for number, (group, job) in enumerate(stack.read_sent()):
        places.setdefault(job, (group, number))
    for entry in list(history.entries):
        if entry["type"] == "event" and entry["watcher"] == watcher and entry["attempt"] == 1 and \
                entry["status"] == "PROCESSING" and entry["job"] in places:
            group, number = places.pop(entry["job"])
            history.add("fifo", group=group, message=number, job=entry["job"])


def read_runs(path, history):
    for line in path.read_text().splitlines():
        what, job, token, worker, nanoseconds = line.split()
        history.add("run", what=what, job=job, token=token, worker=worker,
                    t=int(nanoseconds) / 1e9)


def list_jobs(client, until):
    """All of them, newest first."""
    jobs, cursor = [], ""
    while cursor is not None:
        _, _, body = client.call("GET", f"/v1/jobs?limit=1000{cursor}", until)
        page = json.loads(body)
        jobs += page["jobs"]
        cursor = page["cursor"] and f"&cursor={page['cursor']}"
    return jobs


def wait_for_all(client, jobs, until):
    """Until every job that is known has ended, or it is too late."""
    while time.monotonic() < until:
        found = {each["job_id"]: each["status"] for each in list_jobs(client, until)}
        if all(found.get(job) in TERMINAL for job in jobs) and \
                all(status in TERMINAL for status in found.values()):
            return
        time.sleep(0.5)


def read_jobs(client, history, until, with_logs):
    offset = time.time() - time.monotonic()
    jobs = list_jobs(client, until)
    for job in jobs:
        name, token = job["job_id"], None
        if job["status"] == "SUCCESS":
            _, _, body = client.call("GET", f"/v1/jobs/{name}/result", until)
            token = json.loads(body)["token"]
        history.add("final", job=name, status=job["status"], revision=job["revision"],
                    attempt=job["attempt"], lost=job.get("lost_attempts", 0),
                    crashes=job.get("crashes", 0), dead_letter=job.get("dead_letter"), token=token,
                    worker=job.get("worker"))
        history.add("log", job=name, events=read_events(client, name, until))
        if with_logs:
            read_log(client, name, history, until, offset)
    return jobs


def read_events(client, job, until):
    status, _, body = client.call("GET", f"/v1/jobs/{job}/events", until)
    if status == 404:
        return []
    events = [json.loads(line[6:]) for line in body.decode().splitlines()
              if line.startswith("data: ")]
    return [[each["revision"], each["status"], each["attempt"]] for each in events]


def read_log(client, job, history, until, offset):
    """What runs in real sandboxes wrote down; their workers are not known."""
    _, _, body = client.call("GET", f"/v1/jobs/{job}/logs", until)
    for line in body.decode(errors="replace").splitlines():
        words = line.split()
        if len(words) == 4 and words[0] == "@":
            history.add("run", what=words[1], job=job, token=words[2], worker="real",
                        t=float(words[3]) - offset)
