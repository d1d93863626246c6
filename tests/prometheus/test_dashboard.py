# SPDX-License-Identifier: Apache-2.0
"""The dashboard: what it asks for is there, and what is there is on it."""
import json
import re
import shutil
import subprocess

import pytest

from tables import metrics as code_metrics, table, words

ADDED = {"instance", "job", "le"}
HISTOGRAM = ("_bucket", "_sum", "_count")


@pytest.fixture(scope="module")
def board(root):
    return json.loads((root / "etc/grafana/stagewatchd.json").read_text())


def targets(board):
    return [(panel["title"], target) for panel in board["panels"] for target in panel.get("targets", [])]


def expressions(board):
    """[(where it is, expression, the labels that are shown)]"""
    found = [(title, t["expr"], set(re.findall(r"\{\{(\w+)\}\}", t["legendFormat"]))) for title, t in targets(board)]
    return found + [(a["name"], a["expr"], set(re.findall(r"\{\{(\w+)\}\}", a["titleFormat"]))) for a in board["annotations"]["list"]]


def base(name):
    return next((name.removesuffix(end) for end in HISTOGRAM if name.endswith(end)), name)


def used(expression):
    """{metric: labels that select or group}"""
    found = {}
    for name, matchers in re.findall(r"\b((?:stagewatch|process)_\w+)(?:\{([^}]*)\})?", re.sub(r"by \([^)]*\)", "", expression)):
        found.setdefault(base(name), set()).update(re.findall(r"(\w+)=", matchers))
    return found


def wrong(root, board):
    """What it asks for and nobody has."""
    metrics = code_metrics(root)
    for where, expression, shown in expressions(board):
        names = used(expression)
        yield from (f"{where}: {name}" for name in names if name not in metrics)
        labels = set().union(ADDED, *(metrics.get(name, ()) for name in names))
        asked = shown.union(*names.values(), *(re.split(r",\s*", by) for by in re.findall(r"by \(([^)]*)\)", expression)))
        yield from (f"{where}: {label}" for label in asked - labels)


def test_what_it_asks_for_is_there(root, board):
    assert len(expressions(board)) > 50
    assert list(wrong(root, board)) == []


@pytest.mark.parametrize("good, bad", [("stagewatch_paused", "stagewatch_pause"), ("by (reason)", "by (reasons)"),
                                       ("{{verdict}}", "{{verdicts}}"), ("outcome=~", "outcomes=~")])
def test_what_is_not_there_is_found(root, board, good, bad):
    text = json.dumps(board)
    assert good in text
    assert list(wrong(root, json.loads(text.replace(good, bad))))


def test_each_metric_is_on_it(root, board):
    shown = set().union(*(used(expression) for _, expression, _ in expressions(board)))
    assert set(code_metrics(root)) - shown == set()


def test_words_exist(root, board):
    known = set(re.findall(r'\{VERDICT_\w+, "(\w+)"', table(root, "verdict_table"))) | words(root, r'\[ACTION_\w+\] = "(\w+)"')
    for _, expression, _ in expressions(board):
        for word in re.findall(r'(?:verdict|outcome)!?=~?"([^"]*)"', expression):
            assert set(word.split("|")) <= known, word


def test_its_frame(board):
    assert board["uid"] == "stagewatchd" and board["schemaVersion"] == 39 and "id" not in board
    assert [v["name"] for v in board["templating"]["list"]] == ["datasource", "cluster"]
    assert [p["title"] for p in board["panels"] if p.get("repeat") == "cluster"] == ["Cluster $cluster"]
    source = {"type": "prometheus", "uid": "${datasource}"}
    for part in [*(t for _, t in targets(board)), *board["annotations"]["list"], board["templating"]["list"][1]]:
        assert part["datasource"] == source
    assert any("changes(stagewatch_actions_total" in a["expr"] for a in board["annotations"]["list"])
    ids = [p["id"] for p in board["panels"]]
    assert len(ids) == len(set(ids))


def test_panels_do_not_overlap(board):
    taken = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_expressions_are_valid(board, tmp_path):
    rules = [{"record": f"r{i}", "expr": expression.replace("$__rate_interval", "5m").replace("$cluster", "main")}
             for i, (_, expression, _) in enumerate(expressions(board))]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "board", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
