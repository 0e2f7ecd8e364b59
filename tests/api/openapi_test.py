#!/usr/bin/python3
"""Checks src/api/openapi.json against a running server: openapi_test.py SERVER ROUTES_CC

Every operation is called as it is described and with what it describes as wrong; statuses, content
types and required fields must be among the described ones. Every route of the server is described,
and nothing else."""
import base64
import http.client
import io
import json
import pathlib
import re
import sys
import zipfile

from server_process import Server

TOKEN = "0123456789abcdef-test"
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


class Checker:
    def __init__(self, port, document):
        self.port = port
        self.document = document
        self.seen = set()  # (operationId, status)

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def send(self, method, path, body=None, headers=None, token=TOKEN):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        if response.headers.get_content_type() == "text/event-stream":
            data = b""
            while b"\ndata: " not in data:
                line = response.readline()
                if not line:
                    break
                data += line
        else:
            data = response.read()
        connection.close()
        return response, data

    def call(self, method, template, expected, body=None, headers=None, query="", token=TOKEN,
             **parameters):
        """Calls an operation, checks the answer against its description, answers the body."""
        operation = self.document["paths"][template][method.lower()]
        path = template.format(**parameters) + query
        response, data = self.send(method, path, body, headers, token)
        what = f"{method} {path}: {response.status} {data[:300]!r}"
        assert response.status == expected, f"{what}, not {expected}"
        assert str(response.status) in operation["responses"], f"{what} is not described"
        described = self.resolve(operation["responses"][str(response.status)])
        self.seen.add((operation["operationId"], response.status))
        for name, header in described.get("headers", {}).items():
            assert name in response.headers or not header["required"], f"{what}: has no {name}"
        content = described.get("content")
        if content is None:
            assert data == b"", f"{what}: has a body"
            return None
        kind = response.headers.get_content_type()
        assert kind in content, f"{what}: {kind} is not described"
        schema = content[kind]["schema"]
        if kind == "text/event-stream":
            schema = self.document["components"]["schemas"]["Event"]
            data = next(line for line in data.splitlines() if line.startswith(b"data: "))[6:]
        elif kind != "application/json":
            return data
        value = json.loads(data)
        self.check(value, schema, what)
        return value

    def check(self, value, schema, where):
        schema = self.resolve(schema)
        for part in schema.get("allOf", []):
            self.check(value, part, where)
        if "oneOf" in schema:
            fitting = [part for part in schema["oneOf"] if self.fits(value, part)]
            assert len(fitting) == 1, f"{where}: {value!r} fits {len(fitting)} of oneOf"
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds:
            assert any(is_of_type(value, kind) for kind in kinds), f"{where}: {value!r} is no {kinds}"
        assert value in schema.get("enum", [value]), f"{where}: {value!r} not in {schema['enum']}"
        assert value == schema.get("const", value), f"{where}: {value!r}"
        if isinstance(value, dict):
            for name in schema.get("required", []):
                assert name in value, f"{where}: no {name} in {value!r}"
            for name, part in schema.get("properties", {}).items():
                if name in value:
                    self.check(value[name], part, f"{where}.{name}")
        if isinstance(value, list):
            for element in value:
                self.check(element, schema.get("items", {}), where)

    def fits(self, value, schema):
        try:
            self.check(value, schema, "")
        except AssertionError:
            return False
        return True


def is_of_type(value, kind):
    if isinstance(value, bool):
        return kind == "boolean"
    types = {"string": str, "integer": int, "number": (int, float), "object": dict, "array": list,
             "null": type(None), "boolean": bool}
    return isinstance(value, types[kind]) or (
        kind == "integer" and isinstance(value, float) and value.is_integer())


def zip_of(name, text):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr(name, text)
    return archive.getvalue()


def call_everything(check):
    call = check.call
    as_json = {"Content-Type": "application/json"}
    source = "def handler(event, context): return event"

    for template in ("/health", "/ready", "/health/live"):
        assert call("GET", template, 200, token=None)["status"] == "ok"
    call("GET", "/metrics", 200)
    assert call("GET", "/v1/openapi.json", 200) == check.document

    put = "/v1/functions/{name}"
    inline = json.dumps({"runtime": "python3", "handler": "app.handler", "memory": "64M",
                         "code": {"inline": source}})
    function = call("PUT", put, 200, inline, as_json, name="f")
    assert function["memory"] == 64 << 20 and function["handler"] == "app.handler", function
    assert call("PUT", put, 200, inline, as_json, name="f")["version"] == 1
    packed = base64.b64encode(zip_of("app.py", source + " # 2")).decode()
    assert call("PUT", put, 200, json.dumps({"code": {"zip_base64": packed}}), as_json,
                name="f")["version"] == 2
    zipped = call("PUT", put, 200, zip_of("app.py", source + " # 3"),
                  {"Content-Type": "application/zip"}, "?memory=32M&env=A%3D1&env=B%3D2", name="g")
    assert zipped["env"] == {"A": "1", "B": "2"}, zipped
    call("PUT", put, 400, b"{", as_json, name="f")
    call("PUT", put, 400, b"[]", as_json, name="f")
    call("PUT", put, 400, b"{}", as_json, name="f")
    wrong = call("PUT", put, 400, inline.replace('"64M"', '"1"'), as_json, name="f")
    assert wrong["error"]["field"] == "memory", wrong
    call("PUT", put, 415, inline, {"Content-Type": "text/plain"}, name="f")
    other = call("PUT", put, 400, inline.replace('"memory": "64M"', '"sandbox": "docker"'), as_json,
                 name="f")
    assert other["error"]["field"] == "sandbox", other

    assert {f["name"] for f in call("GET", "/v1/functions", 200)["functions"]} == {
        "f", "g", "echo", "bytes"}
    first = call("GET", "/v1/functions", 200, query="?limit=1")
    assert len(first["functions"]) == 1 and first["cursor"]
    call("GET", "/v1/functions", 200, query=f"?limit=1&cursor={first['cursor']}")
    assert call("GET", "/v1/functions", 400, query="?limit=0")["error"]["field"] == "limit"
    call("GET", "/v1/functions", 400, query="?pretty=1")
    assert call("GET", put, 200, name="f")["version"] == 2
    assert call("GET", put, 200, query="?qualifier=1", name="f")["version"] == 1
    call("GET", put, 404, name="nobody")
    versions = call("GET", "/v1/functions/{name}/versions", 200, name="f")
    assert [f["version"] for f in versions["functions"]] == [2, 1], versions
    call("GET", "/v1/functions/{name}/versions", 404, name="nobody")

    invoke = "/v1/functions/{name}/invoke"
    assert call("POST", invoke, 200, b'{"a": 1}', name="echo") == {"a": 1}
    assert call("POST", invoke, 200, name="echo") is None
    assert call("POST", invoke, 200, b"\0\xff", name="bytes") == b"\0\xff"
    failed = call("POST", invoke, 200, b'{"fail": "no"}', name="echo")
    assert failed["error"]["message"] == "no", failed
    call("POST", invoke, 202, b'{"wait_ms": 60000}', query="?timeout=10ms", name="echo")
    call("POST", invoke, 400, b"{", name="echo")
    call("POST", invoke, 400, b"1", query="?timeout=soon", name="echo")
    call("POST", invoke, 404, b"1", name="nobody")

    submit = "/v1/functions/{name}/jobs"
    key = {"Idempotency-Key": "key-1"}
    job = call("POST", submit, 202, b"[1]", key, name="echo")
    assert job["status"] == "PENDING", job
    assert call("POST", submit, 202, b"[1]", key, name="echo")["job_id"] == job["job_id"]
    call("POST", submit, 409, b"[2]", key, name="echo")
    call("POST", invoke, 409, b"[2]", key, name="echo")
    call("POST", submit, 400, b"1", query="?max_attempts=0", name="echo")
    call("POST", submit, 400, b"not json", name="echo")
    call("POST", submit, 404, b"1", name="nobody")
    late = call("POST", submit, 202, b"1", query="?delay=1h&max_attempts=3&backoff=5s", name="echo")

    call("GET", "/v1/jobs/{id}/events", 200, id=job["job_id"])
    # A job's log stream ends with the job.
    call("GET", "/v1/jobs/{id}/logs", 200, query="?follow=true", id=job["job_id"])
    done = call("GET", "/v1/jobs/{id}", 200, id=job["job_id"])
    assert done["status"] == "SUCCESS", done
    assert call("GET", "/v1/jobs/{id}/result", 200, id=job["job_id"]) == [1]
    wrote = call("POST", submit, 202, b'{"file": "a b/c.txt"}', name="echo")["job_id"]
    call("GET", "/v1/jobs/{id}/logs", 200, query="?follow=true", id=wrote)
    assert call("GET", "/v1/jobs/{id}", 200, id=wrote)["files"] == 1
    assert call("GET", "/v1/jobs/{id}/files", 200, id=wrote)["files"] == [
        {"path": "a b/c.txt", "size": 5}]
    assert call("GET", "/v1/jobs/{id}/file", 200, query="?path=a%20b/c.txt", id=wrote) == b"hello"
    call("GET", "/v1/jobs/{id}/file", 404, query="?path=../x", id=job["job_id"])
    call("GET", "/v1/jobs/{id}/file", 400, query="?path=../x", id=wrote)
    call("GET", "/v1/jobs/{id}/file", 404, query="?path=x", id=wrote)
    assert call("GET", "/v1/jobs/{id}/files", 200, id=job["job_id"])["files"] == []
    call("GET", "/v1/jobs/{id}/logs", 200, id=job["job_id"])
    call("GET", "/v1/jobs/{id}/events", 200, id=job["job_id"])
    events = call("GET", "/v1/events", 200, query="?from=start")
    assert events["revision"] == 1, events
    call("GET", "/v1/events", 400, query="?from=yesterday")
    call("GET", "/v1/events", 400, query="?cursor=nonsense")
    call("GET", "/v1/jobs/{id}/result", 409, id=late["job_id"])
    call("POST", "/v1/jobs/{id}/retry", 409, id=late["job_id"])
    assert call("DELETE", "/v1/jobs/{id}", 200, id=late["job_id"])["status"] == "CANCELLED"
    assert call("POST", "/v1/jobs/{id}/retry", 202, id=job["job_id"])["retry_of"] == job["job_id"]
    for template, method in (("/v1/jobs/{id}", "GET"), ("/v1/jobs/{id}", "DELETE"),
                             ("/v1/jobs/{id}/retry", "POST"), ("/v1/jobs/{id}/result", "GET"),
                             ("/v1/jobs/{id}/files", "GET"),
                             ("/v1/jobs/{id}/logs", "GET"), ("/v1/jobs/{id}/events", "GET")):
        call(method, template, 404, id=UNKNOWN_ID)
        call(method, template, 400, query="?x=1", id=job["job_id"])
    assert call("GET", "/v1/jobs", 200, query="?function=echo&status=CANCELLED")["jobs"]
    call("GET", "/v1/jobs", 400, query="?status=DONE")
    # Past the end of a job that is over.
    last = call("GET", "/v1/jobs/{id}/events", 200, id=late["job_id"])
    stream, _ = check.send("GET", f"/v1/jobs/{late['job_id']}/events")
    assert stream.status == 200 and last["status"] == "PENDING"
    cancelled = all_events(check, late["job_id"])[-1]
    call("GET", "/v1/jobs/{id}/events", 204, headers={"Last-Event-ID": cancelled["cursor"]},
         id=late["job_id"])

    call("DELETE", put, 204, name="g")
    call("DELETE", put, 404, name="g")
    call("DELETE", put, 400, query="?force=1", name="f")
    call("GET", put, 400, query="?qualifier=1&qualifier=2", name="f")
    call("GET", "/v1/functions/{name}/versions", 400, query="?limit=x", name="f")


def all_events(check, job_id):
    connection = http.client.HTTPConnection("127.0.0.1", check.port, timeout=30)
    connection.request("GET", f"/v1/jobs/{job_id}/events",
                       headers={"Authorization": f"Bearer {TOKEN}"})
    text = connection.getresponse().read().decode()
    connection.close()
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


def check_access(check):
    """Without a token, with a wrong one: 401 everywhere but for health."""
    for template, item in check.document["paths"].items():
        for method in set(item) & {"get", "put", "post", "delete"}:
            if template in ("/health", "/ready", "/health/live"):
                continue
            for token in (None, "wrong-token-0123456789"):
                check.call(method.upper(), template, 401, token=token, name="f", id=UNKNOWN_ID)


def check_routes(document, routes_cc):
    """What the server routes and what is described are the same."""
    text = pathlib.Path(routes_cc).read_text()
    routes = {(method, path) for method, path in
              re.findall(r'RouteInfo\{Route::k\w+, "([A-Z]+)", "([^"]+)"', text)}
    assert len(routes) > 10, routes
    described = {(method.upper(), path) for path, item in document["paths"].items()
                 for method in set(item) & {"get", "put", "post", "delete", "patch"}}
    assert routes == described, f"not both routed and described: {routes ^ described}"


def check_coverage(check):
    """Every status that is described was seen, but for those of a server in trouble."""
    trouble = {403, 413, 429, 503}
    described = {(operation["operationId"], int(status))
                 for item in check.document["paths"].values() for method, operation in item.items()
                 if method != "parameters" for status in operation["responses"]}
    missing = {pair for pair in described - check.seen if pair[1] not in trouble}
    missing.discard(("putFunction", 409))  # on a machine without the runtime
    assert not missing, f"described and not seen: {sorted(missing)}"


def main():
    program, routes_cc = sys.argv[1:3]
    with Server(program, "--slots", "2", "--token", TOKEN) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", "/v1/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"})
        document = json.loads(connection.getresponse().read())
        connection.close()
        assert document["openapi"].startswith("3.1"), document["openapi"]
        check = Checker(server.port, document)
        check_routes(document, routes_cc)
        call_everything(check)
        check_access(check)
        check_coverage(check)
        print(f"{len(check.seen)} answers are as described")


if __name__ == "__main__":
    main()
