# SPDX-License-Identifier: Apache-2.0
"""The alert rules: valid, firing, not firing, and each with a section in the runbook."""
import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")


def run_tests(root, tmp_path, rules):
    (tmp_path / "stagewatchd.rules.yml").write_text(rules)
    shutil.copy(root / "tests/prometheus/rules_test.yml", tmp_path)
    return subprocess.run(["promtool", "test", "rules", "rules_test.yml"], cwd=tmp_path, capture_output=True, text=True)


@pytest.fixture
def rules(root):
    return (root / "etc/prometheus/stagewatchd.rules.yml").read_text()


def test_valid(root):
    done = subprocess.run(["promtool", "check", "rules", root / "etc/prometheus/stagewatchd.rules.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_fire_and_do_not_fire(root, tmp_path, rules):
    done = run_tests(root, tmp_path, rules)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("good, bad", [
    ('{verdict="hung"}[5m]) > 0', '{verdict="hung"}[5m]) > 1'),
    ('{verdict="hung"}[5m]) > 0', '{verdict=~"hung|slow"}[5m]) > 0'),
    ('outcome="unconfirmed"}[1h]) > 0', 'outcome="unconfirmed"}[1h]) > 2'),
    ("_seconds > 300", "_seconds > 3000"),
    ("absent(stagewatch_build_info)", "stagewatch_build_info == 0"),
])
def test_a_broken_rule_is_found(root, tmp_path, rules, good, bad):
    assert good in rules
    assert run_tests(root, tmp_path, rules.replace(good, bad)).returncode != 0


def test_every_alert_is_tested_and_has_a_runbook(root, rules):
    alerts = set(re.findall(r"- alert: (\w+)", rules))
    tests = (root / "tests/prometheus/rules_test.yml").read_text()
    assert len(alerts) >= 5
    for alert in alerts:
        assert len(re.findall(rf"alertname: {alert}\b", tests)) >= 2, alert
    anchors = {line[3:].strip().lower() for line in (root / "doc/runbook.md").read_text().splitlines() if line.startswith("## ")}
    assert set(re.findall(r"runbook.md#(\w+)", rules)) == anchors


def test_metrics_of_the_rules_exist(root, rules):
    table = (root / "src/core/metrics.c").read_text()
    for name in set(re.findall(r"\bstagewatch_\w+", rules)):
        assert f'"{re.sub("_(total|info)$", "", name)}"' in table, name
