# SPDX-License-Identifier: Apache-2.0
"""Memory runs out at one place after the other, in a part of what make check-alloc goes through."""
import os
import sys

import pytest

from conftest import BUILD, ROOT

sys.path.insert(0, str(ROOT / "tests/alloc"))
import run  # noqa: E402

pytestmark = pytest.mark.skipif(bool(os.environ.get("STAGEWATCHD_SANITIZE")), reason="a sanitizer has the allocator to itself")


@pytest.mark.parametrize("name", ["conf", "spark_rest"])
def test_nothing_leaks(name):
    status, said = run.leaks(BUILD, name)
    assert status == 0, said


def test_no_unit_test_of_the_policy_crashes(tmp_path):
    tool, program = run.build_tool(BUILD), BUILD / "tests/unit/core/test_policy"
    wrong = [w for w in (run.refuse(tool, program, n) for n in run.sites(tool, program)[::12]) if w]
    assert not wrong, "\n".join(wrong)
