#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What each piece of evidence is worth: the recordings played whole, and with one piece left out.

    worth.py [--stagewatchd PATH] [RECORDING ...]

Prints a table: how many of the verdicts that labels.json wants come in time, late or never, and how many of `hung` or of
what is never to be are false; beside it two detectors that need counters only. Then how fast recordings are played, and
what a stage under suspicion cost in requests and bytes, in recordings of `stagewatchd --record`.
"""
import argparse
import gzip
import json
import pathlib
import re
import resource
import statistics
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
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
LEFT_OUT = {
    "nothing": None, "CPU seconds": "^/?host/", "CPU seconds per process": "sums", "thread dumps": "/threads$",
    "running tasks": "/taskList", "dropped events": "^/metrics/", "executors": "/executors$", "jobs": "/jobs$",
    "CPU seconds and dumps": "^/?host/|/threads$", "all but stages and jobs": "^/?host/|/threads$|/taskList|^/metrics/|/executors$",
}
EVIDENCE = {"running tasks": "/taskList", "thread dumps": "/threads$", "executors and jobs": "/(executors|jobs)$", "dropped events": "^/metrics/"}


def path_of(line):
    return re.search(r'"path": ?"([^"?]*)', line).group(1)


def without(lines, what):
    if what == "sums":
        return [re.sub(r'\\"processes\\": ?\[[^\]]*\]', r'\\"none\\":0', line) if path_of(line).startswith("host/") else line for line in lines]
    return [line for line in lines if not (what and re.search(what, path_of(line)))]


def stages(lines):
    for line in lines:
        if path_of(line).endswith("/stages"):
            answer = json.loads(line)
            if answer["status"] == 200 and "json" in answer["type"]:
                for stage in json.loads(answer["body"]):
                    yield answer["t"], stage


def by_age(lines):
    """(0 + N) / N for a minute."""
    since, told = {}, {}
    for t, s in stages(lines):
        if s["numCompleteTasks"] or not s["numActiveTasks"]:
            since.pop(s["stageId"], None)
        elif t - since.setdefault(s["stageId"], t) >= 60:
            told.setdefault(s["stageId"], t)
    return [{"t": t, "stage": stage, "verdict": "hung"} for stage, t in told.items()]


def by_run_time(lines):
    """executorRunTime of a minute."""
    told = {}
    for t, s in stages(lines):
        if s["executorRunTime"] >= 60000:
            told.setdefault(s["stageId"], t)
    return [{"t": t, "stage": stage, "verdict": "hung"} for stage, t in told.items()]


def judge(label, out, only_hung=False):
    """-> in time, late, never, false"""
    counts, covered = [0, 0, 0, 0], set()
    for must in label.get("must", []):
        if only_hung and must["verdict"] != "hung":
            continue
        hits = [o["t"] for o in out if (o["verdict"], o["stage"]) == (must["verdict"], must["stage"]) and o["t"] >= must["from"]]
        counts[2 if not hits else 0 if hits[0] <= must["by"] else 1] += 1
        covered.add((must["verdict"], must["stage"], must["from"]))
    covered.update((m["verdict"], m["stage"], m["from"]) for m in label.get("may", []))
    wrong = {"hung"} if only_hung else {"hung", *label.get("never", [])}
    counts[3] = sum(o["verdict"] in wrong and not any((o["verdict"], o["stage"]) == c[:2] and o["t"] >= c[2] for c in covered) for o in out)
    return counts


def cost(recordings):
    """Per stage under suspicion and minute of it: requests and bytes of each kind of evidence."""
    spent, minutes = {kind: [0, 0] for kind in EVIDENCE}, 0
    for lines, out in recordings:
        begin = next((o["t"] for o in out if o["verdict"] == "suspect"), None)
        if begin is None or '"date"' not in lines[0] or not any("/taskList" in line for line in lines):
            continue
        minutes += (json.loads(lines[-1])["t"] - begin) / 60
        for line in lines:
            for kind, pattern in EVIDENCE.items():
                if re.search(pattern, path_of(line)):
                    answer = json.loads(line)
                    spent[kind][0] += 1
                    spent[kind][1] += len(answer["body"])
    return {kind: (n / minutes, size / minutes) for kind, (n, size) in spent.items()}, minutes


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stagewatchd", default=str(HERE.parents[1] / "build/stagewatchd"))
    parser.add_argument("recordings", nargs="*")
    o = parser.parse_args()
    labels = json.loads((HERE / "recordings/labels.json").read_text())
    names = [n for n in sorted(labels) if not o.recordings or n in o.recordings]
    lines = {n: gzip.open(HERE / f"recordings/{n}.jsonl.gz", "rt").read().splitlines(keepends=True) for n in names}
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as config:
        config.write(CONFIG)
        config.flush()

        def play(some):
            done = subprocess.run([o.stagewatchd, "--config", config.name, "--replay", "-"], input="".join(some), capture_output=True, text=True, check=True)
            return [json.loads(line) for line in done.stdout.splitlines()]

        print("| left out | in time | late | never | false |\n| --- | --- | --- | --- | --- |")
        for words, what in LEFT_OUT.items():
            total = [sum(c) for c in zip(*(judge(labels[n], play(without(lines[n], what))) for n in names))]
            print(f"| {words} | {total[0]} | {total[1]} | {total[2]} | {total[3]} |")
        blind = [(labels[n].get("blind", labels[n]), play(without(lines[n], LEFT_OUT["CPU seconds"]))) for n in names]
        total = [sum(c) for c in zip(*(judge(*pair) for pair in blind))]
        print(f"| CPU seconds, held against what can be known without | {total[0]} | {total[1]} | {total[2]} | {total[3]} |")
        for words, detector in (("(0 + N) / N for a minute", by_age), ("executorRunTime of a minute", by_run_time)):
            total = [sum(c) for c in zip(*(judge(labels[n], detector(lines[n]), True) for n in names))]
            print(f"| *{words}*, hung only | {total[0]} | {total[1]} | {total[2]} | {total[3]} |")
        rates = []
        for n in names:
            before = cpu_seconds()
            play(lines[n])
            rates.append(json.loads(lines[n][-1])["t"] / (cpu_seconds() - before))
        print(f"\nplayed in CPU time {min(rates):.0f} to {max(rates):.0f} times as fast as recorded, median {statistics.median(rates):.0f}")
        spent, minutes = cost([(lines[n], play(lines[n])) for n in names])
        print(f"\n| evidence, {minutes:.0f} minutes of suspicion | requests a minute | kB a minute |\n| --- | --- | --- |")
        for kind, (n, size) in spent.items():
            print(f"| {kind} | {n:.1f} | {size / 1000:.1f} |")


if __name__ == "__main__":
    main()
