# SPDX-License-Identifier: Apache-2.0
"""What the audit says of a real Spark as it comes, and with the settings we ship."""
import argparse
import json

import lab
from watch import Watch

HOST = "spark.driver.host 127.0.0.1\nspark.driver.bindAddress 127.0.0.1\n"
SHIPPED = (lab.REPO / "etc" / "spark" / "spark-defaults.conf").read_text()


def submit(spark, directory, name, settings):
    """An app that is well, with these settings and no others. Returns the file that keeps it running."""
    (directory / name).mkdir()
    (directory / name / "spark-defaults.conf").write_text(HOST + settings)
    (directory / f"{name}.runs").touch()
    spark.submit(lab.E2E / "jobs" / "hang.py", ["healthy", directory / f"{name}.runs"], name=name, conf={"spark.cores.max": 2},
                 env={"SPARK_CONF_DIR": str(directory / name)})
    return directory / f"{name}.runs"


def audit(watch):
    """{name of an app: {check: severity}}, of those whose memory is known, of driver and executors."""
    apps = json.loads(watch.fetch("/api/v1/audit"))["apps"]
    known = [a for a in apps if all(watch.metric("stagewatch_app_heap_limit_bytes", spark_cluster="lab", app_id=a["app_id"], process=p)
                                    for p in ("driver", "executor"))]
    return {a["name"]: {f["check"]: f["severity"] for f in a["findings"]} for a in known if a["audited"]}


def test_stock_and_shipped(spark, binary, tmp_path):
    runs = [submit(spark, tmp_path, "stock", ""), submit(spark, tmp_path, "shipped", SHIPPED)]
    nobody = argparse.Namespace(url="http://127.0.0.1:9")
    with Watch(binary, tmp_path / "watch", spark, nobody, mode="observe", action="notify") as watch:
        found = lab.wait(lambda: len(audit(watch)) == 2 and audit(watch), "both are audited")
        # From 4.2 on Arrow is on.
        assert found == {"stock": {"result_size_heap": "warning", "serializer_java": "info", "reaper_off": "info",
                                   "python_traceback": "info"}, "shipped": {}}
    for file in runs:
        file.unlink()
    lab.wait(lambda: not {a["name"] for a in spark.apps()["activeapps"]} & {"stock", "shipped"}, "they end")
