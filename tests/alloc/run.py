#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Lets memory run out at each site of the unit tests of some layers in turn: no program may end by a signal.

    tests/alloc/run.py BUILD [--leaks] [--every N] [--most N] [LAYER...]

A site is a stack of eight calls that asks for memory; its first allocation is refused, in a run of its own. A test whose check
then fails has seen the error, which is well. --every N: only each Nth site; --most N: sites beyond the Nth allocation are left out.
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

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYERS = ["base", "conf", "core", "wire"]


def build_tool(build):
    """The library that is preloaded."""
    tool = build / "tests/alloc-fault.so"
    subprocess.run([os.environ.get("CC", "gcc").split()[-1], "-std=gnu17", "-D_GNU_SOURCE", "-O1", "-g", "-fPIC", "-shared", "-o", tool, ROOT / "tests/alloc/fault.c", "-ldl"], check=True)
    return tool


def run(tool, program, **env):
    with tempfile.TemporaryFile() as out:
        done = subprocess.run([program], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=300,
                              env={**os.environ, "STAGEWATCHD_TESTS": str(ROOT / "tests"), "LD_PRELOAD": str(tool), **env})
        out.seek(0)
        return done.returncode, out.read().decode(errors="replace")


def sites(tool, program):
    with tempfile.NamedTemporaryFile() as f:
        status, text = run(tool, program, ALLOC_SITES=f.name)
        assert status == 0, f"{program} fails by itself: {text[-2000:]}"
        return [int(line) for line in pathlib.Path(f.name).read_text().split()]


def refuse(tool, program, n):
    """What is wrong with this one; None: nothing."""
    status, text = run(tool, program, ALLOC_FAIL_AT=str(n))
    if status >= 0:
        return None
    return f"{program} ALLOC_FAIL_AT={n}: {signal.Signals(-status).name}\n{text[-1500:]}"


def programs(build, layers):
    return [build / "tests/unit" / layer / source.stem for layer in layers for source in sorted((ROOT / "tests/unit" / layer).glob("test_*.c"))]


def run_all(build, layers, every, most):
    tool, wrong, n = build_tool(build), [], 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for program in programs(build, layers):
            chosen = [k for k in sites(tool, program) if k <= most][::every]
            n += len(chosen)
            for w in filter(None, pool.map(lambda k, p=program: refuse(tool, p, k), chosen)):
                print(w, flush=True)
                wrong.append(w)
    return n, wrong


def leaks(build, name):
    """What one of the programs with a target says: its exit status, and its last words."""
    seeds = build / "seeds" / name
    if name == "core":
        files = sorted((ROOT / "tests/scenario").glob("*.scn"))
    elif seeds.is_dir():
        files = sorted(seeds.iterdir())
    elif name == "conf":
        files = [ROOT / "etc/stagewatchd.conf"]
    else:
        files = sorted(f for f in (ROOT / "tests/wire/fixtures").glob("*/*") if f.is_file())
    with tempfile.TemporaryFile() as out:
        status = subprocess.run([build / "tests/alloc" / name, *files], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, timeout=900).returncode
        out.seek(0)
        said = [line for line in out.read().decode(errors="replace").splitlines() if "not freed" in line or "it died" in line or "sites, " in line]
    return status, said[-10:]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("layers", nargs="*", default=LAYERS)
    p.add_argument("--every", type=int, default=1)
    p.add_argument("--most", type=int, default=10**9)
    p.add_argument("--leaks", action="store_true")
    args = p.parse_args()
    n, wrong = run_all(args.build.resolve(), args.layers or LAYERS, args.every, args.most)
    print(f"{n} sites, {len(wrong)} ended by a signal")
    for program in sorted((args.build.resolve() / "tests/alloc").iterdir()) if args.leaks else []:
        status, said = leaks(args.build.resolve(), program.name)
        print(f"{program.name}: {' / '.join(said)}")
        wrong += [program.name] if status else []
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
