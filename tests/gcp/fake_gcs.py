#!/usr/bin/python3
"""A small Google Cloud Storage for tests: the part of the JSON API that object stores use, a token
endpoint and a metadata server. Says its port on standard output and ends with standard input.

  POST /_fake/faults  [{"match": "PUT /upload", "times": 2, "status": 503}, …]  see Fault
  GET  /_fake/state   counts of requests, uploads that are open, tokens that were handed out
  POST /_fake/require_token {"modulus": hex, "exponent": n, "email": …}   refuses who has none
  POST /_fake/expire_tokens   what was handed out is not taken any more
"""
import base64
import hashlib
import http.server
import json
import re
import socket
import struct
import sys
import threading
import time
import urllib.parse
import uuid

CHUNK = 256 << 10


def crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    table = TABLE
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return base64.b64encode(struct.pack(">I", crc ^ 0xFFFFFFFF)).decode()


# Large contents of tests are often the same; in this language the sum takes a second per 10 MB.
crc_cache = {}


def cached_crc32c(data):
    key = hashlib.sha256(data).digest()
    if key not in crc_cache:
        crc_cache[key] = crc32c(data)
    return crc_cache[key]


def unbase64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Object:
    def __init__(self, name, data, generation, metadata):
        self.name, self.data, self.generation = name, data, generation
        self.metadata = metadata
        self.time = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".%03dZ" % (
            time.time() * 1000 % 1000)

    def resource(self, bucket):
        resource = {
            "kind": "storage#object", "bucket": bucket, "name": self.name,
            "id": f"{bucket}/{self.name}/{self.generation}",
            "generation": str(self.generation), "metageneration": "1",
            "size": str(len(self.data)), "crc32c": cached_crc32c(self.data),
            "md5Hash": base64.b64encode(hashlib.md5(self.data).digest()).decode(),
            "etag": base64.b64encode(str(self.generation).encode()).decode(),
            "contentType": self.metadata.get("contentType", "application/octet-stream"),
            "storageClass": "STANDARD", "timeCreated": self.time, "updated": self.time}
        if self.metadata.get("metadata"):
            resource["metadata"] = self.metadata["metadata"]
        return resource


class Upload:
    def __init__(self, bucket, name, metadata, precondition):
        self.bucket, self.name, self.metadata = bucket, name, metadata
        self.precondition, self.data, self.object = precondition, bytearray(), None


class Refusal(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Fault:
    """match: what "METHOD target" has in it. times: how often. Then one of
    status: answers that; before: closes without doing anything; after: does it, and closes without
    an answer; cut: closes in the middle of an answer's body, after so many bytes; keep: takes so many
    bytes of an upload's piece, keeps whole units of 256 KiB and closes; corrupt: changes a byte of what is stored or answered;
    status_after: does it, and answers that."""

    def __init__(self, spec):
        self.match, self.times = spec["match"], spec.get("times", 1)
        self.spec = spec


class State:
    def __init__(self):
        self.lock = threading.RLock()
        self.buckets = {"bucket": {}}
        self.uploads = {}
        self.generation = int(time.time() * 1e6)
        self.faults = []
        self.counts = {}
        self.key = None
        self.tokens = {}
        self.token_requests = 0
        self.token_seconds = 3600

    def fault(self, what):
        with self.lock:
            for fault in self.faults:
                if fault.match in what and fault.times > 0:
                    fault.times -= 1
                    return fault.spec
        return {}

    def put(self, bucket, name, data, metadata, precondition):
        with self.lock:
            objects = self.bucket(bucket)
            check_precondition(objects.get(name), precondition)
            wanted = metadata.get("crc32c")
            if wanted and wanted != cached_crc32c(data):
                raise Refusal(400, f"Provided CRC32C {wanted} doesn't match")
            self.generation += 1
            objects[name] = Object(name, data, self.generation, metadata)
            return objects[name]

    def bucket(self, name):
        if name not in self.buckets:
            raise Refusal(404, "The specified bucket does not exist.")
        return self.buckets[name]

    def object(self, bucket, name, generation=None):
        found = self.bucket(bucket).get(name)
        if found is None or (generation and str(found.generation) != generation):
            raise Refusal(404, f"No such object: {bucket}/{name}")
        return found


def check_precondition(found, precondition):
    if precondition is None:
        return
    if int(precondition) != (found.generation if found else 0):
        raise Refusal(412, "At least one of the pre-conditions you specified did not hold.")


def check_name(name):
    encoded = name.encode()
    if not 1 <= len(encoded) <= 1024 or "\r" in name or "\n" in name or name in (".", ".."):
        raise Refusal(400, "Invalid object name")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    rbufsize = 1 << 20

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            pieces = []
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                piece = self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return b"".join(pieces)
                pieces.append(piece)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def close(self):
        self.close_connection = True
        self.wfile.flush()
        # RST rather than an orderly end, as a broken network looks.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def answer(self, status, content=b"", headers=(), kind="application/json; charset=UTF-8"):
        if isinstance(content, (dict, list)):
            content = json.dumps(content).encode()
        if self.spec.get("after"):
            return self.close()
        if "status_after" in self.spec:
            status, content, headers = self.spec["status_after"], b"", ()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if status != 204 and self.command != "HEAD":
            if "cut" in self.spec:
                self.wfile.write(content[:self.spec["cut"]])
                return self.close()
            self.wfile.write(content)
        self.wfile.flush()

    def refuse(self, status, message):
        error = {"code": status, "message": message, "errors": [{"message": message}]}
        self.answer(status, {"error": error})

    def handle_any(self):
        self.spec = {}
        url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        what = f"{self.command} {self.path}"
        if not url.path.startswith("/_fake"):
            with state.lock:
                kind = f"{self.command} {self.query.get('uploadType') or self.query.get('alt') or ''}"
                state.counts[kind.strip()] = state.counts.get(kind.strip(), 0) + 1
            self.spec = state.fault(what)
        if self.spec.get("before"):
            return self.close()
        if "keep" not in self.spec:
            self.content = self.body()
        if "status" in self.spec:
            return self.refuse(self.spec["status"], "made by the test")
        try:
            self.route(url.path)
        except Refusal as refusal:
            self.refuse(refusal.status, str(refusal))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any

    def route(self, path):
        if path.startswith("/_fake/"):
            return self.control(path)
        if path == "/token":
            return self.exchange()
        if path.startswith("/computeMetadata/"):
            return self.metadata_token()
        self.check_token()
        match = re.fullmatch(r"/upload/storage/v1/b/([^/]+)/o", path)
        if match:
            return self.upload(match[1])
        match = re.fullmatch(r"(?:/download)?/storage/v1/b(?:/([^/]+)(?:/o(?:/([^/]+))?)?)?", path)
        if not match:
            raise Refusal(404, "Not Found")
        bucket, name = match[1], match[2]
        if bucket is None:
            return self.make_bucket()
        if name is not None:
            return self.on_object(bucket, urllib.parse.unquote(name))
        if path.endswith("/o"):
            return self.list(bucket)
        state.bucket(bucket)
        return self.answer(200, {"kind": "storage#bucket", "name": bucket, "id": bucket})

    def make_bucket(self):
        name = json.loads(self.content)["name"]
        with state.lock:
            if name in state.buckets:
                raise Refusal(409, "You already own this bucket.")
            state.buckets[name] = {}
        self.answer(200, {"kind": "storage#bucket", "name": name, "id": name})

    def on_object(self, bucket, name):
        generation = self.query.get("generation")
        if self.command == "DELETE":
            with state.lock:
                found = state.object(bucket, name, generation)
                check_precondition(found, self.query.get("ifGenerationMatch"))
                del state.buckets[bucket][name]
            return self.answer(204)
        found = state.object(bucket, name, generation)
        if self.query.get("alt") != "media":
            return self.answer(200, found.resource(bucket))
        headers = [("x-goog-generation", str(found.generation)), ("x-goog-metageneration", "1"),
                   ("x-goog-hash", f"crc32c={cached_crc32c(found.data)}"),
                   ("x-goog-stored-content-length", str(len(found.data))),
                   ("x-goog-stored-content-encoding", "identity"), ("ETag", str(found.generation))]
        data, status = found.data, 200
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if match:
            start = int(match[1])
            end = min(int(match[2] or len(data) - 1), len(data) - 1)
            if start >= len(data):
                raise Refusal(416, "Requested range not satisfiable")
            headers.append(("Content-Range", f"bytes {start}-{end}/{len(data)}"))
            data, status = data[start:end + 1], 206
        if self.spec.get("corrupt"):
            data = bytes([data[0] ^ 1]) + data[1:]
        self.answer(status, data, headers, "application/octet-stream")

    def list(self, bucket):
        prefix, start = self.query.get("prefix", ""), self.query.get("startOffset", "")
        limit = min(int(self.query.get("maxResults", 1000)), 1000)
        after = base64.b64decode(self.query.get("pageToken", "")).decode()
        with state.lock:
            names = sorted((name for name in state.bucket(bucket)
                            if name.startswith(prefix)), key=str.encode)
            names = [name for name in names if name.encode() >= start.encode()
                     and (not after or name.encode() > after.encode())]
            page = names[:limit]
            listing = {"kind": "storage#objects",
                       "items": [state.buckets[bucket][name].resource(bucket) for name in page]}
        if not page:
            del listing["items"]
        if len(names) > limit:
            listing["nextPageToken"] = base64.b64encode(page[-1].encode()).decode()
        self.answer(200, listing)

    def upload(self, bucket):
        if "upload_id" in self.query:
            return self.go_on(self.query["upload_id"])
        state.bucket(bucket)
        kind = self.query.get("uploadType")
        precondition = self.query.get("ifGenerationMatch")
        if kind == "media":
            return self.store(bucket, self.query["name"], self.content, {}, precondition)
        if kind == "multipart":
            boundary = re.search(r'boundary="?([^";]+)', self.headers["Content-Type"])[1].encode()
            parts = self.content.split(b"--" + boundary)
            if len(parts) < 4 or not parts[-1].startswith(b"--"):
                raise Refusal(400, "Malformed multipart body.")
            metadata = json.loads(parts[1].split(b"\r\n\r\n", 1)[1])
            content = (b"--" + boundary).join(parts[2:-1]).split(b"\r\n\r\n", 1)[1]
            content = content.removesuffix(b"\r\n")
            name = self.query.get("name") or metadata["name"]
            return self.store(bucket, name, content, metadata, precondition)
        if kind != "resumable":
            raise Refusal(400, "uploadType is missing")
        metadata = json.loads(self.content or b"{}")
        name = self.query.get("name") or metadata["name"]
        check_name(name)
        with state.lock:
            check_precondition(state.bucket(bucket).get(name), precondition)
            upload_id = uuid.uuid4().hex
            state.uploads[upload_id] = Upload(bucket, name, metadata, precondition)
        location = f"http://{self.headers['Host']}{self.path}&upload_id={upload_id}"
        self.answer(200, b"", [("Location", location), ("X-GUploader-UploadID", upload_id)])

    def store(self, bucket, name, content, metadata, precondition):
        check_name(name)
        self.answer(200, state.put(bucket, name, content, metadata, precondition).resource(bucket))

    def go_on(self, upload_id):
        with state.lock:
            upload = state.uploads.get(upload_id)
        if upload is None:
            raise Refusal(404, "No such upload")
        if self.command == "DELETE":
            with state.lock:
                del state.uploads[upload_id]
            return self.answer(499)
        if "keep" in self.spec:
            wanted = min(self.spec["keep"], int(self.headers["Content-Length"]))
            got = self.rfile.read(wanted)
            upload.data += got[:len(got) // CHUNK * CHUNK]
            return self.close()
        content = self.content
        if upload.object is not None:
            return self.answer(200, upload.object.resource(upload.bucket))
        header = self.headers.get("Content-Range")
        total = None
        if header:
            match = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", header)
            if not match:
                raise Refusal(400, "Invalid Content-Range")
            if match[3] != "*":
                total = int(match[3])
            if match[1] is not None:
                start, end = int(match[1]), int(match[2])
                if start != len(upload.data) or end + 1 - start != len(content):
                    raise Refusal(503, "Invalid request. The range does not go on.")
                if total is None and len(content) % CHUNK:
                    raise Refusal(400, "A piece must be a multiple of 256 KiB.")
                upload.data += content
        else:
            upload.data += content
            total = len(upload.data)
        if total is not None and total == len(upload.data):
            wanted = re.search(r"crc32c=([^,]+)", self.headers.get("X-Goog-Hash") or "")
            metadata = dict(upload.metadata)
            if wanted:
                metadata["crc32c"] = wanted[1]
            data = bytes(upload.data)
            if self.spec.get("corrupt"):
                data = bytes([data[0] ^ 1]) + data[1:]
                metadata.pop("crc32c", None)
            upload.object = state.put(upload.bucket, upload.name, data, metadata,
                                      upload.precondition)
            return self.answer(200, upload.object.resource(upload.bucket))
        headers = [("Range", f"bytes=0-{len(upload.data) - 1}")] if upload.data else []
        self.answer(308, b"", headers)

    # Tokens

    def check_token(self):
        if state.key is None:
            return
        kind, _, token = (self.headers.get("Authorization") or "").partition(" ")
        if kind != "Bearer" or state.tokens.get(token, 0) < time.time():
            raise Refusal(401, "Invalid Credentials")

    def hand_out(self):
        with state.lock:
            state.token_requests += 1
            token = "ya29." + uuid.uuid4().hex
            state.tokens[token] = time.time() + state.token_seconds
        return {"access_token": token, "expires_in": state.token_seconds, "token_type": "Bearer"}

    def exchange(self):
        form = dict(urllib.parse.parse_qsl(self.content.decode()))
        try:
            self.check_assertion(form)
        except (KeyError, ValueError, AssertionError, TypeError) as error:
            return self.answer(400, {"error": "invalid_grant",
                                     "error_description": f"Invalid JWT: {error}"})
        self.answer(200, self.hand_out())

    def check_assertion(self, form):
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer", "grant_type"
        head, claims, signature = form["assertion"].split(".")
        assert json.loads(unbase64url(head))["alg"] == "RS256", "alg"
        claims_of = json.loads(unbase64url(claims))
        assert claims_of["iss"] == state.key["email"], "iss"
        assert "devstorage" in claims_of["scope"], "scope"
        assert claims_of["aud"] == f"http://{self.headers['Host']}/token", "aud"
        assert claims_of["iat"] <= time.time() + 60 < claims_of["exp"] + 60, "time"
        assert claims_of["exp"] - claims_of["iat"] <= 3600, "exp"
        modulus = int(state.key["modulus"], 16)
        size = (modulus.bit_length() + 7) // 8
        signed = pow(int.from_bytes(unbase64url(signature), "big"), state.key["exponent"], modulus)
        digest = hashlib.sha256(f"{head}.{claims}".encode()).digest()
        info = bytes.fromhex("3031300d060960864801650304020105000420") + digest
        padded = b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
        assert signed.to_bytes(size, "big") == padded, "signature"

    def metadata_token(self):
        if self.headers.get("Metadata-Flavor") != "Google":
            raise Refusal(403, "Missing Metadata-Flavor")
        self.answer(200, self.hand_out(), [("Metadata-Flavor", "Google")])

    # What only the tests ask for

    def control(self, path):
        with state.lock:
            if path == "/_fake/faults":
                state.faults = [Fault(spec) for spec in json.loads(self.content)]
            elif path == "/_fake/require_token":
                state.key = json.loads(self.content)
                state.token_seconds = state.key.get("seconds", 3600)
            elif path == "/_fake/expire_tokens":
                state.tokens.clear()
            elif path == "/_fake/state":
                open_uploads = sum(upload.object is None for upload in state.uploads.values())
                return self.answer(200, {"counts": state.counts, "uploads": open_uploads,
                                         "tokens": state.token_requests})
            else:
                raise Refusal(404, "no such control")
        self.answer(200, {})


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, *_):
        pass  # clients of tests break off


state = State()
server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
