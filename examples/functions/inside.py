"""What a function sees of the machine that it runs on."""
import os
import pathlib
import socket


def handler(event, context):
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status") if ":\t" in line)
    try:
        socket.create_connection(("1.1.1.1", 53), timeout=1).close()
        network = "reachable"
    except OSError as error:
        network = error.strerror
    return {
        "uid": os.getuid(),
        "capabilities": status["CapEff"].strip(),
        "no_new_privs": status["NoNewPrivs"].strip(),
        "seccomp": status["Seccomp"].strip(),
        "processes": sorted(int(p.name) for p in pathlib.Path("/proc").iterdir() if p.name.isdigit()),
        "network": network,
        "host_passwords": os.path.exists("/etc/shadow"),
    }
