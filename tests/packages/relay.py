# SPDX-License-Identifier: Apache-2.0
"""A TCP relay in a thread."""
import socket
import threading


class Relay:
    """Between a program and a port of this host; it can be cut. on_data(to_server, data) sees each
    piece before it is passed on."""

    def __init__(self, port):
        self.to, self.cut, self.pairs = port, False, []
        self.on_data = lambda to_server, data: None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                here = self.listener.accept()[0]
            except OSError:
                return
            try:
                there = None if self.cut else socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                there = None
            if not there:
                here.close()
                continue
            self.pairs += [here, there]
            for a, b in ((here, there), (there, here)):
                threading.Thread(target=self.carry, args=(a, b, a is here), daemon=True).start()

    def carry(self, a, b, to_server):
        try:
            while data := a.recv(65536):
                self.on_data(to_server, data)
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def set_cut(self, cut):
        self.cut = cut
        for s in self.pairs if cut else []:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()
        self.set_cut(True)
