#!/usr/bin/python3
"""Checks that includes point only down the layers of docs/design.md: layers.py SOURCE_TREE"""
import pathlib
import re
import sys

# What a file may include in quotes, by where it lies; the first prefix that fits decides. Headers
# of the project are named as they are found below include/ and src/.
INTERFACES = r"nanogrid/[a-z_]+\.h"
CORE = r"core/.*"
SANDBOXES = r"sandbox/(common|seccomp)/.*"  # what all of them are made of
RULES = [
    ("include/nanogrid/adapters/local.h", [INTERFACES, r"nanogrid/adapters/(docker|linux_sandbox)\.h"]),
    ("include/nanogrid/adapters/fleet.h", [INTERFACES, r"nanogrid/adapters/(fleet_config|local|mirror)\.h"]),
    ("include/nanogrid/adapters/aws_fleet.h", [INTERFACES, r"nanogrid/adapters/aws\.h"]),
    ("include/nanogrid/adapters/dynamodb.h", [INTERFACES, r"nanogrid/adapters/aws\.h"]),
    ("include/nanogrid/adapters/", [INTERFACES]),
    ("include/nanogrid/testing/", [INTERFACES, r"nanogrid/testing/.*"]),
    ("include/nanogrid/nanogrid.h", [INTERFACES, r"nanogrid/adapters/local\.h"]),
    ("include/", [INTERFACES]),
    ("src/core/", [INTERFACES, r"nanogrid/adapters/(memory|file|secrets)\.h", CORE]),
    ("src/runtimes/", [INTERFACES, CORE, r"runtimes/.*"]),
    ("src/sqlite/", [INTERFACES, r"nanogrid/adapters/sqlite\.h", CORE, r"sqlite/.*"]),
    ("src/mirror/", [INTERFACES, r"nanogrid/adapters/mirror\.h", CORE, r"mirror/.*"]),
    ("src/gcp/", [INTERFACES, r"nanogrid/adapters/gcp\.h", CORE, r"http/(client|message|pool)\.h", r"gcp/.*"]),
    ("src/redis/", [INTERFACES, r"nanogrid/adapters/redis\.h", CORE, r"http/(client_socket|tls)\.h", r"redis/.*"]),
    ("src/sandbox/common/", [INTERFACES, CORE, r"sandbox/common/.*"]),
    ("src/sandbox/seccomp/", [r"sandbox/seccomp/.*"]),
    ("src/sandbox/linux/", [INTERFACES, r"nanogrid/adapters/linux_sandbox\.h", CORE, SANDBOXES, r"sandbox/linux/.*"]),
    ("src/sandbox/docker/", [INTERFACES, r"nanogrid/adapters/docker\.h", CORE, SANDBOXES, r"http/(client|message)\.h", r"sandbox/docker/.*"]),
    ("src/aws/", [INTERFACES, r"nanogrid/adapters/(aws|aws_fleet|dynamodb)\.h", CORE, r"http/(client|message|pool|target)\.h", r"aws/.*"]),
    ("src/engine/", [INTERFACES, CORE, r"engine/.*"]),
    ("src/http/", [INTERFACES, r"nanogrid/adapters/http\.h", CORE, r"http/.*"]),
    ("src/api/", [INTERFACES, r"nanogrid/adapters/(http|remote)\.h", CORE, r"engine/.*", r"http/.*", r"api/.*"]),
    ("src/local/", [INTERFACES, r"nanogrid/adapters/.*", CORE, r"engine/.*", r"local/.*"]),
    ("src/fleet/", [INTERFACES, r"nanogrid/adapters/.*", CORE, r"engine/.*", r"local/.*", r"fleet/.*"]),
    ("examples/", [INTERFACES, r"nanogrid/adapters/.*"]),
]
# What programs have in common.
SHARED = pathlib.PurePath("examples/daemon")
# The umbrella is for applications: it would pull the adapters of local.h into every layer.
UMBRELLA_ALLOWED = ("examples/", "include/nanogrid/nanogrid.h")

# Headers in angle brackets that public headers may use. function.h is used by functions, which
# speak to descriptor 3; conformance suites are GoogleTest suites and look at processes.
STANDARD = r"[a-z_0-9]+"
POSIX = r"(sys/)?[a-z_]+\.h"
PUBLIC_SYSTEM = {
    "include/nanogrid/function.h": [STANDARD, POSIX],
    "include/nanogrid/testing/": [STANDARD, POSIX, r"absl/status/.*", r"g(test|mock)/.*"],
    "include/": [STANDARD, r"absl/status/.*"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def first_prefix(path, table):
    for prefix, allowed in table:
        if path.startswith(prefix):
            return allowed
    return None


def project_name(root, path, name):
    """The name below include/ or src/ of the header that `path` means by `name`; None if neither."""
    beside = (root / path).parent / name
    if beside.is_file():
        relative = beside.resolve().relative_to(root).as_posix()
        return re.sub(r"^(include|src)/", "", relative)
    for base in ("include", "src"):
        if (root / base / name).is_file():
            return name
    if (root / "examples" / name).is_file():
        return "examples/" + name
    return None


def fits(name, patterns):
    return any(re.fullmatch(pattern, name) for pattern in patterns)


def violations(root):
    root = pathlib.Path(root).resolve()
    files = sorted(
        file for top in ("include", "src", "examples") for file in (root / top).rglob("*")
        if file.suffix in (".h", ".cc"))
    if not files:
        yield f"{root}: no sources here"
    for file in files:
        path = file.relative_to(root).as_posix()
        allowed = first_prefix(path, RULES)
        if allowed is None:
            yield f"{path}: belongs to no layer; add its directory to RULES"
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quoted, angled = match.groups()
            where = f"{path}:{number}"
            if quoted:
                name = project_name(root, path, quoted)
                if name is None:
                    yield f'{where}: "{quoted}" is no header of this project (use <> for others)'
                elif name.startswith("examples/"):
                    if pathlib.PurePath(name).parent not in (pathlib.PurePath(path).parent, SHARED):
                        yield f'{where}: "{quoted}" is another program\'s'
                elif not fits(name, allowed):
                    yield f'{where}: "{quoted}" is not below this layer'
                elif name == "nanogrid/nanogrid.h" and not path.startswith(UMBRELLA_ALLOWED):
                    yield f'{where}: the umbrella header is for applications'
            elif (root / "src" / angled).is_file():
                yield f"{where}: <{angled}> is private: in quotes, where the layer allows it"
            elif path.startswith("examples/"):
                pass  # an application's own choice; <nanogrid/…> is how strangers write it
            elif angled.startswith("nanogrid/"):
                yield f"{where}: <{angled}> is the project's own: use quotes"
            elif path.startswith("include/"):
                patterns = first_prefix(path, PUBLIC_SYSTEM.items())
                if not fits(angled, patterns):
                    yield f"{where}: <{angled}> in a public header; only std, absl/status and each other"


if __name__ == "__main__":
    found = list(violations(sys.argv[1]))
    print("\n".join(found) if found else "includes point down only")
    sys.exit(1 if found else 0)
