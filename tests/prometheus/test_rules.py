# SPDX-License-Identifier: Apache-2.0
"""The alert rules: valid, firing, not firing, and each with a section in the runbook."""
import re
import shutil
import subprocess

import pytest

from tables import metrics as code_metrics, table, words

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")

ALERTS = """SparkStageHung SparkDriverUnobservable ActionUnconfirmed ActionFailed PollStale PollOverruns ShardsMismatch NeverPolled NotAllSeen AnswersUnusable DaemonAbsent AirflowDown
AccessDenied BreakerOpen Paused LedgerDown StageStarved StageCrashLoop AppIdle AppNotStarted
NotificationsUndelivered
ConfigReloadFailed""".split()
# Labels that Prometheus adds.
SCRAPED = {"instance", "job"}


def run_tests(root, tmp_path, rules):
    (tmp_path / "stagewatchd.rules.yml").write_text(rules)
    files = ["rules_test.yml", "rules_day_test.yml"]
    for file in files:
        shutil.copy(root / "tests/prometheus" / file, tmp_path)
    return subprocess.run(["promtool", "test", "rules", *files], cwd=tmp_path, capture_output=True, text=True)


def with_expression(rules, expression):
    """The rules with another expression for every alert."""
    changed, n = re.subn(r"(        expr: )(?:.*\n)(?:          .*\n)*", rf"\g<1>{expression}\n", rules)
    assert n == len(ALERTS)
    return changed


@pytest.fixture
def rules(root):
    return (root / "etc/prometheus/stagewatchd.rules.yml").read_text()


def test_valid(root):
    done = subprocess.run(["promtool", "check", "rules", root / "etc/prometheus/stagewatchd.rules.yml"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_fire_and_do_not_fire(root, tmp_path, rules):
    done = run_tests(root, tmp_path, rules)
    assert done.returncode == 0, done.stdout + done.stderr


BROKEN = [
    ('{verdict="hung"}[5m]) > 0', '{verdict="hung"}[5m]) > 2'),
    ('{verdict="hung"}[5m]) > 0', '{verdict=~"hung|slow"}[5m]) > 0'),
    ('{verdict="hung"}[5m]) > 0', '{verdict=~"hung|suspect"}[5m]) > 0'),
    ('outcome="unconfirmed"}[1h]) > 0', 'outcome="unconfirmed"}[1h]) > 2'),
    ('outcome="unconfirmed"}[1h]) > 0', 'outcome="confirmed"}[1h]) > 0'),
    ('unless stagewatch_actions_total{outcome="unconfirmed"} offset 1h', 'unless stagewatch_actions_total{outcome="unconfirmed"}'),
    ("_seconds > 300", "_seconds > 3000"),
    ("_seconds > 300", "_seconds > 30"),
    ("absent(stagewatch_build_info)", "stagewatch_build_info == 0"),
    ('unless on () up{job="stagewatchd"} == 0', 'unless up{job="stagewatchd"} == 0'),
    ("or min by (job) (stagewatch_shards)", "or max by (job) (stagewatch_shards)"),
    ("(stagewatch_shards > 1)", "(stagewatch_shards > 9)"),
    ("notification_seconds > 1800", "notification_seconds > 3600"),
    ('outcome!="sent"', 'outcome=""'),
    ('outcome!="sent"', 'outcome!=""'),
    ("for: 30m", "for: 15m"),
    ("for: 30m", "for: 45m"),
    ("for: 24h", "for: 23h"),
    ("for: 24h", "for: 25h"),
]


def alerts_of(rules):
    """{alert: its text}"""
    return {text.split("\n")[0].removeprefix("Stagewatch"): text for text in rules.split("- alert: ")[1:]}


def in_rounds(rules):
    """[{(good, bad): the alerts that it changes}]: what changes the same alert is in different rounds."""
    rounds = []
    for good, bad in BROKEN:
        changed = {alert for alert, text in alerts_of(rules).items() if good in text}
        assert changed, good
        free = next((r for r in rounds if not any(changed & other for other in r.values())), None)
        if free is None:
            rounds.append(free := {})
        free[good, bad] = changed
    return rounds


def failed_alerts(done):
    assert done.returncode != 0
    return set(re.findall(r"alertname: ?Stagewatch(\w+)", done.stdout + done.stderr))


def test_each_broken_rule_is_found(root, tmp_path, rules):
    for broken in in_rounds(rules):
        text = rules
        for good, bad in broken:
            text = text.replace(good, bad)
        failed = failed_alerts(run_tests(root, tmp_path, text))
        for change, alerts in broken.items():
            assert alerts & failed, (change, failed)


@pytest.mark.parametrize("expression", ["vector(0) > 1", "vector(1)"], ids=["never fires", "always fires"])
def test_each_alert_counts(root, tmp_path, rules, expression):
    assert failed_alerts(run_tests(root, tmp_path, with_expression(rules, expression))) == set(ALERTS)


def test_every_alert_has_severity_words_and_a_runbook(root, rules):
    found = dict(re.findall(r"- alert: (\w+)\n(.*?)(?=\n      - alert|\Z)", rules, re.S))
    assert set(found) == {"Stagewatch" + alert for alert in ALERTS}
    runbook = (root / "doc/runbook.md").read_text()
    anchors = {line[3:].strip().lower() for line in runbook.splitlines() if line.startswith("## Stagewatch")}
    for alert, text in found.items():
        assert re.search(r"severity: (critical|warning|info)\n", text), alert
        assert "summary: " in text and "description: " in text, alert
    assert set(re.findall(r"runbook_url: doc/runbook.md#(\w+)\n", rules)) == anchors
    assert rules.count("runbook_url: ") == len(found)
    for word in re.findall(r"\bStagewatch[A-Z]\w+", runbook):
        assert word in found, word


def test_metrics_labels_and_words_exist(root, rules):
    metrics = code_metrics(root)
    assert len(metrics) > 20
    verdicts = set(re.findall(r'\{VERDICT_\w+, "(\w+)"', table(root, "verdict_table")))
    outcomes = words(root, r'\[ACTION_\w+\] = "(\w+)"')
    assert len(verdicts) >= 9 and len(outcomes) == 5
    used = re.findall(r"\b(stagewatch_\w+)(?:\{([^}]*)\})?", rules)
    assert len(used) > 12
    for name, matchers in used:
        assert name in metrics, name
        for label, word in re.findall(r"(\w+)=[\"'](\S+?)[\"']", matchers):
            assert label in metrics[name], (name, label)
            assert label not in ("verdict", "outcome") or word in verdicts | outcomes, word
    for alert in re.split(r"- alert: ", rules)[1:]:
        labels = set().union(*(metrics[name] for name in re.findall(r"\bstagewatch_\w+", alert)))
        assert set(re.findall(r"\$labels\.(\w+)", alert)) <= labels | SCRAPED
