"""Clients of a fleet: they submit, wait elsewhere, cancel, try again, and write down what they saw."""
import http.client
import json
import random
import threading
import time
import urllib.parse

from check import TERMINAL

FUNCTION = "work"
ANSWER_IN = 30  # seconds, then the connection is given up


class GivenUp(Exception):
    """Not done in time."""


class History:
    """Entries from any thread."""

    def __init__(self):
        self.entries = []

    def add(self, entry_type, **entry):
        self.entries.append({"type": entry_type, **entry})  # appending is atomic

    def add_read(self, job, t0):
        self.add("read", job=job["job_id"], status=job["status"], revision=job["revision"],
                 attempt=job["attempt"], t0=t0, t=time.monotonic())


class Client:
    """Talks to all controllers; of one thread."""

    def __init__(self, controllers, history, rng):
        self.controllers, self.history, self.rng = controllers, history, rng
        self.connections = {}
        self.errors = 0  # answers that did not come, or said to come again

    def exchange(self, controller, method, path, body=None, headers=None):
        """(status, headers, body), or OSError, HTTPException."""
        connection = self.connections.get(controller)
        if connection is None:
            connection = http.client.HTTPConnection(*self.controllers[controller], timeout=ANSWER_IN)
            self.connections[controller] = connection
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException):
            self.connections.pop(controller).close()
            raise

    def call(self, method, path, until, body=None, headers=None, good=(200, 202)):
        """As exchange, with whatever controller answers, again and again; 404 is an answer."""
        pause = 0.05
        while time.monotonic() < until:
            try:
                answer = self.exchange(self.rng.choice(list(self.controllers)), method, path, body,
                                       headers)
                if answer[0] in (*good, 404, 409):
                    return answer
                if answer[0] not in (408, 429, 500, 502, 503, 504):
                    raise RuntimeError(f"{method} {path}: {answer[0]} {answer[2][:300]}")
            except (OSError, http.client.HTTPException):
                pass
            self.errors += 1
            time.sleep(self.rng.uniform(0, pause))
            pause = min(pause * 2, 1)
        raise GivenUp(f"{method} {path}")

    def get_job(self, job, until):
        t0 = time.monotonic()
        status, _, body = self.call("GET", f"/v1/jobs/{job}", until)
        if status == 404:
            return None
        found = json.loads(body)
        self.history.add_read(found, t0)
        return found

    def register(self, code, until):
        body = json.dumps({"runtime": "python3", "code": {"inline": code}})
        self.call("PUT", f"/v1/functions/{FUNCTION}", until, body,
                  {"Content-Type": "application/json"}, good=(200, 201))

    def submit(self, key, event, retry, until):
        query = urllib.parse.urlencode(retry)
        status, _, body = self.call("POST", f"/v1/functions/{FUNCTION}/jobs?{query}", until, event,
                                    {"Idempotency-Key": key})
        if status != 202:
            raise RuntimeError(f"submit of {key}: {status} {body[:300]}")
        return json.loads(body)["job_id"]

    def stream(self, path, watcher, until, stop=None):
        """Follows server-sent events until the stream is over (of a job) or `stop` is set; goes on
        at another controller when it is cut off."""
        last = None
        while time.monotonic() < until and not (stop and stop.is_set()):
            name = self.rng.choice(list(self.controllers))
            connection = http.client.HTTPConnection(*self.controllers[name], timeout=20)
            try:
                connection.request("GET", path, headers={"Last-Event-ID": last} if last else {})
                answer = connection.getresponse()
                if answer.status == 204:
                    return
                if answer.status != 200:
                    raise OSError(answer.status)
                event, data, state = None, {}, {}
                for line in answer:
                    if stop and stop.is_set():
                        return
                    if time.monotonic() > until:
                        break
                    name, _, value = line.decode().rstrip("\n").partition(": ")
                    if name:
                        data[name] = value
                    elif data:
                        event, data = data, {}
                        if "data" not in event:
                            continue
                        last = event.get("id", last)
                        state = json.loads(event["data"])
                        self.history.add("event", watcher=watcher, job=state["job_id"],
                                         status=state["status"], revision=state["revision"],
                                         attempt=state["attempt"], t=time.monotonic())
                if state.get("status") in TERMINAL and not stop:
                    return
            except (OSError, http.client.HTTPException, ValueError):
                self.errors += 1
                time.sleep(self.rng.uniform(0, 0.2))
            finally:
                connection.close()
        if not stop:
            raise GivenUp(path)


class Crowd:
    """Clients that get `count` jobs done, begun evenly within `spread` seconds."""

    def __init__(self, fleet, history, seed, count, poisons, spread, until, threads):
        self.fleet, self.history, self.seed = fleet, history, seed
        self.count, self.poisons, self.spread, self.until = count, poisons, spread, until
        self.began = time.monotonic()
        self.next, self.lock = 0, threading.Lock()
        self.times, self.errors, self.given_up, self.failures = [], 0, [], []
        self.acknowledged = 0
        self.threads = [threading.Thread(target=self.live, daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def wait(self):
        for thread in self.threads:
            thread.join()

    def live(self):
        while True:
            with self.lock:
                number, self.next = self.next, self.next + 1
            if number >= self.count:
                return
            rng = random.Random(f"{self.seed}:job:{number}")
            client = Client(self.fleet.urls(), self.history, rng)
            due = self.began + self.spread * number / self.count
            time.sleep(max(0, due - time.monotonic()))
            try:
                self.one(client, number)
            except GivenUp as why:
                self.given_up.append(str(why))
            except Exception as why:  # a client must not end with its thread
                self.failures.append(repr(why))
            finally:
                for connection in client.connections.values():
                    connection.close()
                with self.lock:
                    self.errors += client.errors

    def one(self, client, number):
        rng = client.rng
        do, event, retry = self.plan(rng, number)
        key = f"{self.seed}-{number}"
        t0 = time.monotonic()
        job = client.submit(key, event, retry, self.until)
        self.acknowledge(job, key, do)
        if rng.random() < 0.1:  # again, as who never saw the answer
            self.acknowledge(client.submit(key, event, retry, self.until), key, do, again=True)
        if rng.random() < 0.06 and do != "poison":
            time.sleep(rng.expovariate(1 / 0.3))
            self.cancel(client, job)
        how = rng.choice(("poll", "poll", "events", "invoke"))
        if do == "poison":
            how = "poll"  # so that it is seen where it runs
        ended = self.wait_for(client, job, do, how, key, event, retry)
        self.times.append(time.monotonic() - t0)
        if ended == "FAILED" and do in ("fail", "flaky") and rng.random() < 0.3:
            status, _, body = client.call("POST", f"/v1/jobs/{job}/retry", self.until)
            if status == 202:
                job = json.loads(body)["job_id"]
                self.acknowledge(job, "", do)
                self.wait_for(client, job, do, "poll", key, event, retry)

    @staticmethod
    def plan_kind(rng):
        return rng.choices(("ok", "fail", "flaky"), (86, 6, 8))[0]

    def plan(self, rng, number):
        do = "poison" if number < self.poisons else self.plan_kind(rng)
        ms = 0 if do == "poison" else int(min(rng.expovariate(1 / 40), 300))
        if do == "ok" and rng.random() < 0.02:
            ms = rng.randrange(1500, 4000)  # longer than a lease
        large = rng.random()
        event = {"n": number, "do": do, "ms": ms, "bytes": 100_000 if large < 0.03 else 10,
                 "padding": "x" * (100_000 if large > 0.97 else 10)}
        retry = {}
        if do in ("fail", "flaky"):
            retry = {"max_attempts": rng.randint(1, 3), "backoff": "100ms"}
        return do, json.dumps(event), retry

    def acknowledge(self, job, key, do, again=False):
        self.history.add("ack", key=key, job=job, do=do, t=time.monotonic())
        if not again:
            with self.lock:
                self.acknowledged += 1

    def cancel(self, client, job):
        status, _, body = client.call("DELETE", f"/v1/jobs/{job}", self.until)
        # An answer that never came was perhaps a cancel: it counts when it is seen.
        if status in (200, 202):
            self.history.add("cancel", job=job, status=json.loads(body)["status"],
                             t=time.monotonic())

    def wait_for(self, client, job, do, how, key, event, retry):
        """Its end, as seen by whoever answers."""
        if how == "events":
            client.stream(f"/v1/jobs/{job}/events", f"watcher of {key}", self.until)
        if how == "invoke":
            self.invoke(client, job, key, event, retry)
        pause, killed = 0.02, 0
        while time.monotonic() < self.until:
            found = client.get_job(job, self.until)
            if found is None:
                raise RuntimeError(f"{job} is not known any more")
            if found["status"] in TERMINAL:
                return found["status"]
            worker = found.get("worker", "")
            if do == "poison" and found["status"] == "PROCESSING" and worker.startswith("real") and \
                    found["attempt"] > killed:
                killed = found["attempt"]
                self.fleet.programs[worker].kill()  # as the job would, if it could
                self.history.add("fault", kind="poison", target=worker, t=time.monotonic())
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)
        raise GivenUp(job)

    def invoke(self, client, job, key, event, retry):
        query = urllib.parse.urlencode({**retry, "timeout": "10s"})
        status, headers, _ = client.call("POST", f"/v1/functions/{FUNCTION}/invoke?{query}",
                                         self.until, event, {"Idempotency-Key": key})
        if status == 200 and headers["NanoGrid-Status"]:  # else in the trailer: it took long
            self.history.add("answer", job=headers["NanoGrid-Job-Id"],
                             status=headers["NanoGrid-Status"], t=time.monotonic())
            if headers["NanoGrid-Job-Id"] != job:
                raise RuntimeError(f"invoke under {key} made {headers['NanoGrid-Job-Id']}")
