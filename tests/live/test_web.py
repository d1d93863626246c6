# SPDX-License-Identifier: Apache-2.0
"""The door that others come in by: where it listens."""
import re
import signal
import socket
import subprocess
import urllib.request

from fakes import Driver
from harness import Daemon, driver_section, wait


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=10) as r:
        return r.read().decode()


def test_several_addresses_are_served(binary, tmp_path, started):
    d = Daemon(binary, tmp_path, driver_section("one", started(Driver)))
    d.config.write_text(d.config.read_text().replace("listen = 127.0.0.1:0\n", "listen = 127.0.0.1:0\nlisten = 127.0.0.2:0\n"))
    with d:
        wait(lambda: len(d.lines("Listening on ")) == 2, what="it listens twice")
        for host, port in re.findall(r"Listening on (127\.0\.0\.\d):0, port (\d+)", d.log()):
            assert "healthy" in get(f"http://{host}:{port}/-/healthy")


def test_sockets_of_systemd_take_the_place_of_listen(binary, tmp_path, started):
    """systemd-socket-activate listens, and begins the daemon once somebody connects: whose request is answered."""
    d = Daemon(binary, tmp_path, driver_section("one", started(Driver)))
    port = free_port()
    with open(d.logfile, "ab") as log:
        activator = subprocess.Popen(["systemd-socket-activate", "-l", f"127.0.0.1:{port}", str(binary), "--config", str(d.config)],
                                     stdout=log, stderr=log)
    try:
        wait(lambda: "Listening on" in d.log(), what="systemd-socket-activate listens")
        assert "healthy" in get(f"http://127.0.0.1:{port}/-/healthy")
        assert len(d.lines(f"in place of [web] listen, port {port}")) == 1
        assert not d.lines("Listening on 127.0.0.1:0, port")
    finally:
        activator.send_signal(signal.SIGTERM)  # it has become the daemon
        assert activator.wait(10) == 0
