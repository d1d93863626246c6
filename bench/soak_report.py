#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws what a soak has sampled, as SVG, and says whether anything grew once it was warm.

    bench/soak_report.py SAMPLES OUT       SAMPLES: a JSON object a line; writes OUT.svg and OUT.md; exits 1 where something grew
"""
import json
import pathlib
import statistics
import sys

WARM_UP = 0.4  # of the run: retention, the runs of each name and the list of incidents are not full before
# What is sampled: its unit, and by what share and by how much the last part of a run may be above the one before.
KEPT = {"memory": ("MiB resident", 0.02, 0.5), "heap": ("KiB in use", 0.05, 100), "descriptors": ("open files", 0.05, 8),
        "ledger": ("KiB", 0.10, 64), "evidence": ("MiB", 0.10, 1), "series": ("lines of /metrics", 0.05, 20)}
COUNTED = {"hours": "hours", "apps": "apps at once", "began": "apps so far", "incidents": "incidents", "actions": "actions", "reloads": "reloads"}


def kept(rows):
    return {name: how for name, how in KEPT.items() if name in rows[0]}


def halves(rows, name):
    """The medians of the time after it was warm, in two halves."""
    warm = [r for r in rows if r["polls"] >= WARM_UP * rows[-1]["polls"]]
    middle = len(warm) // 2
    return [statistics.median(r[name] for r in half) for half in (warm[:middle] or warm, warm[middle:])]


def growth(rows):
    """What grew, in words."""
    told = []
    for name, (unit, share, slack) in kept(rows).items():
        before, after = halves(rows, name)
        if after > before * (1 + share) + slack:
            told.append(f"{name} grew from {before:.1f} to {after:.1f} {unit}")
    return told


def table(rows):
    """A row for each tenth of the polls."""
    counted = [name for name in COUNTED if name in rows[0]]
    heads = ["polls", *[COUNTED[n] for n in counted], *[f"{n}, {unit}" for n, (unit, _, _) in kept(rows).items()]]
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join(["---:"] * len(heads)) + " |"]
    for tenth in range(1, 11):
        r = min(rows, key=lambda r: abs(r["polls"] - rows[-1]["polls"] * tenth / 10))
        cells = [f"{r['polls']:,.0f}", *[f"{r[n]:,.4g}" if n == "hours" else f"{r[n]:,.0f}" for n in counted], *[f"{r[n]:,.4g}" for n in kept(rows)]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(rows):
    """A small picture for each, from zero, one above the other."""
    width, height, gap, left = 640, 80, 44, 70
    end = rows[-1]["polls"]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + left + 20}" height="{len(kept(rows)) * (height + gap) + 16}" '
           'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>']
    for k, (name, (unit, _, _)) in enumerate(kept(rows).items()):
        y, top = 26 + k * (height + gap), max(r[name] for r in rows) * 1.15 or 1
        points = " ".join(f"{left + width * r['polls'] / end:.1f},{y + height - height * r[name] / top:.1f}" for r in rows)
        out += [f'<text x="{left}" y="{y - 8}">{name}, {unit}</text>',
                f'<path d="M{left},{y} v{height} h{width}" fill="none" stroke="#888"/>',
                f'<text x="{left - 6}" y="{y + height}" text-anchor="end">0</text>',
                f'<text x="{left - 6}" y="{y + 10}" text-anchor="end">{top:,.0f}</text>',
                f'<polyline points="{points}" fill="none" stroke="#1f5fa8" stroke-width="1.3"/>',
                f'<text x="{left + width}" y="{y + height + 14}" text-anchor="end">{end:,.0f} polls</text>']
    return "\n".join([*out, "</svg>", ""])


def report(rows, out):
    """Writes both, prints the table and what grew; returns the exit status."""
    pathlib.Path(f"{out}.svg").write_text(plot(rows))
    pathlib.Path(f"{out}.md").write_text(table(rows) + "\n")
    grew = growth(rows)
    print(table(rows), "\n".join(grew) or "nothing grew", sep="\n")
    return 1 if grew else 0


if __name__ == "__main__":
    sys.exit(report([json.loads(line) for line in pathlib.Path(sys.argv[1]).read_text().splitlines()], sys.argv[2]))
