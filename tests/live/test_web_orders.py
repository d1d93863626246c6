# SPDX-License-Identifier: Apache-2.0
"""Orders by the forms of the pages, over HTTP: who is refused, and what the ledger keeps."""
import base64
import http.client
import re
import sqlite3
import ssl
import urllib.parse

from fakes import Driver
from harness import Daemon, driver_section, wait
from test_client_cert import make
from test_web import USERS, Guarded, signed


def ask(d, path="/", user=None, fields=None, method=None, **headers):
    """Status and text. A form is posted as a browser does, unless headers say otherwise."""
    c = http.client.HTTPConnection("127.0.0.1", d.port(), timeout=30)
    sent = {"Authorization": "Basic " + base64.b64encode(f"{user}:opensesame".encode()).decode()} if user else {}
    if fields is not None:
        sent |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{d.port()}", "Sec-Fetch-Site": "same-origin"}
    sent = {k: v for k, v in (sent | {k.replace("_", "-"): v for k, v in headers.items()}).items() if v}
    try:
        c.request(method or ("GET" if fields is None else "POST"), path, urllib.parse.urlencode(fields) if fields is not None else None, sent)
        answer = c.getresponse()
        return answer.status, answer.read().decode()
    finally:
        c.close()


def token(d, user):
    return re.search('name="token" value="([^"]*)"', ask(d, user=user)[1]).group(1)


def test_who_may_order(binary, tmp_path, started):
    driver = started(Driver)
    pause = {"reason": "they deploy", "seconds": "7200"}
    with Guarded(binary, tmp_path, driver, USERS, "operators = alice\n") as d:
        (tmp_path / "state").mkdir(exist_ok=True)
        wait(lambda: "\"hung\"" in ask(d, "/api/v1/stages", "alice")[1], "it hangs")
        own = token(d, "alice")
        good = {**pause, "token": own}
        assert "<form" not in ask(d, "/", "bob")[1]
        refused = [
            (401, "", {"user": None}),
            (403, "this user may read only", {"user": "bob"}),
            (403, "neither the host that was asked", {"Origin": "https://evil.example"}),
            (403, "neither the host that was asked", {"Origin": "null"}),
            (403, "no Origin and no Referer", {"Origin": None}),
            (403, "another site has sent it", {"Sec_Fetch_Site": "cross-site"}),
            (403, "has no token", {"fields": pause}),
            (403, "not one that this daemon has made", {"fields": {**pause, "token": own[:-1] + ("0" if own[-1] != "0" else "1")}}),
            (403, "not one that this daemon has made", {"fields": {**pause, "token": "1" + own}}),
            (405, "", {"method": "GET", "fields": None, "path": f"/orders/pause?token={own}&reason=x&seconds=60"}),
            (405, "", {"path": "/api/v1/pause"}),
            (413, "", {"fields": {**good, "more": "x" * 5000}}),
        ]
        for status, words, how in refused:
            got = ask(d, **{"path": "/orders/pause", "user": "alice", "fields": good, **how})
            assert got[0] == status and words in got[1], (how, got)
        assert len(d.lines("Refused /orders/pause to ")) == 1  # of many one now and then
        assert "Paused</dt><dd>no" in ask(d, "/", "alice")[1]
        # One that may.
        status, text = ask(d, "/orders/pause", "alice", good)
        assert status == 200 and "Next: No new action begins" in text
        number = re.search('href="incidents/([^"]*)"', ask(d, "/", "alice")[1]).group(1)
        assert ask(d, "/orders/ack", "alice", {"token": own, "incident": number})[0] == 200
        assert ask(d, "/orders/kill", "alice", {"token": own, "app": "app-1"})[0] == 409
        assert d.lines(f"Incident {number}: user alice (127.0.0.1) said that somebody looks after it")
        ledger = sqlite3.connect(f"file:{tmp_path}/state/ledger.db?mode=ro", uri=True)
        wait(lambda: "user alice (127.0.0.1)" in "".join(ledger.iterdump()), "the ledger has who")
        dump = "\n".join(ledger.iterdump())
        assert "they deploy" in dump and dump.count("user alice (127.0.0.1)") >= 2
        assert own not in dump and own not in d.log()
        # Whoever is no operator any more may not, with the token of before.
        d.config.write_text(d.config.read_text().replace("operators = alice", "operators = bob"))
        d.child.send_signal(1)
        wait(lambda: d.lines("The new configuration is in force"), "read anew")
        assert ask(d, "/orders/resume", "alice", {"token": own})[0] == 403
        # Nor while the file of users is of no use: those of before stay, the operators are the new ones.
        assert "<form" in ask(d, "/", "bob")[1]
        d.replace("nothing: 1\n")
        d.config.write_text(d.config.read_text().replace("operators = bob", "operators = alice"))
        d.child.send_signal(1)
        wait(lambda: len(d.lines("The new configuration is in force")) == 2, "read anew")
        assert "<form" not in ask(d, "/", "bob")[1] and "<form" in ask(d, "/", "alice")[1]


def test_without_users_it_says_what_to_set(binary, tmp_path, started):
    with Daemon(binary, tmp_path, driver_section("one", started(Driver))) as d:
        status, text = ask(d, "/orders/pause", fields={"reason": "x", "seconds": "60", "token": "1.a"})
        assert status == 403 and "[web] config_file" in text and "[web] operators" in text
        assert "<form" not in ask(d)[1]


def test_operators_by_their_certificates(binary, tmp_path, started):
    """A name counts where its certificate was verified. A token is for the one name that its page was made for."""
    cert, key = make(tmp_path, "server")
    ca = make(tmp_path, "ca")
    names = {name: signed(tmp_path, name, ca, "extendedKeyUsage=clientAuth") for name in ("alice", "bob")}
    text = (f"tls_server_config:\n  cert_file: {cert}\n  key_file: {key}\n  client_auth_type: RequireAndVerifyClientCert\n"
            f"  client_ca_file: {ca[0]}\n")
    with Guarded(binary, tmp_path, started(Driver), text, "operators = alice\n") as d:
        def by(name, path="/", fields=None):
            context = ssl.create_default_context(cafile=cert)
            context.load_cert_chain(*names[name])
            c = http.client.HTTPSConnection("127.0.0.1", d.port(), timeout=30, context=context)
            sent = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"https://127.0.0.1:{d.port()}"} if fields else {}
            try:
                c.request("POST" if fields else "GET", path, urllib.parse.urlencode(fields) if fields else None, sent)
                answer = c.getresponse()
                return answer.status, answer.read().decode()
            finally:
                c.close()

        wait(lambda: "\"hung\"" in by("bob", "/api/v1/stages")[1], "it hangs")
        assert "<form" not in by("bob")[1]
        own = re.search('name="token" value="([^"]*)"', by("alice")[1]).group(1)
        number = re.search('href="incidents/([^"]*)"', by("alice")[1]).group(1)
        orders = (("/orders/ack", {"incident": number}), ("/orders/pause", {"reason": "they deploy", "seconds": "7200"}), ("/orders/resume", {}))
        for path, fields in orders:
            status, words = by("bob", path, {**fields, "token": own})
            assert status == 403 and "this user may read only" in words
            assert by("alice", path, {**fields, "token": own})[0] == 200, path
        assert d.lines(f"Incident {number}: user alice (127.0.0.1) said that somebody looks after it")
        # Both may now, each with a token of its own.
        d.config.write_text(d.config.read_text().replace("operators = alice", "operators = alice\noperators = bob"))
        d.child.send_signal(1)
        wait(lambda: "<form" in by("bob")[1], "bob may, too")
        status, words = by("bob", "/orders/resume", {"token": own})
        assert status == 403 and "not one that this daemon has made for this user" in words
