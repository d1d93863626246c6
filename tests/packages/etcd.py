# SPDX-License-Identifier: Apache-2.0
"""A real etcd, without users."""
import subprocess

from apiserver import free_ports
from waiting import wait_listens


class Etcd:
    def __init__(self, directory):
        self.dir = directory
        self.port, self.peer = free_ports(2)
        self.start_server()

    def start_server(self):
        client, peer = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.peer}"
        with open(self.dir / "etcd.log", "ab") as log:
            self.child = subprocess.Popen(
                ["etcd", "--data-dir", self.dir / "etcd", "--listen-client-urls", client, "--advertise-client-urls", client,
                 "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_listens(self.child, self.port, self.dir / "etcd.log")

    def stop_server(self):
        self.child.terminate()
        self.child.wait(20)

    def end(self):
        self.stop_server()

    def section(self, port):
        return f"type = etcd\nurl = http://127.0.0.1:{port}\n"
