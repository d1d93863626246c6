# SPDX-License-Identifier: Apache-2.0
"""Runs the scenario files, and shows that a wrong one fails."""
import pathlib
import re
import subprocess

import pytest

from conftest import BUILD

HERE = pathlib.Path(__file__).resolve().parent
FILES = sorted(HERE.glob("*.scn"))
VERDICTS = "hung suspect progressing slow starved crash_loop phantom idle unobservable not_started".split()


def run(*files):
    return subprocess.run([BUILD / "tests" / "scenario", *files], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_scenario(file):
    done = run(file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_at_least_three_per_verdict():
    for verdict in VERDICTS:
        named = [f for f in FILES if f.stem.startswith(verdict.replace("_", "-"))]
        assert len(named) >= 3, verdict


GOOD = "rule default app=* hung_after=10min\nat 0s stage 1 done=0/6 running=6\n"


@pytest.mark.parametrize("text, code, says", [
    (GOOD + "expect 30min progressing\n", 1, "3: expected progressing, got hung: (0 + 6) / 6 without progress"),
    (GOOD + "expect 30min hung rule=other\n", 1, "3: rule is default"),
    ("never hung\n" + GOOD + "expect 30min hung\n", 1, "which was never to be"),
    (GOOD, 2, "nothing is expected"),
    (GOOD + "expect 30min hanged\n", 2, "3: unknown verdict: hanged"),
    (GOOD + "expect soon hung\n", 2, "3: not a duration: soon"),
    (GOOD + "expect 30min hung\nat 10min stage 1 done=1\n", 2, "4: lines must be in order of time"),
    (GOOD + "at 1s stage 1 speed=7\nexpect 30min hung\n", 2, "3: unknown key: speed"),
    (GOOD + "at 1s stage 1 done=x/6\nexpect 30min hung\n", 2, "3: not a number: x"),
    (GOOD + "at 1s stage 1 moving=sideways\nexpect 30min hung\n", 2, "3: unknown counter: sideways"),
    (GOOD + "at 1s dance\nexpect 30min hung\n", 2, "3: unknown words after the time: dance"),
    ("frobnicate\n" + GOOD + "expect 30min hung\n", 2, "1: unknown word: frobnicate"),
    ("rule r hung_after=10min\n" + "at 0s stage 1 done=0/6 running=6\nexpect 30min hung\n", 2, "1: matches nothing"),
    ("rule r app=* hung_after=ten\n" + "at 0s stage 1 done=0/6 running=6\nexpect 30min hung\n", 2, "1: hung_after:"),
    ("rule r app=* hung_after=10min hung_after_unproven=1min\nat 0s stage 1 done=0/6 running=6\nexpect 30min hung\n",
     2, "hung_after_unproven is below hung_after"),
    (GOOD + "expect 5min hung stage=9\n", 1, "3: no such stage"),
])
def test_wrong_ones_fail(tmp_path, text, code, says):
    file = tmp_path / "wrong.scn"
    file.write_text(text)
    done = run(file)
    assert done.returncode == code, done.stdout + done.stderr
    assert re.search(re.escape(says), done.stderr), done.stderr


def test_missing_file_fails():
    assert run(HERE / "no-such-file.scn").returncode == 2
