# SPDX-License-Identifier: Apache-2.0
"""What SparkSubmitOperator makes of a driver whose pod vanishes while it is polled. Runs in the environment airflow3-kubernetes: the
operator's own execute(), and the Kubernetes client, which asks an API server that knows the pod twice and then answers 404. Only
spark-submit is not there. Prints how execute() ended."""
import http.server
import json
import os
import sys
import threading
from unittest import mock

URL = "k8s://http://127.0.0.1:1"
os.environ["AIRFLOW_CONN_SPARK"] = json.dumps({"conn_type": "spark", "host": URL, "extra": {"deploy-mode": "cluster", "namespace": "n"}})

from airflow.providers.apache.spark.hooks import spark_submit  # noqa: E402
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator  # noqa: E402
from kubernetes import client  # noqa: E402

asked = []


class ApiServer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        known = len(asked) <= 2 or sys.argv[1] != "vanishes"
        phase = "Running" if len(asked) <= 2 else sys.argv[1]
        body = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "etl-driver", "namespace": "n"}, "status": {"phase": phase}}
        if not known:
            body = {"kind": "Status", "reason": "NotFound", "code": 404}
        text = json.dumps(body).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def submit(self, *_, **__):
    self._kubernetes_driver_pod = "etl-driver"


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ApiServer)
threading.Thread(target=server.serve_forever, daemon=True).start()
core = client.CoreV1Api(client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{server.server_port}")))
operator = SparkSubmitOperator(task_id="t", conn_id="spark", application="job.py", deploy_mode="cluster", track_driver_via_k8s_api=True)
with mock.patch.object(spark_submit.kube_client, "get_kube_client", lambda: core), \
        mock.patch.object(spark_submit.SparkSubmitHook, "submit", submit), mock.patch.object(spark_submit.time, "sleep"):
    try:
        ended = f"returned {operator.execute({})}"
    except Exception as e:
        ended = f"raised {type(e).__name__}"
print(json.dumps({"asked": asked, "ended": ended}))
