# SPDX-License-Identifier: Apache-2.0
"""The alert rules: valid, firing, not firing, and each with a section in the runbook."""
import re
import shutil
import subprocess

import pytest

from tables import metrics as code_metrics, table, words

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")

ALERTS = """SparkStageHung SparkDriverUnobservable MoreIncidents AppsLeftOut ActionUnconfirmed ActionFailed PollStale PollOverruns ShardsMismatch NoLeader TwoLeaders NeverPolled NotAllSeen AnswersUnusable DaemonAbsent AirflowDown
AccessDenied CertificateExpires TokenExpires BreakerOpen Paused LedgerDown LedgerDamaged StageStarved StageCrashLoop AppIdle AppNotStarted
NotificationsUndelivered
ConfigReloadFailed""".split()
# Labels that Prometheus adds.
SCRAPED = {"instance", "job"}
# What annotations lead to, of the daemon that was scraped.
BASE = r'http://\{\{ (?:\$labels\.instance|or \$labels\.instance "127\.0\.0\.1:14040") \}\}'


FILES = ["rules_test.yml", "rules_day_test.yml", "incidents_test.yml"]
# What the last of these is about.
OF_INCIDENTS = {"SparkStageHung", "SparkDriverUnobservable", "MoreIncidents"}


def only(rules, tests):
    """The rules without alerts of which the tests say nothing: each takes time at each minute."""
    named = set(re.findall(r"alertname: (\w+)", tests))
    records, *alerts = rules.split("      - alert: ")
    return "      - alert: ".join([records, *(alert for alert in alerts if alert.split("\n")[0] in named)])


def run_tests(root, tmp_path, rules, files=FILES):
    tests = "".join((root / "tests/prometheus" / file).read_text() for file in files)
    (tmp_path / "stagewatchd.rules.yml").write_text(only(rules, tests))
    for file in files:
        shutil.copy(root / "tests/prometheus" / file, tmp_path)
    return subprocess.run(["promtool", "test", "rules", *files], cwd=tmp_path, capture_output=True, text=True)


def with_expression(rules, expression):
    """The rules with another expression for every alert, and without words, which take time."""
    changed, n = re.subn(r"(      - alert: .*\n(?:        #.*\n)*        expr: )(?:.*\n)(?:          .*\n)*", rf"\g<1>{expression}\n", rules)
    assert n == len(ALERTS)
    return re.sub(r"        annotations:\n(?:          .*\n)+", "", changed)


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


HUNG = '{verdict="hung",incident!="more"}'
UNSEEN = '{verdict="unobservable",incident!="more"}'
STORM = "\n          unless on (instance) max_over_time(stagewatch:breaker_open:last_known[5m]) == 1"
BROKEN = [
    (HUNG + "[5m]) > 0", HUNG + "[5m]) > 2"),
    (HUNG, '{verdict=~"hung|slow",incident!="more"}'),
    (HUNG, '{verdict=~"hung|suspect",incident!="more"}'),
    (HUNG, '{verdict="hung"}'),
    (HUNG + "[5m])", HUNG + "[1m])"),
    (f"{HUNG}[5m]) > 0{STORM}", HUNG + "[5m]) > 0"),
    ('ALERTS{alertname="StagewatchSparkStageHung",alertstate="firing"}', 'ALERTS{alertname="none"}'),
    ("stagewatch:incident_open:last_known" + UNSEEN + " > 0" + STORM, "stagewatch:incident_open:last_known" + UNSEEN + " > 0"),
    ('verdict=~"hung|unobservable"} > 0' + STORM, 'verdict=~"hung|unobservable"} > 0'),
    ('{incident="more",verdict=~"hung|unobservable"}', '{incident="more"}'),
    ('left_out_total[15m]) > 0', 'left_out_total[15m]) >= 0'),
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


# Of what the alerts are made of.
BROKEN_RECORDS = [
    ("count by (job, spark_cluster) (stagewatch_up) >=", "count by (job, spark_cluster) (stagewatch_up) <"),
    (" group_left () max by (job) (stagewatch_shards)", " group_left () min by (job) (stagewatch_shards) - 1"),
    ("stagewatch:incident_open:last_known unless on (instance) stagewatch_build_info", "stagewatch:incident_open:last_known"),
    ("          or (stagewatch:incident_open:last_known ", "          or (stagewatch:incident_open:none "),
    ("          or (stagewatch:breaker_open:last_known ", "          or (stagewatch:breaker_open:none "),
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
        changed = set().union(*broken.values())
        failed = failed_alerts(run_tests(root, tmp_path, text, FILES[-1:] if changed <= OF_INCIDENTS else FILES))
        for change, alerts in broken.items():
            assert alerts & failed, (change, failed)


@pytest.mark.parametrize("good, bad", BROKEN_RECORDS)
def test_each_broken_record_is_found(root, tmp_path, rules, good, bad):
    assert rules.count(good) == 1
    assert failed_alerts(run_tests(root, tmp_path, rules.replace(good, bad), FILES[-1:]))


@pytest.mark.parametrize("expression", ["vector(0) > 1", "vector(1)"], ids=["never fires", "always fires"])
def test_each_alert_counts(root, tmp_path, rules, expression):
    assert failed_alerts(run_tests(root, tmp_path, with_expression(rules, expression))) == set(ALERTS)


def test_every_alert_has_severity_words_and_links(root, rules):
    found = dict(re.findall(r"- alert: (\w+)\n(.*?)(?=\n      - alert|\Z)", rules, re.S))
    assert set(found) == {"Stagewatch" + alert for alert in ALERTS}
    for alert, text in found.items():
        assert re.search(r"severity: (critical|warning|info)\n", text), alert
        assert "summary: " in text and "description: " in text, alert
        assert re.search(rf"          dashboard_url: {BASE}/\n          runbook_url: {BASE}/runbook/{alert}$", text, re.M), alert
        # What is about one incident leads to it.
        assert ('incident!="more"' in text) == bool(re.search(
            rf"          incident_url: {BASE}/incidents/\{{\{{ \$labels.incident \}}\}}\n", text)), alert


def test_metrics_labels_and_words_exist(root, rules):
    metrics = code_metrics(root)
    assert len(metrics) > 20
    verdicts = set(re.findall(r'\{VERDICT_\w+, "(\w+)"', table(root, "verdict_table")))
    outcomes = words(root, r'\[ACTION_\w+\] = "(\w+)"')
    assert len(verdicts) >= 9 and len(outcomes) == 5
    # A record has the labels of what it is made of.
    recorded = {"stagewatch:incident_open:last_known": metrics["stagewatch_incident_open"], "stagewatch:breaker_open:last_known": ()}
    assert set(re.findall(r"- record: (\S+)", rules)) == set(recorded)
    metrics |= recorded
    used = re.findall(r"\b(stagewatch[_:][\w:]+)(?:\{([^}]*)\})?", re.sub(r"(?m)^ *#.*", "", rules))
    assert len(used) > 12
    for name, matchers in used:
        assert name in metrics, name
        for label, word in re.findall(r"(\w+)=~?[\"'](\S+?)[\"']", matchers):
            assert label in (*metrics[name], *SCRAPED), (name, label)
            assert label not in ("verdict", "outcome") or set(word.split("|")) <= verdicts | outcomes, word
    for alert in re.split(r"- alert: ", rules)[1:]:
        labels = set().union(*(metrics[name] for name in re.findall(r"\bstagewatch[_:][\w:]+", alert)))
        assert set(re.findall(r"\$labels\.(\w+)", alert)) <= labels | SCRAPED


@pytest.mark.skipif(not shutil.which("amtool"), reason="amtool is not installed")
def test_routes_are_valid_and_name_alerts(root):
    file = root / "etc/prometheus/alertmanager.yml"
    done = subprocess.run(["amtool", "check-config", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    named = set(re.findall(r"\bStagewatch(\w+)", file.read_text()))
    # The last is of messages that the daemon sends by itself.
    assert len(named) > 8 and named <= {*ALERTS, "Incident"}
