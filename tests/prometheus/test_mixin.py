# SPDX-License-Identifier: Apache-2.0
"""The mixin: what is shipped, with the links and labels of its configuration."""
import json
import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("jsonnet"), reason="jsonnet is not installed")


def evaluate(root, expression, config="{}"):
    code = f"local m = (import 'mixin/mixin.libsonnet') + {{ _config+:: {config} }}; {expression}"
    done = subprocess.run(["jsonnet", "-e", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_shipped(root, tmp_path):
    """As JSON, which promtool reads as well: the tests of incidents pass with it."""
    file = tmp_path / "stagewatchd.rules.yml"
    file.write_text(evaluate(root, "m.prometheusAlerts"))
    shutil.copy(root / "tests/prometheus/incidents_test.yml", tmp_path)
    done = subprocess.run(["promtool", "test", "rules", "incidents_test.yml"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    shipped = json.loads((root / "etc/grafana/stagewatchd.json").read_text())
    assert json.loads(evaluate(root, "m.grafanaDashboards")) == {"stagewatchd.json": shipped}


def test_its_configuration(root):
    text = evaluate(root, "m.prometheusAlerts", "{ webURL: 'https://web', runbookURL: 'https://wiki/r', "
                    "dashboardURL: 'https://grafana/d/stagewatchd', alertLabels: { team: 'data' } }")
    rules = json.loads(text)["groups"][0]["rules"]
    alerts = [rule for rule in rules if "alert" in rule]
    assert len(alerts) == len(re.findall("- alert: ", (root / "etc/prometheus/stagewatchd.rules.yml").read_text()))
    for alert in alerts:
        links = {name: value for name, value in alert["annotations"].items() if name.endswith("_url")}
        assert links.pop("runbook_url") == f"https://wiki/r/{alert['alert']}"
        assert links.pop("dashboard_url") == "https://grafana/d/stagewatchd"
        assert set(links.values()) <= {"https://web/incidents/{{ $labels.incident }}"}
        assert alert["labels"]["team"] == "data" and alert["labels"]["severity"]
    assert "annotations" not in rules[0]
