# SPDX-License-Identifier: Apache-2.0
"""Kerberos, with a real KDC and an Apache that wants a ticket for each request."""
import contextlib
import os
import signal

import kdc
import pytest
from fakes import Driver, ResourceManager
from harness import Daemon, wait, yarn_section
from scene import OWNER

pytestmark = [pytest.mark.lengthy,
              pytest.mark.skipif(not kdc.is_there(), reason="no KDC, or no Apache with mod_auth_gssapi: tests/setup test")]


@pytest.fixture
def kerberos(tmp_path):
    """A KDC, and what puts an Apache before a URL. They end with the test, whatever has begun."""
    with contextlib.ExitStack() as running:
        def guard(url, name="apache"):
            apache = kdc.Apache(tmp_path, real, url, name)
            running.callback(apache.stop)
            return apache
        real = kdc.Kdc(tmp_path)
        running.callback(real.stop)
        yield real, guard


@pytest.fixture
def realm(kerberos, started):
    real, guard = kerberos
    return real, guard(started(Driver).url)


def section(name, apache, **keys):
    return f"[spark {name}]\nurl = {apache.url}\nauth = negotiate\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())


def test_tickets(binary, tmp_path, started, realm):
    """By a keytab, and by a cache that somebody else fills. While the KDC is silent, whoever needs it waits, and nobody else."""
    real, apache = realm
    plain = started(Driver, "app-2")
    real.run("kinit", "-k", "-t", tmp_path / "watcher.keytab", "-c", tmp_path / "cache", "watcher")
    os.kill(real.child.pid, signal.SIGSTOP)
    sections = (section("keys", apache, keytab=tmp_path / "watcher.keytab", principal=f"watcher@{kdc.REALM}")
                + section("cache", apache, credential_cache=tmp_path / "cache")
                + section("other", apache, keytab=tmp_path / "other.keytab")
                + section("none", apache, keytab=tmp_path / "missing.keytab")
                + f"[spark plain]\nurl = {plain.url}\n")
    with Daemon(binary, tmp_path, sections, env=real.env) as d:
        d.polls_go_on(plain, n=5)
        assert d.metric("stagewatch_up", spark_cluster="keys") != 1 and not apache.users()
        os.kill(real.child.pid, signal.SIGCONT)
        for name in ("keys", "cache"):
            wait(lambda: d.metric("stagewatch_up", spark_cluster=name) == 1, f"{name} is let in")
        wait(lambda: d.metric("stagewatch_poll_errors_total", spark_cluster="other", reason="http_status"), "the other user is not")
        wait(lambda: d.metric("stagewatch_poll_errors_total", spark_cluster="none", reason="credentials"), "nobody is not")
        assert d.lines(f"could not be asked: Kerberos: no ticket by FILE:{tmp_path}/missing.keytab: ")
        asked = len(apache.users())
        wait(lambda: len(apache.users()) > asked + 10, "it goes on")
        # Tickets are kept: each identity got but few for its many requests.
        assert real.issued(f"HTTP/localhost@{kdc.REALM}") <= 12
    assert {user for user, status in apache.users() if status == "200"} == {f"watcher@{kdc.REALM}"}


def test_helper_ends_with_the_daemon(binary, tmp_path, started, realm):
    real, apache = realm
    with Daemon(binary, tmp_path, section("keys", apache, keytab=tmp_path / "watcher.keytab"), env=real.env) as d:
        wait(lambda: d.metric("stagewatch_up", spark_cluster="keys") == 1, "it is let in")
        children = f"/proc/{d.child.pid}/task/{d.child.pid}/children"
        with open(children) as f:
            helper = int(f.read().split()[0])
        os.kill(helper, signal.SIGKILL)
        wait(lambda: d.metric("stagewatch_poll_errors_total", spark_cluster="keys", reason="credentials"), "it is told")
        wait(lambda: d.metric("stagewatch_up", spark_cluster="keys") == 1, "another one runs")
        with open(children) as f:
            helper = int(f.read().split()[0])
        d.child.kill()
        d.child.wait(10)
        d.child.returncode = 0
        wait(lambda: not os.path.exists(f"/proc/{helper}"), "the helper has ended")


def test_a_standby_redirects(binary, tmp_path, started, kerberos):
    """Two ResourceManagers that want a ticket: the active one is asked at its configured address, wherever the redirect leads."""
    real, guard = kerberos
    standby, active, driver = started(ResourceManager), started(ResourceManager), started(Driver, "application_1795400114925_0001", OWNER)
    active.add(driver)
    standby.active = active
    doors = [guard(rm.url, name) for rm, name in ((standby, "rm1"), (active, "rm2"))]
    keys = f"auth = negotiate\nkeytab = {tmp_path}/watcher.keytab\nprincipal = watcher@{kdc.REALM}\n"
    with Daemon(binary, tmp_path, yarn_section("y", *doors, timeout="5s", more=keys), env=real.env) as d:
        wait(lambda: d.metric("stagewatch_apps", spark_cluster="y") == 1, "the app is seen")
        assert d.metric("stagewatch_up", spark_cluster="y") == 1
        asked = len(active.requests)
        wait(lambda: len(active.requests) > asked + 5, "it goes on")
    assert standby.requests and all("X-Forwarded-For" in r[3] for r in active.requests)
    for door in doors:
        assert {user for user, status in door.users() if status != "401"} == {f"watcher@{kdc.REALM}"}
