# SPDX-License-Identifier: Apache-2.0
"""The buttons in a real browser, by a user who may give orders: with a script and without, by mouse and by keyboard."""
import pytest
from chromium import LOGIN, operated
from harness import wait
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from test_pages import refresh, violations

@pytest.fixture(scope="module")
def site(binary, tmp_path_factory):
    made = operated(binary, tmp_path_factory.mktemp("operated"))
    with made.daemon:
        wait(lambda: {"app-1", "app-2"} <= made.incidents().keys() and made.decided(), "both hang")
        yield made
    made.close()


@pytest.fixture(autouse=True)
def logged_in(browser):
    browser.cdp("Network.enable")
    browser.cdp("Network.setExtraHTTPHeaders", headers=LOGIN)
    yield
    browser.cdp("Network.setExtraHTTPHeaders", headers={})
    browser.cdp("Emulation.setScriptExecutionDisabled", value=False)


def opened(browser, site, path="/"):
    browser.console(), browser.requested()
    browser.driver.get(site.url(path.replace("ID", site.incidents()["app-1"])))


def main(browser):
    return browser.run("return document.querySelector('main')?.innerText ?? ''")


def says(browser, *words):
    """The page that comes next."""
    def seen():
        try:
            return all(w in main(browser) for w in words)
        except WebDriverException:
            return False  # the page before is gone, and the next has not begun

    wait(seen, what=str(words))


def button(browser, text):
    return next(b for b in browser.driver.find_elements(By.CSS_SELECTOR, "main button") if b.text.startswith(text))


@pytest.mark.parametrize("path", ["/", "/incidents/ID"])
def test_each_page(browser, axe, site, path):
    for width, height, scheme in ((360, 740, "dark"), (1000, 800, "light")):
        browser.look(width, height, scheme)
        opened(browser, site, path)
        assert not browser.console()
        browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert browser.run("return document.documentElement.scrollWidth") <= width, (path, width)
        assert not violations(browser, axe), (path, scheme)


@pytest.mark.parametrize("script", [True, False])
def test_pause_and_resume(browser, axe, site, script):
    browser.look(360, 740)
    browser.cdp("Emulation.setScriptExecutionDisabled", value=not script)
    opened(browser, site)
    browser.driver.find_element(By.ID, "reason").send_keys("they deploy")
    Select(browser.driver.find_element(By.ID, "seconds")).select_by_visible_text("for 2 hours")
    if script:  # what is being typed is not taken away
        refresh(browser)
    button(browser, "Pause").send_keys(Keys.ENTER)
    says(browser, "Next: No new action begins")
    assert "token" not in browser.driver.current_url
    if script:
        assert not violations(browser, axe)
        refresh(browser)
        assert "Next: No new action begins" in main(browser)
        assert not browser.console()
    browser.driver.find_element(By.LINK_TEXT, "to what is open now").click()
    says(browser, "by user alice (127.0.0.1): they deploy")
    button(browser, "Resume").click()
    says(browser, "The pause is over")


@pytest.mark.parametrize("script", [True, False])
def test_an_ending_takes_two_steps(browser, site, script):
    """And says why it is refused: the mode is observe."""
    browser.look(360, 740)
    browser.cdp("Emulation.setScriptExecutionDisabled", value=not script)
    opened(browser, site, "/incidents/ID")
    for words in ("End it and run its task again", "End it"):
        opened(browser, site, "/incidents/ID")
        step = next(s for s in browser.driver.find_elements(By.CSS_SELECTOR, ".orders summary") if s.text.startswith(words + " ..."))
        inner = step.find_element(By.XPATH, "..").find_element(By.TAG_NAME, "button")
        assert not browser.run("return arguments[0].checkVisibility()", inner)
        step.click()
        assert "This ends app-1" in step.find_element(By.XPATH, "..").text
        inner.click()
        says(browser, "Nothing was done", "Refused: ", "observe")


def test_an_order_that_is_open_stays_where_it_is(browser, site):
    """Its place may be another incident's in the next page."""
    browser.look(1000, 800)
    opened(browser, site)
    browser.run("window.before = document.querySelector('main')")
    step = browser.driver.find_element(By.CSS_SELECTOR, ".orders summary")
    step.click()
    refresh(browser)
    wait(lambda: "An order is open here" in browser.text(), what="it says why it is not renewed")
    assert browser.run("return document.querySelector('main') === window.before")
    step.click()
    browser.run("document.activeElement.blur()")
    refresh(browser)
    wait(lambda: browser.run("return document.querySelector('main') !== window.before"), what="it is renewed")
    assert not browser.run("return document.querySelector('.orders details[open]')") and "An order is open here" not in browser.text()


def test_marks(browser, axe, site):
    browser.look(1000, 800)
    opened(browser, site, "/incidents/ID")
    button(browser, "I look after it").click()
    says(browser, "You look after it")
    assert not violations(browser, axe)
    browser.driver.find_element(By.LINK_TEXT, "Back to the incident").click()
    says(browser, "Incident ", "user alice (127.0.0.1)")
    assert browser.driver.current_url == site.url(f"/incidents/{site.incidents()['app-1']}")
    button(browser, "It is no hang").click()
    says(browser, "counts as a false alarm")
