# SPDX-License-Identifier: Apache-2.0
"""The pages in a real browser: what they show, what they load, who can use them."""
import pytest
from chromium import EVIL
from harness import wait
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

PATHS = ("/", "/incidents", "/incidents/ID", "/apps", "/apps?sort=name&find=app", "/audit", "/report", "/incidents/none")


def opened(browser, site, path="/"):
    browser.console(), browser.requested()
    browser.driver.get(site.url(path.replace("ID", site.incidents()["app-1"])))


def violations(browser, axe):
    """What axe-core finds; the page's own policy lets no script in, the driver's comes with the protocol."""
    browser.run(axe)
    found = browser.driver.execute_async_script(
        "const done = arguments[0]; axe.run({resultTypes: ['violations']}).then(r => done(r.violations), e => done(String(e)))")
    assert isinstance(found, list), found
    return [(v["id"], v["help"], [n["html"][:200] for n in v["nodes"][:3]]) for v in found]


def refresh(browser):
    """What the timer of the script does after some seconds, and the page when it is looked at again, at once."""
    browser.run("document.dispatchEvent(new Event('visibilitychange'))")


@pytest.mark.parametrize("path", PATHS)
def test_each_page(browser, axe, site, path):
    """It loads from here alone, and without an error; a hostile name is a text; it fits a phone; axe-core has no objection."""
    browser.look()
    opened(browser, site, path)
    # That a page is answered with 404 is said by the browser itself.
    assert not [m for m in browser.console() if not (path.endswith("none") and "404" in m)]
    urls = browser.requested()
    assert len(urls) >= 3 and all(u.startswith(site.url("/")) for u in urls), urls
    assert not browser.run("return document.querySelectorAll('main script, main img, main style, [style]').length")
    for width, height, scheme in ((360, 740, "dark"), (1000, 800, "light")):
        browser.look(width, height, scheme)
        assert browser.run("return document.documentElement.scrollWidth") <= width, (path, width)
        assert not violations(browser, axe), (path, scheme)


def test_what_it_says(browser, site):
    browser.look(360, 740)
    opened(browser, site)
    text = browser.text()
    for words in ("2 incidents are open", "Stage 7 of load-prices hangs", EVIL, "Next: nothing: the mode is observe",
                  "You: end the app by hand", "(0 + 2) / 2", "2 of 2 running tasks stand still", "com.example.Prices.load",
                  "nightly_load / t, run r, try 1", "Not to be had", "mode, in [daemon] or in its [rule]", "Last good answer"):
        assert words in text, (words, text)
    # The hang with an owner: what it is, its bar and its proof are above the fold of a phone.
    fold = browser.run("""const a = [...document.querySelectorAll('article')].find(a => a.innerText.includes('load-prices'));
                          return a.querySelector('ul').getBoundingClientRect().bottom - a.getBoundingClientRect().top""")
    assert fold < 740
    links = {a.text: a.get_attribute("href") for a in browser.driver.find_elements(By.CSS_SELECTOR, "article a")}
    assert links["task log"] == f"{site.airflow.url}/dags/nightly_load/runs/r/tasks/t?try_number=1"
    assert links["Spark's page of the stage"].endswith("/stages/stage/?id=7&attempt=0")
    browser.look(1000, 760)
    browser.driver.find_element(By.LINK_TEXT, "Stage 7 of load-prices hangs").click()
    assert "What happened" in browser.text() and "TID 0" in browser.text()


def test_sort_and_filter(browser, site):
    browser.look()
    opened(browser, site, "/apps")
    browser.driver.find_element(By.LINK_TEXT, "App").click()
    rows = browser.run("return [...document.querySelectorAll('tbody tr')].map(r => r.innerText)")
    assert ["app-1" in rows[0], "app-2" in rows[1], "app-3" in rows[2]] == [True] * 3
    field = browser.driver.find_element(By.NAME, "find")
    field.send_keys("hung", Keys.ENTER)
    wait(lambda: "2 of 3 apps." in browser.text(), what="the filter holds")
    assert "sort=app" in browser.driver.current_url and "find=hung" in browser.driver.current_url


def test_by_keyboard(browser, site):
    browser.look()
    opened(browser, site)
    ActionChains(browser.driver).send_keys(Keys.TAB).perform()
    assert browser.driver.switch_to.active_element.text == "Skip to the content"
    ActionChains(browser.driver).send_keys(Keys.ENTER, Keys.TAB).perform()
    at = browser.driver.switch_to.active_element
    assert at.find_element(By.XPATH, "ancestor::article")
    # The focus stays where it was when the page is refreshed, and what was opened stays open.
    browser.run("document.querySelector('details').open = true; document.querySelector('summary').focus(); window.before = document.querySelector('main')")
    refresh(browser)
    wait(lambda: browser.run("return document.querySelector('main') !== window.before"), what="it is refreshed")
    assert browser.driver.switch_to.active_element.tag_name == "summary"
    assert browser.run("return document.querySelector('details').open")


def test_without_javascript(browser, site):
    browser.cdp("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened(browser, site)
        assert "You: end the app by hand" in browser.driver.find_element(By.TAG_NAME, "main").text
        assert not browser.driver.find_element(By.ID, "stale").is_displayed()
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)


def test_it_follows_what_happens(browser, site):
    """Last: the hang ends, and then the daemon does."""
    browser.look()
    opened(browser, site)
    assert "Stage 7 of load-prices hangs" in browser.text()
    site.hung.close()
    site.master.end("app-1")
    wait(lambda: refresh(browser) or "1 incident is open" in browser.text(), what="its end is shown")
    assert "load-prices" not in browser.text() and browser.driver.title.startswith("1 incident is open")
    assert not browser.console()
    site.daemon.child.terminate()
    site.daemon.child.wait(10)
    wait(lambda: refresh(browser) or "stagewatchd does not answer" in browser.text(), what="that it is old is said")
    assert "1 incident is open" in browser.text()
