# SPDX-License-Identifier: Apache-2.0
"""Recordings of real Spark through --replay, held against their labels.

labels.json: {NAME: {"must": [{"verdict", "stage" (null: the app), "from", "by"}], "never": [verdict ...], "why",
"blind": {the same, where there is no CPU evidence}}}. A "must" is given for that stage between "from" and "by" (seconds);
"may" is allowed from then on; a "hung" that neither covers is a false alarm, and so is kill or retry on any other verdict.
"cause": what the last line of that verdict names. Each recording is played as it is, and blind: without host/processes.
"""
import gzip
import json
import pathlib
import random
import re
import subprocess

import pytest

RECORDINGS = pathlib.Path(__file__).resolve().parent / "recordings"
LABELS = json.loads((RECORDINGS / "labels.json").read_text())
CONFIG = """[daemon]
poll_interval = 5s
[rule default]
app = *
hung_after = 60s
hung_after_unproven = 180s
starved_after = 60s
idle_after = 60s
unobservable_after = 60s
action = retry
"""


def play(binary, tmp_path, text, config=CONFIG, recording="-"):
    file = tmp_path / "replay.conf"
    file.write_text(config)
    return subprocess.run([binary, "--config", file, "--replay", recording], input=text, capture_output=True,
                          text=True, timeout=600)


def verdicts(done):
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def lines(name, blind=False):
    with gzip.open(RECORDINGS / f"{name}.jsonl.gz", "rt") as f:
        return [line for line in f if not (blind and re.search('"path": ?"host/', line))]


@pytest.mark.parametrize("blind", [False, True], ids=["seen", "blind"])
@pytest.mark.parametrize("name", sorted(LABELS))
def test_recording(name, blind, binary, tmp_path):
    out = verdicts(play(binary, tmp_path, "".join(lines(name, blind))))
    label = LABELS[name].get("blind", LABELS[name]) if blind else LABELS[name]
    expected = set()
    for must in label.get("must", []):
        hits = [o for o in out if (o["verdict"], o["stage"]) == (must["verdict"], must["stage"])]
        assert hits, f"missed {must}; {LABELS[name]['why']}"
        assert must["from"] <= hits[0]["t"] <= must["by"], (must, hits[0])
        assert hits[-1]["cause"] == must.get("cause", hits[-1]["cause"]), hits[-1]
        expected.add((must["verdict"], must["stage"]))
    for may in label.get("may", []):
        hits = [o for o in out if (o["verdict"], o["stage"]) == (may["verdict"], may["stage"])]
        assert all(o["t"] >= may["from"] for o in hits), (may, hits)
        expected.add((may["verdict"], may["stage"]))
    for o in out:
        known = (o["verdict"], o["stage"]) in expected
        assert known or o["verdict"] != "hung", f"false alarm: {o}"
        assert known or o["verdict"] not in label.get("never", []), f"never to be: {o}"
        assert o["action"] not in ("kill", "retry") or o["verdict"] == "hung", o
        assert set(o) == {"t", "app", "stage", "attempt", "verdict", "since", "rule", "action", "cause", "evidence"}


def test_what_the_app_asks_of_its_rule_counts(binary, tmp_path):
    """As it does live: the recording holds /environment."""
    def asking(line):
        row = json.loads(line)
        if not row["path"].endswith("/environment") or not row.get("body"):
            return line
        body = json.loads(row["body"])
        body["sparkProperties"] += [["spark.stagewatch.hung_after", "90s"], ["spark.stagewatch.action", "notify"]]
        return json.dumps({**row, "body": json.dumps(body)}) + "\n"

    text = "".join(asking(line) for line in lines("py_sleep-4.3"))
    allowed_by = CONFIG + "owner_may = hung_after action\nowner_hung_after_min = 60s\n"
    deaf, hears = ([o for o in verdicts(play(binary, tmp_path, text, config)) if o["verdict"] == "hung"][0]
                   for config in (CONFIG, allowed_by))
    assert deaf["action"] == "retry"
    assert hears["action"] == "notify"
    assert hears["t"] >= deaf["t"] + 25


def test_the_line_of_python_is_the_cause(binary, tmp_path):
    """Of most idle workers of an executor; where none is told, the frame of the JVM stays."""
    def telling(line):
        row = json.loads(line)
        if not row["path"].startswith("host/processes") or not row.get("body"):
            return line
        trees = json.loads(row["body"])
        for tree in trees:
            tree["python"] = ["/srv/b.py:1 g", "/srv/train.py:57 load (requests.get)", "/srv/train.py:57 load (requests.get)"]
        return json.dumps({**row, "body": json.dumps(trees)}) + "\n"

    text = "".join(telling(line) for line in lines("py_sleep-4.3"))
    hung = [o for o in verdicts(play(binary, tmp_path, text)) if o["verdict"] == "hung"][0]
    assert hung["cause"] == "python_worker"
    assert hung["evidence"]["because"] == "hung in /srv/train.py:57 load (requests.get), 2 of 3 idle workers"
    without = [o for o in verdicts(play(binary, tmp_path, "".join(lines("py_sleep-4.3")))) if o["verdict"] == "hung"][0]
    assert (without["t"], without["cause"]) == (hung["t"], "python_worker")
    assert "hung in" not in without["evidence"]["because"]


def allowed(name):
    """From when a hang of which stage may be told, if evidence is missing that would have spoken against it."""
    label = LABELS[name]
    blind = label.get("blind", {})
    out = {}
    for m in [m for part in (label, blind) for kind in ("must", "may") for m in part.get(kind, [])]:
        if m["verdict"] == "hung":
            out[m["stage"]] = min(out.get(m["stage"], m["from"]), m["from"])
    return out


def wrong_hangs(name, out):
    may = allowed(name)
    return [o for o in out if o["verdict"] == "hung" and (o["stage"] not in may or o["t"] < may[o["stage"]])]


@pytest.mark.parametrize("seed", range(3))
def test_no_hang_from_answers_that_are_missing(seed, binary, tmp_path):
    """Half of the lines, at random, and none of a minute; of one path fewer still: nothing that works is called hung."""
    empty = []  # nothing of its stages is left
    for name in sorted(LABELS):
        chance = random.Random(f"{name} {seed}")
        text = lines(name)
        seldom = chance.choice(["taskList", "/threads", "/executors\"", "/jobs", "host/", "stages\\?status"])
        gap = chance.uniform(0, 240)
        kept = [line for line in text if chance.random() < (0.2 if re.search(seldom, line[:200]) else 0.5)
                and not gap <= json.loads(line)["t"] < gap + 60]
        done = play(binary, tmp_path, "".join(kept))
        if "no app is found in this recording" in done.stderr:
            empty.append(name)
            continue
        hung = wrong_hangs(name, verdicts(done))
        assert not hung, (name, seldom, gap, hung)
    assert len(empty) <= len(LABELS) // 10, empty


KINDS = ["/taskList", "/threads", "host/processes", "/executors", "/allexecutors", "/jobs", "/metrics/json",
         "/stages?status=active", "/environment"]


def worsen(rows, chance):
    """Of each kind of answer: all kept, or some lost, none for a while, none at all, some in error, or an old one again."""
    plan, last, end = {}, {}, rows[-1]["t"]
    for kind in KINDS:
        vital = kind in ("/stages?status=active", "/environment")
        what = chance.choice(["keep", "lose", "silence", "error", "again"] + ["vanish"] * (not vital))
        since = chance.uniform(0, end)
        plan[kind] = what, chance.uniform(0.05, 0.3 if vital else 0.6), since, since + chance.uniform(10, end / 2)
    for row in rows:
        kind = next((k for k in KINDS if k in row["path"]), None)
        what, share, since, until = plan.get(kind, ("keep", 0, 0, 0))
        hit = chance.random() < share
        if what == "vanish" or (what == "lose" and hit) or (what == "silence" and since <= row["t"] <= until):
            continue
        if what == "error" and hit:
            row = dict(row, status=500, type="text/plain", body="no")
        elif what == "again" and hit and row["path"] in last:
            row = dict(last[row["path"]], t=row["t"])
        else:
            last[row["path"]] = row
        yield row


def test_worse_answers_make_no_hang_and_hide_few(binary, tmp_path):
    """What is not known claims less, and a hang is still found in nineteen of twenty."""
    due = found = 0
    for name in sorted(LABELS):
        chance = random.Random(name)
        rows = [json.loads(line) for line in lines(name)]
        kept = list(worsen(rows, chance))
        out = verdicts(play(binary, tmp_path, "".join(json.dumps(row) + "\n" for row in kept)))
        assert not wrong_hangs(name, out), name
        seen = any(row["path"] == "host/processes" for row in kept)
        label = LABELS[name] if seen else LABELS[name].get("blind", LABELS[name])
        must = {m["stage"] for m in label.get("must", []) if m["verdict"] == "hung"
                and rows[-1]["t"] >= m["from"] + 180}  # without proof it takes hung_after_unproven
        due += bool(must)
        found += any(o["verdict"] == "hung" and o["stage"] in must for o in out)
    assert due >= 5 and found >= 0.95 * due, (found, due)


def test_every_recording_has_a_label():
    assert {f.name.split(".jsonl")[0] for f in RECORDINGS.glob("*.gz")} == set(LABELS)


VERDICTS = "suspect hung slow starved crash_loop phantom idle unobservable".split()


def test_two_recordings_of_each_verdict(binary, tmp_path):
    """Two real ones at least, one of them Spark 3.5."""
    told = {name: {o["verdict"] for o in verdicts(play(binary, tmp_path, "".join(lines(name))))} for name in LABELS}
    for verdict in VERDICTS:
        named = [name for name in LABELS if verdict in told[name]]
        assert len(named) >= 2 and any(name.endswith("-3.5") for name in named), (verdict, named)


def test_worth(binary):
    """Without CPU seconds a task that computes is called hung, and one that sleeps later."""
    done = subprocess.run([RECORDINGS.parent / "worth.py", "--stagewatchd", binary, "py_busy-4.3", "py_sleep-4.3", "io_wait-4.3"],
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "| nothing | 3 | 0 | 0 | 0 |" in done.stdout
    assert "| CPU seconds | 0 | 1 | 2 | 1 |" in done.stdout
    assert re.search(r"running tasks \| [1-9]", done.stdout)


def test_same_twice(binary, tmp_path):
    text = "".join(lines("two_jobs-3.5"))
    assert play(binary, tmp_path, text).stdout == play(binary, tmp_path, text).stdout


def test_a_file_as_well_as_standard_input(binary, tmp_path):
    text = "".join(lines("py_sleep-4.3"))
    (tmp_path / "r.jsonl").write_text(text)
    assert play(binary, tmp_path, None, recording=tmp_path / "r.jsonl").stdout == play(binary, tmp_path, text).stdout


def test_no_rule_no_action(binary, tmp_path):
    text = "".join(lines("py_sleep-4.3"))
    out = verdicts(play(binary, tmp_path, text, "[daemon]\npoll_interval = 5s\n[rule x]\napp = nothing*\n"))
    assert {o["rule"] for o in out} <= {"none"}
    assert {o["action"] for o in out} <= {"none"}


STAGE = {"status": "ACTIVE", "stageId": 1, "attemptId": 0, "numTasks": 2, "numActiveTasks": 2, "numCompleteTasks": 0,
         "numFailedTasks": 0, "numCompletedIndices": 0, "name": "count"}
APP = [{"id": "a", "name": "n", "attempts": [{"startTimeEpoch": 1, "sparkUser": "u"}]}]


def answer(t, path, body, status=200, took=0.01, **more):
    text = body if isinstance(body, str) else json.dumps(body)
    return json.dumps({"t": t, "path": path, "status": status, "type": "application/json", "took": took, "body": text,
                       **more}) + "\n"


def hung_app(until):
    """One stage that never moves, its parameters in another order than the daemon asks them."""
    text = answer(0, "/api/v1/applications", APP)
    for t in range(0, until, 5):
        text += answer(t, "/api/v1/applications/a/stages?details=false&length=7&status=active", [STAGE])
    return text


def test_order_of_parameters_does_not_count(binary, tmp_path):
    out = verdicts(play(binary, tmp_path, hung_app(200)))
    assert [o["verdict"] for o in out] == ["suspect", "hung"]
    assert out[-1]["t"] == 180 and out[-1]["since"] == 0


def test_a_refused_port_ends_the_app(binary, tmp_path):
    """Older recordings lack "error": a refusal took no time."""
    for more in ({"error": "refused"}, {}):
        text = hung_app(100) + answer(100, "/api/v1/applications", "", status=0, took=0.001, **more)
        text += answer(400, "host/processes", [])
        assert [o["verdict"] for o in verdicts(play(binary, tmp_path, text))] == ["suspect"]


def test_silence_is_unobservable(binary, tmp_path):
    text = hung_app(100)
    for t in range(100, 200, 10):
        text += answer(t, "/api/v1/applications", "", status=0, took=10)
    assert [o["verdict"] for o in verdicts(play(binary, tmp_path, text))] == ["suspect", "unobservable"]


def test_a_gap_in_the_recording(binary, tmp_path):
    """Nobody watched from 60 s to 200 s: nothing is said then, and the time does not count."""
    text = hung_app(60)
    for t in range(200, 400, 5):
        text += answer(t, "/api/v1/applications/a/stages?status=active&details=false", [STAGE])
    out = verdicts(play(binary, tmp_path, text))
    assert [o["verdict"] for o in out] == ["suspect", "hung"]
    assert out[0]["t"] == 30 and out[1]["t"] >= 320


def test_an_old_answer_is_no_witness(binary, tmp_path):
    """Jobs and executors were last told of before the stage began: that does not make it a phantom."""
    text = answer(0, "/api/v1/applications", APP)
    text += answer(1, "/api/v1/applications/a/jobs?status=running", [{"jobId": 0, "status": "RUNNING", "stageIds": [0]}])
    text += answer(1, "/api/v1/applications/a/executors", [{"id": "1", "isActive": True, "activeTasks": 0}])
    for t in range(5, 250, 5):
        text += answer(t, "/api/v1/applications/a/stages?status=active&details=false", [STAGE])
    assert [o["verdict"] for o in verdicts(play(binary, tmp_path, text))] == ["suspect", "hung"]


@pytest.mark.parametrize("line, says", [
    ("junk\n", ":1:"),
    ("[1]\n", ":1: not an object"),
    (answer(0, "/x", "").replace('"t": 0', '"t": "0"'), '"t"'),
    (answer(0, "/x", "").replace('"t": 0', '"t": -1'), '"t"'),
    (answer(0, "/x", "").replace('"status": 200', '"status": 999'), '"status"'),
    (answer(0, "/x", "").replace('"path"', '"paht"'), '"path"'),
    (answer(5, "/x", "") + answer(4, "/x", ""), ':2: "t" goes back'),
])
def test_wrong_recordings(binary, tmp_path, line, says):
    done = play(binary, tmp_path, line)
    assert done.returncode == 3
    assert says in done.stderr
    assert done.stdout == ""


def test_missing_file(binary, tmp_path):
    done = play(binary, tmp_path, None, recording=tmp_path / "nothing.jsonl")
    assert done.returncode == 3 and "nothing.jsonl" in done.stderr


def test_a_stream_is_known_by_its_query(binary, tmp_path):
    """Without the driver's threads, the newest query tells that batches are what it waits between."""
    rows = [json.loads(line) for line in lines("stream_ok-4.3")]
    rows = [row for row in rows if "/executors/driver/threads" not in row["path"]]
    app = next(row["path"] for row in rows if row["path"].endswith("/environment")).removesuffix("/environment")
    told = []
    for description in ("count at etl.py:7", "\nid = be7cc120\nrunId = b9ad06b9\nbatch = 1"):
        queries = json.loads(answer(1, f"{app}/sql?details=false&planDescription=false&offset=0&length=20000",
                                    [{"id": 1, "status": "COMPLETED", "description": description, "runningJobIds": []}]))
        text = "".join(json.dumps(row) + "\n" for row in sorted([*rows, queries], key=lambda row: row["t"]))
        config = CONFIG.replace("idle_after = 60s", "idle_after = 15s")
        told.append("idle" in {o["verdict"] for o in verdicts(play(binary, tmp_path, text, config))})
    assert told == [True, False]


@pytest.mark.parametrize("lost, says", [
    (r"/api/v1/applications(\?|$)", "no usable answer to /api/v1/applications\n"),
    (r"/applications/[^/]+/stages\?", "no usable answer to /api/v1/applications/ID/stages\n"),
    ("/api/v1/", "no usable answer to /api/v1/applications\n")])
@pytest.mark.parametrize("how", ["left out", "refused by a proxy", "of no use"])
@pytest.mark.parametrize("source", ["", "[spark m]\ntype = standalone\nurl = http://m:8080\n", "[spark y]\ntype = yarn\nurl = http://y:8088\n"])
def test_nothing_to_be_found(binary, tmp_path, source, how, lost, says):
    """A recording that lost what names the app, or its stages: that nothing is said of it is no health."""
    rows = [json.loads(line) for line in lines("py_sleep-4.3")]
    hit = [bool(re.search(lost, row["path"])) for row in rows]
    assert any(hit)
    if how == "left out":
        rows = [row for row, is_lost in zip(rows, hit) if not is_lost]
    elif how == "refused by a proxy":
        rows = [dict(row, status=403, body="no", type="text/html") if is_lost else row for row, is_lost in zip(rows, hit)]
    else:
        rows = [dict(row, body="[]" if "stages?" not in row["path"] else "{}") if is_lost else row for row, is_lost in zip(rows, hit)]
        says = "name none, or cannot be read"
    done = play(binary, tmp_path, "".join(json.dumps(row) + "\n" for row in rows), CONFIG + source)
    assert (done.returncode, done.stdout) == (3, ""), (done.returncode, done.stdout[:300])
    assert "no app is found in this recording" in done.stderr and says in done.stderr


def test_empty_recording(binary, tmp_path):
    for text in ("", '{"t": 1, "path": "/json/", "status": 200, "type": "application/json", "took": 0.1, "body": "{}"}\n'):
        done = play(binary, tmp_path, text)
        assert (done.returncode, done.stdout) == (3, "") and "no app is found in this recording" in done.stderr
