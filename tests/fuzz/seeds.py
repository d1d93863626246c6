#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""seeds.py DIR: writes what each fuzz target begins with: DIR/KIND/NAME, and the words of the decoders in DIR/words.

Recorded answers (tests/wire/fixtures), recordings (tests/replay), answers in unit tests, and configurations of this tree. Of each
recorded answer there is a copy with lists of one row, so that small mutations stay within small bodies."""
import base64
import gzip
import hashlib
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MOST = 64 * 1024

HTTP = [
    b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    b"GET /api/v1/audit?app=a%20b&sort=x&find=%ff%00y HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip;q=0.5, *;q=0\r\n\r\n",
    b"HEAD /metrics HTTP/1.0\r\nAccept: text/plain; version=0.0.4\r\n\r\n",
    b'POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nContent-Length: 16\r\n\r\n{"reason": "me"}',
    b"POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
]

TEMPLATES = [
    b'{"text": "{{summary}}", "n": "{{ stage_id }}"}\0etl "7" \\ \x1b[31m',
    b'{"a": ["{{event}}"], "{{app_id}}": 1}\0\xe2\x80\xaeevil\n%n{{secret}}',
    b'Authorization: Bearer {{secret}}\0<script>alert(1)</script>',
]

HASH = "$2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze"
WEB_FILES = [
    f"tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\nbasic_auth_users:\n  alice: {HASH}\nrate_limit:\n  interval: 1s\n  burst: 20\n",
    "tls_server_config: {cert: c, key: k, client_ca: a, client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [a, 10.0.0.1],\n"
    "  min_version: TLS12, max_version: TLS13, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256], prefer_server_cipher_suites: true,\n"
    "  curve_preferences: [X25519, CurveP256]}\nhttp_server_config:\n  http2: false\n  headers: {X-Frame-Options: deny, Content-Security-Policy: \"x\"}\n",
    "a: &x [1, 2]\nb: *x\n---\n!!map {? [a] : |\n  b\n}\n",
]

TEXTS = [
    "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0b7632a2_a56e_4278_987a_22de18008dbe.slice/cri-1.scope",
    "12:cpu:/kubepods/burstable/pod0b7632a2-a56e-4278-987a-22de18008dbe/1\n",
    "http://nm:8042/node/containerlogs/container_1_2_01_000002/user/stderr?start=-4096", "https://u@h:1/p?q#f", "X-Key: {{secret}}",
    "1h 30min", "2026-11-23T01:19:07.473GMT", "Mon, 23 Nov 2026 03:17:05 GMT", "64K", "2/3", "gzip;q=0.5, *;q=0", "aGVsbG8_-w==",
    "spark.stagewatch.hung_after=30min\nspark.stagewatch.action=notify\nspark.network.timeout=300s\nspark.driver.memory=2g",
    "spark.speculation=true\nspark.executor.heartbeatInterval=10000\nspark.dynamicAllocation.enabled=true\nspark.task.cpus=2",
    "4.3.0", "\x1b[31m\u202e\u2028\u200b\x7f",
]


TASK = {"dag_id": "d", "run_id": "manual__1", "task_id": "t", "try_number": "2", "map_index": "3"}
META = {"namespace": "n", "name": "etl-driver", "uid": "u1", "annotations": TASK,
        "labels": {"spark-role": "driver", "spark-app-selector": "spark-1", "sparkoperator.k8s.io/app-name": "etl", **TASK, "map_index": "-1"},
        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u3", "controller": True},
                            {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication", "name": "etl", "uid": "u2"},
                            {"apiVersion": "spark.apache.org/v1", "kind": "SparkApplication", "name": "etl", "uid": "u2", "controller": True}]}
STATUS = {"phase": "Running", "containerStatuses": [{"name": "spark-kubernetes-driver", "state": {"waiting": {"reason": "ErrImagePull", "message": "m"}}}],
          "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "m"}], "podIP": "10.0.0.1", "hostIP": "fd00::1", "podIPs": [{"ip": "10.0.0.1"}]}
KUBE = [
    {"kind": "Pod", "metadata": META, "spec": {"nodeName": "a"}, "status": STATUS},
    {"kind": "PodList", "metadata": {"continue": "more", "resourceVersion": "7"},
     "items": [{"metadata": META, "spec": {"nodeName": "a"}, "status": STATUS}, {"metadata": {"name": "..", "labels": 1}}]},
    {"kind": "PodList", "metadata": {}, "items": [{"metadata": dict(META, ownerReferences=META["ownerReferences"][1:2]), "status": STATUS},
                                                  {"metadata": {**META, "annotations": {}, "ownerReferences": []}, "status": STATUS}]},
    {"kind": "SparkApplicationList", "metadata": {"continue": "more"}, "items": [
        {"kind": "SparkApplication", "metadata": META, "spec": {}, "status": {"applicationState": {"state": "SUBMISSION_FAILED", "errorMessage": "quota"}}},
        {"kind": "SparkApplication", "metadata": META, "spec": {}, "status": {"currentState": {"currentStateSummary": "Submitted", "message": "m"}}}]},
    {"kind": "EventList", "metadata": {"continue": ""}, "items": [
        {"metadata": {"creationTimestamp": "2026-11-23T01:19:07Z"}, "reason": "FailedScheduling", "message": "0/1 nodes are available", "lastTimestamp": None,
         "eventTime": "2026-11-23T01:19:07.473000Z"},
        {"metadata": {"creationTimestamp": "2026-11-23T01:19:07Z"}, "reason": "FailedMount", "message": "m",
         "series": {"count": 2, "lastObservedTime": "2026-11-23T01:20:07.473000Z"}}]},
    {"kind": "PartialObjectMetadataList", "metadata": {"continue": "more"}, "items": [{"metadata": META}]},
    {"kind": "PartialObjectMetadataList", "metadata": {}, "items": [
        {"metadata": dict(META, labels={"spark-app-selector": app}, ownerReferences=[{"apiVersion": "v1", "kind": "Pod", "name": "etl-driver", "uid": "u1"}])}
        for app in ("spark-1", "spark-2")]},
    {"kind": "SelfSubjectAccessReview", "metadata": {}, "status": {"allowed": True}},
    {"kind": "Status", "status": "Failure", "message": "forbidden", "reason": "Forbidden", "code": 403},
]


REDACTED = "*********(redacted)"
SPARK = [
    {"sparkProperties": [["spark.airflow.dag_id", REDACTED], ["spark.airflow.run_id", "r"], ["spark.airflow.task_id", "t"], ["spark.airflow.try_number", "1"],
                         ["spark.airflow.identity", b"token\nr\nt\n-1\n2".hex()]]},
    {"sparkProperties": [["spark.openlineage.parentRunId", "01a22d1e-d0bd-746e-97a9-22976b37e199"], ["spark.openlineage.parentJobNamespace", "n"],
                         ["spark.openlineage.parentJobName", "d.t"], ["spark.openlineage.rootParentJobName", "d"]]},
]


INSTANCE = {"dag_id": "hang_mapped", "dag_run_id": "m1", "task_id": "hang_map", "map_index": 1, "state": "running", "try_number": 1, "max_tries": 1}
AIRFLOW = [
    {"dag_id": "hang_mapped", "is_paused": False, "is_stale": False, "is_active": True, "max_active_runs": 16},
    {"task_id": "hang_map", "retries": 1, "pool": "default_pool",
     "execution_timeout": {"__type": "TimeDelta", "days": 0, "seconds": 60, "microseconds": 5}},
    {"total_entries": 3, "task_instances": [INSTANCE, dict(INSTANCE, task_id="up", map_index=-1), dict(INSTANCE, task_id="other", map_index=-1)]},
    {"dag_id": "hang_mapped", "dag_run_id": "m1", "state": "running"},
]
BEAN = {"name": "Hadoop:service=NodeManager,name=ContainerResource_container_1", "PCpuUsagePercentAvgPercents": 150.5}
FRAMES = [{"name": "read", "filename": "socket.py", "short_filename": "socket.py", "line": 7}, {"name": "job", "filename": "/jobs/job.py", "line": 9}]
OTHERS = [
    {"beans": [BEAN]}, {"ok": True, "channel": "C1", "ts": "1763860745.000100"}, {"ok": False, "error": "channel_not_found"},
    [{"pid": 8, "thread_id": 1, "os_thread_id": tid, "active": True, "owns_gil": False, "frames": FRAMES} for tid in (9, 8)],
]


def etcd(record):
    return {"header": {"revision": "7"}, "kvs": [{"mod_revision": "7", "value": base64.b64encode(json.dumps(record).encode()).decode()}]}


RECORD = {"holder": "a", "duration_seconds": 30, "transitions": 1}
LEADER = [
    RECORD, etcd(RECORD), etcd(dict(RECORD, holder="nobody", duration_seconds=1)), {"header": {"revision": "8"}, "succeeded": True}, {"header": {}},
    {"error": "etcdserver: request timed out", "message": "etcdserver: request timed out", "code": 14}, {"header": {}, "token": "x.7"},
    {"kind": "Lease", "metadata": {"resourceVersion": "7"}, "spec": {"holderIdentity": "a", "leaseDurationSeconds": 30, "leaseTransitions": 1}},
]

NAMES = ["etl", "manual__2026-11-23T01:23:45.364005+00:00", "../..", ".", "~", "a b/c?d=e&f#g%2e", 'x "\\ {{ }}', "\u00e9\u202e\U0001f600"]


def shorter(value):
    """The same with lists of one row and texts of a few words."""
    if isinstance(value, dict):
        return {k: shorter(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shorter(v) for v in value[:1]]
    return value[:200] if isinstance(value, str) else value


def bodies():
    for file in sorted(f for f in (ROOT / "tests/wire/fixtures").glob("*/*") if f.is_file()):
        text = file.read_text()
        yield text
        if file.parent.name.startswith("airflow") and file.suffix == ".json":
            response = json.loads(text).get("response") or {}
            body = response.get("body")
            yield body if isinstance(body, str) else json.dumps(body)
    for file in sorted((ROOT / "tests/replay/recordings").glob("*.gz")):
        seen = set()
        with gzip.open(file, "rt") as f:
            for line in f:
                answer = json.loads(line)
                kind = re.sub(r"[0-9]+", "", answer["path"])  # of each recording, the first
                if kind not in seen and answer.get("body"):
                    seen.add(kind)
                    yield answer["body"]
                    yield json.dumps(dict(answer, body=answer["body"][:200]))


def unescape(text):
    """A string of C as the bytes that it stands for."""
    plain = {"n": "\n", "t": "\t", "r": "\r"}

    def byte(match):
        code = match[1]
        return chr(int(code[1:], 16)) if code[0] == "x" else chr(int(code, 8)) if code[0] in "01234567" else plain.get(code, code)

    return re.sub(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", byte, text).encode("latin-1", "replace")


def literals():
    """What unit tests hold as text: answers of which there is no recording."""
    for file in sorted((ROOT / "tests/unit/wire").glob("test_*.c")):
        for row in re.findall(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*', file.read_text()):
            text = b"".join(unescape(part) for part in re.findall(r'"((?:[^"\\\n]|\\.)*)"', row))
            if len(text) > 40 and text[:1] in b"{[<":
                yield text


def both(text):
    yield text.encode()
    try:
        yield json.dumps(shorter(json.loads(text))).encode()
    except ValueError:
        pass


def write(directory, seeds):
    directory.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        if len(seed) <= MOST:
            (directory / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def words():
    """The names that the decoders look for, as libFuzzer reads them."""
    found = set()
    for file in [*ROOT.glob("src/wire/*.c"), *ROOT.glob("src/setup/*.c"), *ROOT.glob("src/conf/*.c"), *ROOT.glob("src/core/facts/*.c")]:
        found |= set(re.findall(r'"([\w./:-]{2,40})"', file.read_text()))
    return "".join(f'"{word}"\n' for word in sorted(found))


def main():
    out = pathlib.Path(sys.argv[1])
    write(out / "body", (seed for text in bodies() for seed in both(text)))
    write(out / "body", literals())
    write(out / "body", (seed for value in [*KUBE, *SPARK, *LEADER, *AIRFLOW, *OTHERS] for seed in both(json.dumps(value))))
    files = [ROOT / "etc/stagewatchd.conf", *ROOT.glob("examples/**/*.conf"), *ROOT.glob("tests/**/*.conf")]
    shipped = files[0].read_text()
    confs = [f.read_bytes() for f in files] + [re.sub(r"(?m)^#(?=[\[\w])", "", shipped).encode()]
    write(out / "conf", confs + [c + b"\0[daemon]\npoll_interval = 5s\n[rule all]\napp = x\napp = y\n" for c in confs])
    write(out / "http_request", HTTP)
    write(out / "notice", TEMPLATES)
    write(out / "web_file", [t.encode() for t in WEB_FILES])
    write(out / "requests", [t.encode() for t in NAMES])
    write(out / "text", [t.encode() for t in TEXTS])
    (out / "words").write_text(words())


if __name__ == "__main__":
    main()
