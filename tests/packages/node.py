# SPDX-License-Identifier: Apache-2.0
"""A real node, with the chart on it: kubelet, containerd, scheduler and controllers in namespaces of their own (unshare --net --mount --pid
--fork --kill-child --mount-proc). Usage: node.py KUBERNETES NODE DIR CHART IMAGE.tar... Prints what became of it, as JSON."""
import json
import os
import pathlib
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "live")]
from apiserver import ApiServer  # noqa: E402
from waiting import wait  # noqa: E402

ADDRESS = "10.77.0.1"
SOCKET = "/run/containerd/containerd.sock"
OWN = ("/var/lib/kubelet", "/var/lib/containerd", "/var/lib/cni", "/var/log/pods", "/var/log/containers", "/run/containerd", "/run/netns",
       "/opt/cni/bin", "/etc/cni/net.d")
IMAGE = "docker.io/library/stagewatchd:test"
CONTAINERD = """version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/library/pause:1"
  disable_apparmor = true
  # Where root has no CAP_SYS_RESOURCE.
  restrict_oom_score_adj = true
"""
BRIDGE = {"cniVersion": "0.4.0", "name": "lab", "plugins": [
    {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": True, "hairpinMode": True,
     "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.78.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
    {"type": "portmap", "capabilities": {"portMappings": True}}]}
SPARK = "/api/v1/namespaces/spark/pods"
WATCH = "/api/v1/namespaces/stagewatch"


def sh(command):
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)


class Cluster(ApiServer):
    disabled = "PodSecurity"

    def __init__(self, env, node, directory):
        keys = ("--kubelet-client-certificate", directory / "client.crt", "--kubelet-client-key", directory / "client.key")
        super().__init__(env, directory, ("--bind-address", ADDRESS, "--advertise-address", ADDRESS,
                                          "--kubelet-preferred-address-types", "InternalIP", *keys))
        self.node = node
        self.url = f"https://{ADDRESS}:{self.port}"

    def prepare(self):
        """Folders, addresses and certificates."""
        sh("mount --make-rshared /")
        for path in OWN:
            mine = self.dir / "own" / path.strip("/").replace("/", "-")
            mine.mkdir(parents=True)
            sh(f"mkdir -p {path} && mount --bind {mine} {path} && mount --make-shared {path}")
        sh("cp /usr/lib/cni/* /opt/cni/bin/")
        sh(f"ip link set lo up && ip addr add {ADDRESS}/32 dev lo && sysctl -q net.ipv4.ip_forward=1")
        tools = self.dir / "bin"
        tools.mkdir()
        for name in ("iptables", "ip6tables", "iptables-save", "iptables-restore", "ip6tables-save", "ip6tables-restore"):
            (tools / name).symlink_to("/usr/sbin/xtables-legacy-multi")
        os.environ["PATH"] = f"{tools}:{os.environ['PATH']}:/usr/sbin:/sbin"
        for chain in ("PREROUTING", "OUTPUT"):
            sh(f"iptables -t nat -A {chain} -d 10.0.0.1 -p tcp --dport 443 -j DNAT --to {ADDRESS}:{self.port}")
        sh(f"cd {self.dir} && openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=clients -days 2 -keyout ca.key -out clients.crt 2>&1 && "
           "openssl req -newkey rsa:2048 -nodes -subj /O=system:masters/CN=apiserver -keyout client.key -out client.csr 2>&1 && "
           "openssl x509 -req -in client.csr -CA clients.crt -CAkey ca.key -CAcreateserial -days 2 -out client.crt 2>&1")
        (self.dir / "resolv.conf").write_text("nameserver 10.0.0.10\n")
        (self.dir / "containerd.toml").write_text(CONTAINERD)
        pathlib.Path("/etc/cni/net.d/10-lab.conflist").write_text(json.dumps(BRIDGE))

    def run_node(self, images):
        self.start("containerd", "containerd", "--config", self.dir / "containerd.toml")
        wait(lambda: subprocess.run(["ctr", "version"], capture_output=True).returncode == 0)
        for image in images:
            sh(f"ctr -n k8s.io images import {image}")
        own = ("--kubeconfig", self.kubeconfig, "--leader-elect=false", "--bind-address", "127.0.0.1")
        self.start("scheduler", self.node / "bin/kube-scheduler", *own)
        self.start("controllers", self.node / "bin/kube-controller-manager", *own, "--service-account-private-key-file", self.dir / "sa.key",
                   "--root-ca-file", self.ca, "--node-monitor-grace-period", "20s", "--node-monitor-period", "3s")
        (self.dir / "kubelet.yaml").write_text(json.dumps({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "failCgroupV1": False, "failSwapOn": False,
            "cgroupDriver": "cgroupfs", "containerRuntimeEndpoint": f"unix://{SOCKET}", "resolvConf": str(self.dir / "resolv.conf"),
            "authentication": {"x509": {"clientCAFile": str(self.dir / "clients.crt")}}, "address": ADDRESS,
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 99, "imageGCLowThresholdPercent": 98}))
        self.start("kubelet", self.node / "bin/kubelet", "--config", self.dir / "kubelet.yaml", "--kubeconfig", self.kubeconfig,
                   "--hostname-override", "a", "--node-ip", ADDRESS)
        self.kubelet = self.children[-1]

    def get(self, path):
        status, text = self.request(path)
        assert status == 200, (path, status, text)
        return json.loads(text)

    def pod(self, name, role, command):
        return self.create(SPARK, {
            "metadata": {"name": name, "labels": {"spark-role": role, "spark-app-selector": "app-1", "spark-exec-id": "1"}},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [
                {"name": f"spark-kubernetes-{role}", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": command}]}})["metadata"]["uid"]

    def ready(self):
        """The pods of the chart by the name of their container, once all are ready."""
        pods = self.get(f"{WATCH}/pods")["items"]
        states = [c for p in pods for c in p["status"].get("containerStatuses", [])]
        return len(states) == 2 and all(c["ready"] for c in states) and {p["spec"]["containers"][0]["name"]: p for p in pods}


def probed(cluster, pod):
    """What the probe in its pod says of the executors of the app."""
    return cluster.get(f"{WATCH}/pods/{pod['metadata']['name']}:14041/proxy/api/v1/probe?app=app-1")


def counters(cluster, uid):
    """CPU of the pod's containers, once its kubelet has read it."""
    summary = cluster.get("/api/v1/nodes/a/proxy/stats/summary?only_cpu_and_memory=true")
    return [c["cpu"] for p in summary["pods"] if p["podRef"]["uid"] == uid for c in p["containers"] if "usageCoreNanoSeconds" in c.get("cpu", {})]


def ended(cluster, name):
    """How the container of the pod ended, while the pod is still there."""
    status, text = cluster.request(f"{WATCH}/pods/{name}")
    assert status == 200, "it is gone, and its end was not seen"
    return json.loads(text)["status"]["containerStatuses"][0]["state"].get("terminated")


def main():
    env, node, directory, chart, *images = (pathlib.Path(a) for a in sys.argv[1:])
    cluster = Cluster(env, node, directory)
    cluster.prepare()
    with cluster:
        cluster.run_node(images)
        for name in ("spark", "stagewatch"):
            cluster.create("/api/v1/namespaces", {"metadata": {"name": name}})
        values = ("persistence.enabled=false", "image.tag=test", "probe.enabled=true", "config.daemon.poll_interval=2s")
        subprocess.run([env / "bin/helm", "install", "stagewatchd", chart, "--namespace", "stagewatch", "--set", ",".join(values)],
                       check=True, env=cluster.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait(lambda: cluster.request("/api/v1/namespaces/spark/serviceaccounts/default")[0] == 200)
        # The probe goes by the name of the program and its arguments.
        loop = ["sh", "-c", "ln -s /bin/sh /tmp/java && exec /tmp/java -c 'while :; do sleep 1; done' KubernetesExecutorBackend "
                "--app-id app-1 --executor-id 1"]
        uid = cluster.pod("exec-1", "executor", loop)
        cluster.pod("etl-driver", "driver", ["sleep", "3600"])
        pods = wait(cluster.ready)
        said = {"uid": uid, "probe": wait(lambda: probed(cluster, pods["probe"])), "counters": wait(lambda: counters(cluster, uid)),
                "status": wait(lambda: cluster.get(f"{WATCH}/services/stagewatchd:http/proxy/api/v1/status"))}
        # A finalizer keeps what is left of it until it was read.
        name = pods["stagewatchd"]["metadata"]["name"]
        pod = cluster.get(f"{WATCH}/pods/{name}")
        pod["metadata"]["finalizers"] = ["example.com/read"]
        assert cluster.request(f"{WATCH}/pods/{name}", pod, method="PUT")[0] == 200
        cluster.request(f"{WATCH}/pods/{name}", method="DELETE")
        said["ended"] = wait(lambda: ended(cluster, name))
        pod = cluster.get(f"{WATCH}/pods/{name}")
        pod["metadata"]["finalizers"] = []
        cluster.request(f"{WATCH}/pods/{name}", pod, method="PUT")
        wait(cluster.ready)
        os.kill(cluster.kubelet.pid, signal.SIGSTOP)
        pod = f"{SPARK}/etl-driver"
        said["lost"] = wait(lambda: [c for c in cluster.get(pod)["status"]["conditions"] if c["type"] == "Ready" and c["status"] == "False"])
        os.kill(cluster.kubelet.pid, signal.SIGCONT)
        print(json.dumps(said))


if __name__ == "__main__":
    main()
