# SPDX-License-Identifier: Apache-2.0
"""The daemon is killed at every fault point of an action, started again, and must come to the same end as if nothing had been.

The points are counted by a run of the daemon itself: what is added to an action is covered without being listed here.
"""
import concurrent.futures
import random

import pytest
from story import STORIES, Story

SEED = 20261124
WORKERS = 6

def tell(name, build, directory, crashes=()):
    with Story(name, build, directory) as story:
        try:
            story.run(crashes)
            story.check()
            n = story.daemon.n_points()
            # A run has fewer points than the one that was counted where two writes fall together, or where that one began
            # twice because its evidence was some seconds too old. A point that it has ends it.
            assert story.crashes or not crashes or n < crashes[0], f"no crash, and {n} points were reached"
        except AssertionError as e:
            raise AssertionError(f"crash at {crashes}: {e}") from None
        return n, story.crashes


def tell_all(name, build, tmp_path, lists):
    """Tells it with each list of crashes; how many crashes there were."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        runs = [pool.submit(tell, name, build, tmp_path / f"run-{n}", crashes) for n, crashes in enumerate(lists)]
        failed = [e for e in (r.exception() for r in runs) if e]
    assert not failed, f"{len(failed)} of {len(runs)} failed; the first:\n{failed[0]}"
    return sum(r.result()[1] for r in runs)


@pytest.mark.parametrize("name", STORIES)
def test_every_point(name, build, tmp_path):
    n, _ = tell(name, build, tmp_path / "whole")
    crashes = tell_all(name, build, tmp_path, [(k,) for k in range(1, n + 1)])
    print(f"{name}: {n} fault points, {crashes} crashes")
    assert crashes >= n // 2


@pytest.mark.parametrize("name", STORIES)
def test_crash_while_taken_up(name, build, tmp_path):
    """A second crash, somewhere in the second life, and a third."""
    n, _ = tell(name, build, tmp_path / "whole")
    chosen = random.Random(f"{SEED} {name}")
    lists = [(chosen.randint(1, n), chosen.randint(1, n // 2), chosen.randint(1, n // 2)) for _ in range(12)]
    print(f"{name}: seed {SEED}: {lists}")
    crashes = tell_all(name, build, tmp_path, lists)
    print(f"{name}: {crashes} crashes")
    assert crashes >= len(lists) // 2
