# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes API server on a real etcd. There is no kubelet and no controller: what it holds are records."""
import json
import os
import socket
import subprocess
import threading
import urllib.error
import urllib.request

from waiting import wait


def free_ports(n):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


class Worker:
    """Stands in for who looks at the API server all the time: calls work() in a thread of its own, until it is left. What work() raises
    fails the test then."""

    every = 0.2  # s

    def __enter__(self):
        self.over, self.fault = threading.Event(), None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        assert self.fault is None, self.fault

    def run(self):
        try:
            while not self.over.wait(self.every):
                self.work()
        except Exception as e:
            self.fault = e


class ApiServer:
    """token() is that of a service account, ca the file that its certificate needs. more: arguments of the server, disabled: its plugins."""

    disabled = "ServiceAccount"

    def __init__(self, env, directory, more=()):
        self.env, self.dir, self.more = env, directory, more
        self.etcd_port, self.peer_port, self.port = free_ports(3)
        self.url = f"https://127.0.0.1:{self.port}"
        self.ca = directory / "certs/apiserver.crt"
        self.kubeconfig = directory / "kubeconfig"
        self.children = []

    def start(self, name, *command):
        with open(self.dir / f"{name}.log", "ab") as log:
            self.children.append(subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def __enter__(self):
        subprocess.run(["openssl", "genrsa", "-out", self.dir / "sa.key", "2048"], check=True, capture_output=True)
        (self.dir / "tokens.csv").write_text("admin-token,admin,1,system:masters\n")
        etcd, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{self.peer_port}"
        self.start("etcd", "etcd", "--data-dir", self.dir / "etcd", "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
                   "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}")
        self.start_server()
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "lab",
            "clusters": [{"name": "lab", "cluster": {"server": self.url, "certificate-authority": str(self.ca)}}],
            "users": [{"name": "admin", "user": {"token": "admin-token"}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "admin"}}]}))
        return self

    def start_server(self):
        self.start("apiserver", self.env / "bin/kube-apiserver", "--etcd-servers", f"http://127.0.0.1:{self.etcd_port}", "--bind-address", "127.0.0.1",
                   "--secure-port", self.port, "--cert-dir", self.dir / "certs", "--service-account-issuer", "https://lab",
                   "--service-account-key-file", self.dir / "sa.key", "--service-account-signing-key-file", self.dir / "sa.key",
                   "--token-auth-file", self.dir / "tokens.csv", "--authorization-mode", "RBAC",
                   "--disable-admission-plugins", self.disabled, "--service-cluster-ip-range", "10.0.0.0/24", *self.more)
        def ready():
            assert all(c.poll() is None for c in self.children), self.log()
            return self.is_ready()

        wait(ready, "the API server is ready", 0.5)

    def stop_server(self):
        """Its etcd goes on."""
        child = self.children.pop()
        child.terminate()
        child.wait(60)

    def __exit__(self, *_):
        for child in reversed(self.children):
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def log(self):
        return "".join((self.dir / f"{name}.log").read_text(errors="replace")[-2000:] for name in ("etcd", "apiserver"))

    def request(self, path, body=None, method=None, token="admin-token"):
        """The answer's status and JSON, if it is any."""
        import ssl
        context = ssl.create_default_context(cafile=self.ca) if self.ca.exists() else None
        data = None if body is None else json.dumps(body).encode()
        r = urllib.request.Request(self.url + path, data, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
                                   method=method)
        try:
            with urllib.request.urlopen(r, timeout=30, context=context) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()

    def is_ready(self):
        try:
            return self.ca.exists() and self.request("/readyz")[0] == 200
        except OSError:
            return False

    def create(self, path, body):
        status, text = self.request(path, body)
        assert status == 201, text
        return json.loads(text)

    def token(self, namespace, account):
        made = self.create(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token",
                           {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}})
        return made["status"]["token"]

    def environment(self):
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
