# SPDX-License-Identifier: Apache-2.0
"""How long a test waits for what must come: until it is there.

A busy machine is no fault of what is tested, so a test names no limit of its own. The one limit is here, for what never comes.
"""
import socket
import time

LONGEST = 900  # seconds: several times what the slowest step takes on a machine that others keep busy


def wait(predicate, what="", every=0.1):
    """Call predicate every so many seconds until it is true, and return what it said. TimeoutError: it never was."""
    end = time.monotonic() + LONGEST
    while not (value := predicate()):
        if time.monotonic() >= end:
            raise TimeoutError(f"not within {LONGEST} s: {what or predicate}")
        time.sleep(every)
    return value


def wait_listens(child, port, log=""):
    """Until the process listens at the port of 127.0.0.1; it fails as soon as the process has ended. log: a file with its last words."""
    def look():
        if child.poll() is not None:
            raise OSError(f"{child.args[0]} ended ({child.returncode}): {log and log.read_text()[-2000:]}")
        with socket.socket() as s:
            s.settimeout(1)
            return s.connect_ex(("127.0.0.1", port)) == 0

    wait(look, f"{child.args[0]} listens at port {port}", 0.05)
