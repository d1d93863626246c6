# SPDX-License-Identifier: Apache-2.0
"""They take seconds to start, and serve all tests."""
import pathlib
import subprocess

import pytest
from chromium import Browser, Site
from harness import wait

SETUP = pathlib.Path(__file__).resolve().parent.parent / "setup"


@pytest.fixture(scope="session")
def browser():
    made = Browser()
    yield made
    made.driver.quit()


@pytest.fixture(scope="session")
def axe():
    """The source of axe-core."""
    env = subprocess.run([SETUP, "path", "browser"], capture_output=True, text=True, check=True).stdout.strip()
    found = list(pathlib.Path(env).glob("lib/python3*/site-packages/axe_playwright_python/axe.min.js"))
    assert found, f"axe-core is not in {env}: run tests/setup browser"
    return found[0].read_text()


@pytest.fixture(scope="module")
def site(binary, tmp_path_factory):
    made = Site(binary, tmp_path_factory.mktemp("site"))
    with made.daemon:
        wait(lambda: {"app-1", "app-2"} <= made.incidents().keys() and made.decided(), "both hang")
        yield made
    made.close()
