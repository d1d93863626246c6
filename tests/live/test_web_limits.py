# SPDX-License-Identifier: Apache-2.0
"""Whoever attacks the web server keeps neither polling nor the others from their work, and nothing of it stays."""
import os
import random
import resource
import socket
import threading

from fakes import Driver
from harness import Daemon, driver_section, wait

IDLE = 10_000
FLOOD = 2_000


def connect(port, source="127.0.0.1"):
    return socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0))


def ask(port, source):
    """The status line of /metrics, asked from an address of this host."""
    with connect(port, source) as s:
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return s.makefile("rb").readline()


def talk(port, data):
    """All that comes back; a reset is an end."""
    got = b""
    with connect(port) as s:
        try:
            s.sendall(data)
            while part := s.recv(65536):
                got += part
        except OSError:
            pass
    return got


class Watched(Daemon):
    """Measured before and after."""

    def measure(self):
        return self.metric("process_open_fds"), self.metric("process_resident_memory_bytes")

    def refused(self, reason):
        return self.metric("stagewatch_web_refused_total", server="web", reason=reason)

    def flat(self, before):
        """All descriptors are given back, and no memory is kept but what a full table takes once."""
        wait(lambda: self.metric("process_open_fds") <= before[0] + 4, "descriptors are given back")
        # A sanitizer keeps what was freed.
        if not os.environ.get("STAGEWATCHD_SANITIZE"):
            assert self.measure()[1] < before[1] + (8 << 20)


def watched(binary, tmp_path, started):
    driver = started(Driver)
    return driver, Watched(binary, tmp_path, driver_section("one", driver))


def test_idle_connections(binary, tmp_path, started):
    """10,000 that say nothing, held open all at once."""
    driver, d = watched(binary, tmp_path, started)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held = []
    try:
        with d:
            wait(lambda: driver.asked("GET", "/stages"), "it polls")
            before, port = d.measure(), d.port()
            for n in range(IDLE):
                held.append(connect(port, f"127.0.1.{1 + n % 8}"))
                if n % 1000 == 999:
                    assert ask(port, "127.0.0.2") == b"HTTP/1.1 200 OK\r\n"
            assert ask(port, "127.0.1.1") == b"HTTP/1.1 200 OK\r\n"  # also an address that holds many
            d.polls_go_on(driver)
            assert d.metric("process_open_fds") <= before[0] + 70
            assert d.refused("crowded") >= IDLE - 64
            for s in held:
                s.close()
            d.flat(before)
    finally:
        for s in held:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_slow_requests_and_a_flood(binary, tmp_path, started):
    """Some drip a byte now and then, others connect, ask and go as fast as they can, all from one address."""
    driver, d = watched(binary, tmp_path, started)
    over = threading.Event()

    def drip():
        while not over.is_set():
            with connect(d.port()) as s:
                try:
                    for byte in b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 1000:
                        s.sendall(bytes([byte]))
                        if over.wait(0.05):
                            return
                except OSError:
                    pass

    def flood():
        for _ in range(FLOOD // 4):
            with connect(d.port()) as s:
                s.sendall(b"GET /")

    with d:
        wait(lambda: driver.asked("GET", "/stages"), "it polls")
        before = d.measure()
        threads = [threading.Thread(target=drip) for _ in range(20)] + [threading.Thread(target=flood) for _ in range(4)]
        for t in threads:
            t.start()
        try:
            for _ in range(10):
                assert ask(d.port(), "127.0.0.2") == b"HTTP/1.1 200 OK\r\n"
            d.polls_go_on(driver)
        finally:
            over.set()
            for t in threads:
                t.join()
        assert d.refused("crowded") > 0
        d.flat(before)


def test_what_is_no_request(binary, tmp_path, started):
    driver, d = watched(binary, tmp_path, started)
    noise = random.Random(7)
    second = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"
    texts = {
        "two lengths": b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 38\r\n\r\n" + second,
        "length and chunks": b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second,
        "chunks": b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second,
        "a body": b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 38\r\n\r\n" + second,
        "a folded line": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: y\r\n Content-Length: 38\r\n\r\n" + second,
        "line feeds": b"GET / HTTP/1.1\nHost: localhost\n\n" + second,
        "a space in a name": b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked\r\n\r\n" + second,
        "a NUL": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: \0\r\n\r\n" + second,
        "absolute-form": b"GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n" + second,
        "authority-form": b"CONNECT h:80 HTTP/1.1\r\nHost: localhost\r\n\r\n" + second,
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0" + second,
        "a parent": b"GET /../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n" + second,
        "an encoded slash": b"GET /..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: localhost\r\n\r\n" + second,
        "an encoded NUL": b"GET /-/healthy%00x HTTP/1.1\r\nHost: localhost\r\n\r\n" + second,
        "a long header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n" + second,
        "a long target": b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n" + second,
        "many headers": b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 100_000 + b"\r\n" + second,
        "a POST": b"POST /api/v1/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}" + second,
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + noise.randbytes(500) + b"\r\n\r\n" + second,
        "anything": noise.randbytes(4096) + b"\r\n\r\n" + second,
    }
    with d:
        wait(lambda: driver.asked("GET", "/stages"), "it polls")
        before = d.measure()
        for _ in range(10):
            for what, data in texts.items():
                got = talk(d.port(), data)
                assert b" 200 OK" not in got and b"root:" not in got, (what, got)
        d.polls_go_on(driver)
        assert d.refused("malformed") >= 80 and d.refused("too_large") >= 30
        d.flat(before)
