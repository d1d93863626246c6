# SPDX-License-Identifier: Apache-2.0
"""Tables of the program, found by their names wherever they stand."""
import functools
import re


@functools.cache
def texts(root):
    """{path: text} of all sources."""
    return {f: f.read_text() for part in ("src", "include") for f in sorted((root / part).rglob("*.[ch]"))}


def table(root, name):
    """What stands between the braces of the one table of that name."""
    found = [m for text in texts(root).values() for m in re.findall(rf"\b{name}\[[^\]]*\] = \{{(.*?)\n?\}};", text, re.S)]
    assert len(found) == 1, f"{name}[]: {len(found)} definitions"
    return found[0]


def words(root, pattern):
    """What the group of the pattern matches anywhere in the sources."""
    return {w for text in texts(root).values() for w in re.findall(pattern, text)}


def metrics(root):
    """{name as it is scraped: its labels}."""
    found = {}
    for kind, entry in re.findall(r"\n\t(G\(|C\(|\{)\s*METRIC_(.*?)(?=\n\t[GC{]|\Z)", table(root, "metric_defs"), re.S):
        strings = re.findall(r'"([^"]*)"', re.sub(r'"\s+"', "", entry))
        sentence = next(i for i, s in enumerate(strings) if s.endswith("."))
        suffix = "_total" if kind == "C(" else "_info" if "METRIC_INFO" in entry else ""
        found[strings[0] + suffix] = tuple(strings[sentence + 1:])
    return found
