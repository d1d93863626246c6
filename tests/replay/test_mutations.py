# SPDX-License-Identifier: Apache-2.0
"""A recording of an app that works, with one field of one kind of answer made useless in all of them: null, of another type, out of
range, absent. Nothing hangs in it, so nothing may be taken for hung; what cannot be read is told in one line. Each decoder by itself:
tests/unit/wire/test_mutations.c.

STAGEWATCHD_MUTATIONS=all changes every field that any decoder knows; else it is every one of the CPU seconds, which alone can prove
a hang, and one in ten of the others.
"""
import gzip
import json
import os
import re
import subprocess

import pytest
from test_replay import CONFIG, RECORDINGS

LENGTH = 140  # seconds: until it has been slow for a while, and before a hang needs no proof
CHANGES = {"null": None, "true": True, "-1": -1, "1e308": 1e308, "empty": "", "long": "x" * 5000, "a list": [], "an object": {}, "absent": ...}


class Recording:
    def __init__(self, name):
        with gzip.open(RECORDINGS / f"{name}.jsonl.gz", "rt") as f:
            rows = [row for row in map(json.loads, f) if row["t"] <= LENGTH and row["body"]]
        self.rows = [(self.kind(row["path"]), row) for row in rows]
        self.lines = [json.dumps(row) + "\n" for row in rows]

    @staticmethod
    def kind(path):
        return re.sub(r"app-[\w-]+|\d+", "N", path.partition("?")[0])

    def fields(self, known):
        """(kind of answer, where in it) of the fields that decoders know."""
        found = {(kind, at) for kind, row in self.rows for at in places(json.loads(row["body"]))}
        return sorted((kind, at) for kind, at in found if [w for w in at if w][-1:] and [w for w in at if w][-1] in known)

    def changed(self, kind, at, value):
        for (other, row), line in zip(self.rows, self.lines):
            if other != kind:
                yield line
                continue
            body = json.loads(row["body"])
            change(body, at, value)
            yield json.dumps(dict(row, body=json.dumps(body))) + "\n"


def places(value, at=()):
    """Of each list the first rows: "" stands for one."""
    rows = value.items() if isinstance(value, dict) else [("", v) for v in value[:3]] if isinstance(value, list) else ()
    for name, inner in rows:
        yield (*at, name)
        yield from places(inner, (*at, name))


def change(value, at, new):
    name, *rest = at
    if name == "" and isinstance(value, list):
        for inner in value if rest else ():
            change(inner, rest, new)
        if not rest:
            value[:] = [] if new is ... else [new] * len(value)
    elif isinstance(value, dict) and name in value:
        if rest:
            change(value[name], rest, new)
        elif new is ...:
            del value[name]
        else:
            value[name] = new


def play(binary, tmp_path, text):
    file = tmp_path / "replay.conf"
    file.write_text(CONFIG)
    return subprocess.run([binary, "--config", file, "--replay", "-"], input=text, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def recording():
    return Recording("jvm_busy-4.3")


@pytest.mark.parametrize("part", range(4))
def test_no_field_alone_makes_it_hung(part, root, recording, binary, tmp_path):
    known = {word for file in (root / "src/wire").glob("*.c") for word in re.findall(r'"(\w+)"', file.read_text())}
    fields = [(kind, at, name) for kind, at in recording.fields(known) for name in CHANGES]
    assert len(fields) > 1000
    if os.environ.get("STAGEWATCHD_MUTATIONS") != "all":
        fields = [f for i, f in enumerate(fields) if i % 10 == 0 or (f[0] == "host/processes" and f[1][-1] == "cpu_seconds")]
    for kind, at, name in fields[part::4]:
        what = f"{kind} {at} {name}"
        done = play(binary, tmp_path, "".join(recording.changed(kind, at, CHANGES[name])))
        assert done.returncode in (0, 3), (what, done.stderr)
        # Whose app it is may be lost altogether.
        assert (done.returncode == 0) == (done.stderr == "") and done.stderr.count("\n") <= 1 and len(done.stderr) < 1000, (what, done.stderr)
        assert "hung" not in [json.loads(line)["verdict"] for line in done.stdout.splitlines()], what


def test_a_lie_about_cpu_seconds_is_believed(recording, binary, tmp_path):
    """That this test can fail: a number that is one may say that nothing computes."""
    at = ("", "processes", "", "cpu_seconds")
    done = play(binary, tmp_path, "".join(recording.changed("host/processes", at, 1.5)))
    assert "hung" in [json.loads(line)["verdict"] for line in done.stdout.splitlines()], done.stderr
