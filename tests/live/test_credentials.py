# SPDX-License-Identifier: Apache-2.0
"""Who is asked gets what its section holds, as its files hold it now, and nobody else gets it."""
import re

from fakes import Airflow, Driver, Fake, Master
from harness import Daemon, wait


class Gate:
    """Lets in who has the token and the key of the day, and says back what it was shown."""

    pass_token, pass_key = "tok-first", "key-first"

    def answer(self, method, path, headers, body):
        path = re.sub(r"^http://[^/]*", "", path)
        if headers.get("Authorization") != f"Bearer {self.pass_token}" or headers.get("X-Gate") != self.pass_key:
            return 403, f"not {headers.get('Authorization')} {headers.get('X-Gate')}"
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
        wait(lambda: d.metric("stagewatch_airflow_up", airflow="main") == 1, 15, "Airflow takes the token")
        wait(lambda: d.verdicts().get(("app-1", 7)) == "hung", 30, "it is watched")
        wait(lambda: d.metric("stagewatch_notifications_total", notify="hook", result="delivered") or hook.requests, 15, "it is told")
        assert not airflow.asked("POST", "/auth/token")
        for fake in (driver, airflow, hook):
            fake.pass_token, fake.pass_key = "tok-other", "key-other"
        wait(lambda: d.lines("answered 403"), 15, "the old ones are refused")
        hold(tmp_path, "tok-other", "key-other")
        d.polls_go_on(driver)
        wait(lambda: d.metric("stagewatch_up", spark_cluster="s") == 1, 15, "the new ones are taken")
        (tmp_path / "token").unlink()
        wait(lambda: d.metric("stagewatch_poll_errors_total", spark_cluster="s", reason="credentials"), 15, "it is counted")
        assert d.lines(f"{tmp_path}/token: No such file")
        for secret in ("tok-", "key-first", "key-other"):
            assert secret not in d.log()
    assert all("Authorization" not in r[3] and "X-Gate" not in r[3] for r in other.requests)


def test_nobody_else_gets_it(binary, tmp_path, started):
    """A driver that a master names was chosen by an application."""
    master, driver = started(GatedMaster), started(Driver)
    master.add(driver)
    with Daemon(binary, tmp_path, f"[spark m]\ntype = standalone\nurl = {master.url}\n{hold(tmp_path, 'tok-first', 'key-first')}") as d:
        wait(lambda: ("app-1", 7) in d.verdicts(), 15, "it is watched")
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
        wait(lambda: {("app-1", 7), ("app-2", 7)} <= set(d.verdicts()), 15, "all are watched")
        wait(lambda: airflow.requests, 15, "Airflow is asked")
    assert all(r[2].startswith("http://driver.invalid:4040/") for r in proxy.requests)
    assert all(r[2].startswith("http://airflow.invalid/base/") for r in airflow.requests)
