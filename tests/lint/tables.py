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
