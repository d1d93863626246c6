#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures of the page in doc/, in some four minutes: a hang needs a while until all is known of it.

Usage: pictures.py BUILD DIRECTORY
"""
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "live"))
from chromium import LOGIN, Browser, operated  # noqa: E402
from harness import wait  # noqa: E402

SIZES = {"page-phone": (360, 740), "page-desktop": (1000, 800)}


def main(build, directory):
    with tempfile.TemporaryDirectory() as scratch:
        site = operated(f"{build}/stagewatchd", pathlib.Path(scratch), other="daily_features")
        browser = Browser()
        try:
            browser.cdp("Network.enable")
            browser.cdp("Network.setExtraHTTPHeaders", headers=LOGIN)
            with site.daemon:
                wait(lambda: {"app-1", "app-2"} <= site.incidents().keys() and site.decided(), "both hang")
                time.sleep(200)
                for name, (width, height) in SIZES.items():
                    browser.look(width, height)
                    browser.driver.get(site.url())
                    # The hang with an owner, whichever is first.
                    browser.run("[...document.querySelectorAll('article')].find(a => a.innerText.includes('load-prices')).scrollIntoView()")
                    assert browser.driver.save_screenshot(f"{directory}/{name}.png")
        finally:
            browser.driver.quit()
            site.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
