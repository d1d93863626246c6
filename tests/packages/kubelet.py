# SPDX-License-Identifier: Apache-2.0
"""A kubelet that answers for one node, behind a real API server: the API server asks no address of loopback for a node, so this runs in a
network namespace of its own. Usage: kubelet.py BINARY KUBERNETES DIR. Prints what was asked, and what the daemon said of it, as JSON."""
import http.server
import json
import pathlib
import ssl
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "live")]
from apiserver import ApiServer  # noqa: E402
from fakes import Driver  # noqa: E402
from harness import Daemon, wait  # noqa: E402

ADDRESS = "10.77.0.1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
PODS = "/api/v1/namespaces/spark/pods"
asked = []


def stamp(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


class Kubelet(http.server.BaseHTTPRequestHandler):
    """The counter rises by half a core, and is renewed every ten seconds."""

    uid = None

    def do_GET(self):
        asked.append(self.path)
        read = int(time.time()) // 10 * 10
        cpu = {"time": stamp(read), "usageNanoCores": 500000000, "usageCoreNanoSeconds": (read % 100000) * 500000000}
        container = {"name": "spark-kubernetes-executor", "startTime": stamp(read - 60), "cpu": cpu, "memory": {"time": stamp(read)}}
        body = json.dumps({"node": {"nodeName": "a"}, "pods": [
            {"podRef": {"name": "exec-1", "namespace": "spark", "uid": self.uid}, "containers": [container]}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(directory):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a", "-days", "1", "-keyout",
                    directory / "kubelet.key", "-out", directory / "kubelet.crt"], check=True, capture_output=True)
    server = http.server.ThreadingHTTPServer((ADDRESS, 0), Kubelet)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "kubelet.crt", directory / "kubelet.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def put_status(cluster, path, status):
    it = json.loads(cluster.request(path)[1])
    code, text = cluster.request(f"{path}/status", {**it, "status": {**it["status"], **status}}, method="PUT")
    assert code == 200, text


def allow(cluster, name, resource, verb):
    cluster.create(f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": [
        {"apiGroups": [""], "resources": [resource], "verbs": [verb]}]})
    cluster.create(f"{RBAC}/clusterrolebindings", {
        "metadata": {"name": name}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "watches", "namespace": "spark"}]})


def pod(cluster, name, labels, container, status):
    made = cluster.create(PODS, {"metadata": {"name": name, "labels": {"spark-app-selector": "app-1", **labels}},
                                 "spec": {"nodeName": "a", "containers": [container]}})
    put_status(cluster, f"{PODS}/{name}", {"phase": "Running", **status})
    return made["metadata"]["uid"]


def prepare(cluster, port, driver):
    cluster.create("/api/v1/namespaces", {"metadata": {"name": "spark"}})
    cluster.create("/api/v1/namespaces/spark/serviceaccounts", {"metadata": {"name": "watches"}})
    allow(cluster, "pods", "pods", "list")
    cluster.create("/api/v1/nodes", {"metadata": {"name": "a"}})
    put_status(cluster, "/api/v1/nodes/a", {"addresses": [{"type": "InternalIP", "address": ADDRESS}],
                                            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}}})
    ui = {"name": "spark-kubernetes-driver", "image": "x", "ports": [{"name": "spark-ui", "containerPort": driver.port}]}
    pod(cluster, "etl-driver", {"spark-role": "driver"}, ui, {"podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]})
    Kubelet.uid = pod(cluster, "exec-1", {"spark-role": "executor", "spark-exec-id": "1"},
                      {"name": "spark-kubernetes-executor", "image": "x"}, {"hostIP": ADDRESS, "hostIPs": [{"ip": ADDRESS}]})


def main():
    binary, env, directory = (pathlib.Path(a) for a in sys.argv[1:])
    subprocess.run("ip link set lo up && ip addr add 10.77.0.1/32 dev lo", shell=True, check=True)
    driver = Driver("app-1")
    driver.tasks, driver.tasks_active = [(1, "1"), (2, "1")], 2
    with ApiServer(env, directory, ("--advertise-address", ADDRESS)) as cluster:
        prepare(cluster, serve(directory), driver)
        (directory / "token").write_text(cluster.token("spark", "watches"))
        (directory / "token").chmod(0o600)
        section = (f"[spark k]\ntype = kubernetes\nurl = {cluster.url}\nca_file = {cluster.ca}\nbearer_token_file = {directory}/token\n"
                   "namespace = spark\ncpu_via = kubelet\n[rule k]\napp = *\nhung_after = 20s\nhung_after_unproven = 1h\n")
        with Daemon(binary, directory, section) as d:
            wait(lambda: d.lines('answered 403: nodes "a" is forbidden'), "the right is missing")
            before = len(asked)
            allow(cluster, "nodes", "nodes/proxy", "get")
            wait(lambda: d.lines("is slow, was "), "it is seen to work")
            print(json.dumps({"before": before, "asked": sorted(set(asked)), "slow": d.lines("is slow, was ")[0]}))

    driver.close()


if __name__ == "__main__":
    main()
