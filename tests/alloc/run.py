#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Lets memory run out at each site of the unit tests of some layers in turn: no program may end by a signal.

    tests/alloc/run.py BUILD [--leaks] [--seconds N] [LAYER...]

A site is a stack of eight calls that asks for memory; its first allocation is refused, in a run of its own. A test whose check
then fails has seen the error, which is well. A program gets --seconds (600): where its sites take longer, the line of the program says how many
of how many were tried, which are about evenly spread. What does not end within LIMIT counts as wrong.
With --leaks, also each target of the fuzzers with what they begin with, and the scenarios (tests/alloc/leaks.c): nothing may leak.
"""
import argparse
import concurrent.futures
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYERS = ["base", "conf", "core", "wire"]
AT_ONCE = 2
# Of one run of a program, in seconds; those of --leaks do all their sites in one.
LIMIT = 300
LEAKS_LIMIT = 1800
# After so many that do not end, the other sites of a program are left alone.
MOST_ENDLESS = 2


def build_tool(build):
    """The library that is preloaded."""
    tool = build / "tests/alloc-fault.so"
    subprocess.run([os.environ.get("CC", "gcc").split()[-1], "-std=gnu17", "-D_GNU_SOURCE", "-O1", "-g", "-fPIC", "-shared", "-o", tool, ROOT / "tests/alloc/fault.c", "-ldl"], check=True)
    return tool


def call(command, limit, **env):
    """Its exit status, None where it did not end in time, and what it said."""
    with tempfile.TemporaryFile() as out:
        try:
            status = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=limit, env={**os.environ, **env}).returncode
        except subprocess.TimeoutExpired:
            status = None
        out.seek(0)
        return status, out.read().decode(errors="replace")


def run(tool, program, **env):
    return call([program], LIMIT, STAGEWATCHD_TESTS=str(ROOT / "tests"), LD_PRELOAD=str(tool), **env)


def sites(tool, program):
    """The first allocation of each site; ValueError: the program fails without any fault, OSError: it is not there."""
    with tempfile.NamedTemporaryFile() as f:
        status, text = run(tool, program, ALLOC_SITES=f.name)
        if status != 0:
            raise ValueError(f"{program} {'did not end' if status is None else 'fails'} by itself: {text[-2000:]}")
        return [int(line) for line in pathlib.Path(f.name).read_text().split()]


def refuse(tool, program, n):
    """What is wrong with this one; None: nothing."""
    status, text = run(tool, program, ALLOC_FAIL_AT=str(n))
    if status is not None and status >= 0:
        return None
    how = "did not end" if status is None else signal.Signals(-status).name
    return f"{program} ALLOC_FAIL_AT={n}: {how}\n{text[-1500:]}"


def spread(items):
    """All of them, so that however many are taken from the front, these are about evenly spread."""
    width = len(items).bit_length()
    return [items[k] for k in sorted(range(len(items)), key=lambda k: f"{k:0{width}b}"[::-1])]


def programs(build, layers):
    return [build / "tests/unit" / layer / source.stem for layer in layers for source in sorted((ROOT / "tests/unit" / layer).glob("test_*.c"))]


def refuse_each(tool, program, order, end):
    """What is wrong, and with how many it was tried."""
    wrong, endless, tried = [], 0, 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        while tried < len(order) and endless < MOST_ENDLESS and time.monotonic() < end:
            some = order[tried:tried + AT_ONCE]
            for w in filter(None, pool.map(lambda n: refuse(tool, program, n), some)):
                wrong.append(w)
                endless += "did not end" in w.split("\n")[0]
            tried += len(some)
    return wrong, tried


def run_program(tool, program, seconds):
    """The numbers of sites that were tried and that there are, and what is wrong."""
    name = f"{program.parent.name}/{program.name}"
    begun = time.monotonic()
    try:
        all_sites = sites(tool, program)
    except (ValueError, OSError) as e:
        print(e, flush=True)
        return 0, 0, [name]
    wrong, tried = refuse_each(tool, program, spread(all_sites), time.monotonic() + seconds)
    for w in wrong:
        print(w, flush=True)
    print(f"{name}: {tried} of {len(all_sites)} sites, {len(wrong)} wrong, {time.monotonic() - begun:.0f} s", flush=True)
    return tried, len(all_sites), wrong


def seeds_of(build, name):
    if name == "core":
        return sorted((ROOT / "tests/scenario").glob("*.scn"))
    if (build / "seeds" / name).is_dir():
        return sorted((build / "seeds" / name).iterdir())
    if name == "conf":
        return [ROOT / "etc/stagewatchd.conf"]
    return sorted(f for f in (ROOT / "tests/wire/fixtures").glob("*/*") if f.is_file())


def leaks(build, name):
    """What one of the programs with a target says: its exit status, not 0 where it did not end, and its last words."""
    status, text = call([build / "tests/alloc" / name, *seeds_of(build, name)], LEAKS_LIMIT)
    said = [line for line in text.splitlines() if "not freed" in line or "it died" in line or "sites, " in line]
    if status is None:
        return 1, [*said[-9:], f"did not end within {LEAKS_LIMIT} s"]
    return status, said[-10:]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("layers", nargs="*", default=LAYERS)
    p.add_argument("--seconds", type=float, default=600)
    p.add_argument("--leaks", action="store_true")
    args = p.parse_args()
    build = args.build.resolve()
    tool, n_tried, n_all, wrong = build_tool(build), 0, 0, []
    for program in programs(build, args.layers or LAYERS):
        tried, of, w = run_program(tool, program, args.seconds)
        n_tried, n_all, wrong = n_tried + tried, n_all + of, wrong + w
    print(f"{n_tried} of {n_all} sites, {len(wrong)} wrong", flush=True)
    for program in sorted((build / "tests/alloc").iterdir()) if args.leaks else []:
        status, said = leaks(build, program.name)
        print(f"{program.name}: {' / '.join(said)}", flush=True)
        wrong += [program.name] if status else []
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
