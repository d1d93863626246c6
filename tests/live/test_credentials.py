# SPDX-License-Identifier: Apache-2.0
"""Who is asked gets what its section holds, as its files hold it now, and nobody else gets it."""
import base64
import re
import urllib.parse

import pytest
from fakes import Airflow, Driver, Fake, Master
from harness import Daemon, wait


class Gate:
    """Lets in who has the token and the key of the day, and says back what it was shown."""

    pass_token, pass_key, refusal = "tok-first", "key-first", 403

    def answer(self, method, path, headers, body):
        path = re.sub(r"^http://[^/]*", "", path)
        if headers.get("Authorization") != f"Bearer {self.pass_token}" or headers.get("X-Gate") != self.pass_key:
            return self.refusal, f"not {headers.get('Authorization')} {headers.get('X-Gate')}"
        return super().answer(method, path, headers, body)


class GatedDriver(Gate, Driver):
    pass


class GatedMaster(Gate, Master):
    pass


class GatedAirflow(Gate, Airflow):
    """Of which the gate alone asks who it is."""

    def answer(self, method, path, headers, body):
        if not self.tokens:
            self.tokens.append(self.pass_token)
        return super().answer(method, path, headers, body)


class Issuer(Fake):
    """A server that gives tokens to the one client it knows (RFC 6749, 4.4)."""

    n = 0

    def answer(self, method, path, headers, body):
        known = "Basic " + base64.b64encode(b"me%3A:s3%26cret").decode()
        form = urllib.parse.parse_qs(body)
        shown = form.get("client_id") == ["me:"] and form.get("client_secret") == ["s3&cret"]
        if method != "POST" or path != "/token" or form.get("grant_type") != ["client_credentials"] or form.get("scope") != ["a b"]:
            return 400, {"error": "invalid_request"}
        if headers.get("Authorization") != known and not shown:
            return 401, {"error": "invalid_client", "error_description": f"{body} {headers.get('Authorization')}"}
        self.n += 1
        return 200, {"access_token": f"tok-{self.n}", "token_type": "Bearer", "expires_in": 3600}


class Hook(Fake):
    def answer(self, method, path, headers, body):
        return 200, "{}"


class GatedHook(Gate, Hook):
    pass


def write(path, text):
    path.touch(0o600)
    path.write_text(text)


def hold(directory, token, key):
    write(directory / "token", f"{token}\n")
    write(directory / "key", f"# of the day\nX-Gate: {key}\n")
    return f"bearer_token_file = {directory}/token\nheader_file = {directory}/key\n"


def test_files_are_read_again(binary, tmp_path, started):
    keys = hold(tmp_path, "tok-first", "key-first")
    driver, airflow, hook = started(GatedDriver), started(GatedAirflow), started(GatedHook)
    other = started(Driver, "app-2")
    sections = (f"[spark s]\nurl = {driver.url}\ntimeout = 1s\n{keys}[spark other]\nurl = {other.url}\n"
                f"[airflow main]\nurl = {airflow.url}\n{keys}[notify hook]\nurl = {hook.url}\non = hung\n{keys}")
    with Daemon(binary, tmp_path, sections) as d:
        wait(lambda: d.metric("stagewatch_airflow_up", airflow="main") == 1, "Airflow takes the token")
        wait(lambda: d.verdicts().get(("app-1", 7)) == "hung", "it is watched")
        wait(lambda: d.metric("stagewatch_notifications_total", notify="hook", result="delivered") or hook.requests, "it is told")
        assert not airflow.asked("POST", "/auth/token")
        for fake in (driver, airflow, hook):
            fake.pass_token, fake.pass_key = "tok-other", "key-other"
        wait(lambda: d.lines("answered 403"), "the old ones are refused")
        hold(tmp_path, "tok-other", "key-other")
        d.polls_go_on(driver)
        wait(lambda: d.metric("stagewatch_up", spark_cluster="s") == 1, "the new ones are taken")
        (tmp_path / "token").unlink()
        wait(lambda: d.metric("stagewatch_poll_errors_total", spark_cluster="s", reason="credentials"), "it is counted")
        assert d.lines(f"{tmp_path}/token: No such file")
        for secret in ("tok-", "key-first", "key-other"):
            assert secret not in d.log()
    assert all("Authorization" not in r[3] and "X-Gate" not in r[3] for r in other.requests)


def test_nobody_else_gets_it(binary, tmp_path, started):
    """A driver that a master names was chosen by an application."""
    master, driver = started(GatedMaster), started(Driver)
    master.add(driver)
    with Daemon(binary, tmp_path, f"[spark m]\ntype = standalone\nurl = {master.url}\n{hold(tmp_path, 'tok-first', 'key-first')}") as d:
        wait(lambda: ("app-1", 7) in d.verdicts(), "it is watched")
    assert driver.requests
    assert all("Authorization" not in r[3] and "X-Gate" not in r[3] for r in driver.requests)


def test_proxy(binary, tmp_path, started):
    """Names that only the proxy knows, and one that is reached without it. The drivers of a master go through it, too."""
    proxy, airflow, direct = started(GatedDriver), started(GatedAirflow), started(Driver, "app-2")
    keys = hold(tmp_path, "tok-first", "key-first")
    sections = (f"[spark s]\nurl = http://driver.invalid:4040\n{keys}proxy = {proxy.url}\n"
                f"[spark direct]\nurl = {direct.url}\nproxy = http://127.0.0.1:9\nno_proxy = other.example\nno_proxy = 127.0.0.1\n"
                f"[airflow main]\nurl = http://airflow.invalid/base\n{keys}proxy = {airflow.url}\n")
    with Daemon(binary, tmp_path, sections) as d:
        wait(lambda: {("app-1", 7), ("app-2", 7)} <= set(d.verdicts()), "all are watched")
        wait(lambda: airflow.requests, "Airflow is asked")
    assert all(r[2].startswith("http://driver.invalid:4040/") for r in proxy.requests)
    assert all(r[2].startswith("http://airflow.invalid/base/") for r in airflow.requests)


@pytest.mark.parametrize("way", ["basic", "post"])
def test_a_client_gets_tokens(way, binary, tmp_path, started):
    """One token for many requests, another one when it is refused; whoever gets none is told, with no secret."""
    issuer, driver, airflow = started(Issuer), started(GatedDriver), started(GatedAirflow)
    driver.pass_key = airflow.pass_key = None
    driver.pass_token = airflow.pass_token = "tok-1"
    write(tmp_path / "secret", "wrong-s3cret\n")
    keys = (f"token_url = {issuer.url}/token\nclient_id = me:\nclient_secret_file = {tmp_path}/secret\nscope = a b\n"
            f"client_auth = {way}\n")
    with Daemon(binary, tmp_path, f"[spark s]\nurl = {driver.url}\n{keys}[airflow main]\nurl = {airflow.url}\n{keys}") as d:
        wait(lambda: d.lines("token_url") and d.lines("answered 401: invalid_client"), "the wrong secret is told")
        assert not driver.requests
        write(tmp_path / "secret", "s3&cret\n")
        wait(lambda: d.metric("stagewatch_up", spark_cluster="s") == 1, "the driver is asked")
        wait(lambda: airflow.asked("GET", "/dags"), "Airflow is asked")
        d.polls_go_on(driver)
        assert issuer.n == 1
        driver.pass_token, driver.refusal = "tok-2", 401
        d.polls_go_on(driver)
        wait(lambda: issuer.n == 2, "another token is asked for")
        wait(lambda: d.metric("stagewatch_up", spark_cluster="s") == 1, "it is taken")
        for secret in ("wrong-s3cret", "s3&cret", "s3%26cret", "tok-1", "tok-2"):
            assert secret not in d.log()
