# SPDX-License-Identifier: Apache-2.0
"""The door that others come in by: where it listens, TLS, who is let in."""
import base64
import http.client
import json
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest
from fakes import Driver, free_port
from harness import Daemon, driver_section, wait
from test_client_cert import ends, make

# Of "opensesame", at the least cost that there is.
HASH = "$2y$04$abcdefghijklmnopqrstuuFuhxWRTXIsURoluSTZ1N4tYaWGn9oOi"
USERS = f"basic_auth_users:\n  alice: {HASH}\n  bob: {HASH}\n"


class Guarded(Daemon):
    """A daemon with a web configuration file."""

    def __init__(self, binary, directory, driver, text, more=""):
        super().__init__(binary, directory, driver_section("one", driver))
        self.web = directory / "web.yml"
        self.web.write_text(text)
        self.config.write_text(self.config.read_text().replace("listen = 127.0.0.1:0\n", f"listen = 127.0.0.1:0\nconfig_file = {self.web}\n{more}"))

    def secrets(self):
        return [*super().secrets(), "opensesame", "abcdefghijkl", "PRIVATE KEY"]

    def status(self, path="/", **more):
        """What a request is answered with; None: there is no connection."""
        return self.answer(path, **more)[0]

    def answer(self, path, user=None, ca=None, client=None, source="127.0.0.1", **options):
        """Its status and its body."""
        context = None
        if ca:
            context = ssl.create_default_context(cafile=ca)
            for name, value in options.items():
                setattr(context, name, value)
            if client:
                context.load_cert_chain(*client)
        kind, more = (http.client.HTTPSConnection, {"context": context}) if ca else (http.client.HTTPConnection, {})
        c = kind("127.0.0.1", self.port(), timeout=30, source_address=(source, 0), **more)
        headers = {"Authorization": "Basic " + base64.b64encode(user.encode()).decode()} if user else {}
        try:
            c.request("GET", path, headers=headers)
            got = c.getresponse()
            return got.status, got.read().decode()
        except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
            return None, ""
        finally:
            c.close()

    def replace(self, text):
        """Writes the file anew, and waits until it was looked at."""
        had = len(self.lines("is in force")) + len(self.lines("stays in force"))
        self.web.write_text(text)
        wait(lambda: len(self.lines("is in force")) + len(self.lines("stays in force")) > had, what="it was read again")


def get(url):
    with urllib.request.urlopen(url, timeout=10) as r:
        return r.read().decode()


def test_several_addresses_are_served(binary, tmp_path, started):
    d = Daemon(binary, tmp_path, driver_section("one", started(Driver)))
    d.config.write_text(d.config.read_text().replace("listen = 127.0.0.1:0\n", "listen = 127.0.0.1:0\nlisten = 127.0.0.2:0\n"))
    with d:
        wait(lambda: len(d.lines("Listening on ")) == 2, what="it listens twice")
        for host, port in re.findall(r"Listening on (127\.0\.0\.\d):0, port (\d+)", d.log()):
            assert "healthy" in get(f"http://{host}:{port}/-/healthy")
        assert not d.lines("reaches beyond")


def by_name(d, host, path="/api/v1/stages"):
    try:
        status, _, body = d.fetch(path, headers={"Host": host})
        return status, body.decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def test_a_page_of_another_site_reads_nothing(binary, tmp_path, started):
    """By a name of its own that leads here. Where others may come in anyway, a name is any name."""
    with Daemon(binary, tmp_path, driver_section("one", started(Driver))) as d:
        for path in ("/", "/metrics", "/api/v1/stages"):
            status, text = by_name(d, f"evil.example:{d.port()}", path)
            assert status == 421 and "external_url" in text and "app-1" not in text
        assert by_name(d, "evil.example", "/-/healthy")[0] == 200
        for host in (f"localhost:{d.port()}", "127.0.0.1", "[::1]"):
            assert by_name(d, host)[0] == 200
        text = d.config.read_text()
        d.config.write_text(text.replace("listen = 127.0.0.1:0\n", "listen = 127.0.0.1:0\nexternal_url = https://sw.example/hangs\n"))
        d.child.send_signal(signal.SIGHUP)
        wait(lambda: by_name(d, "sw.example")[0] == 200, "it is ours now")
        assert by_name(d, "evil.example")[0] == 421
    d.logfile.unlink()
    d.config.write_text(text.replace("listen = 127.0.0.1:0\n", "listen = :0\n"))
    with d:
        assert by_name(d, "stagewatchd.spark.svc:14040")[0] == 200


def test_sockets_of_systemd_take_the_place_of_listen(binary, tmp_path, started):
    """systemd-socket-activate listens, and begins the daemon once somebody connects: whose request is answered."""
    d = Daemon(binary, tmp_path, driver_section("one", started(Driver)))
    port = free_port()
    with open(d.logfile, "ab") as log:
        activator = subprocess.Popen(["systemd-socket-activate", "-l", f"127.0.0.1:{port}", str(binary), "--config", str(d.config)],
                                     stdout=log, stderr=log)
    try:
        wait(lambda: "Listening on" in d.log(), what="systemd-socket-activate listens")
        assert "healthy" in get(f"http://127.0.0.1:{port}/-/healthy")
        assert len(d.lines(f"in place of [web] listen, port {port}")) == 1
        assert not d.lines("Listening on 127.0.0.1:0, port")
    finally:
        activator.send_signal(signal.SIGTERM)  # it has become the daemon
        assert activator.wait(10) == 0


def test_beyond_this_host_it_says_who_can_read(binary, tmp_path, started):
    d = Daemon(binary, tmp_path, driver_section("one", started(Driver)))
    d.config.write_text(d.config.read_text().replace("listen = 127.0.0.1:0\n", "listen = :0\n"))
    with d:
        wait(lambda: d.lines("asks nobody who they are"), what="it warns")
    d = Guarded(binary, tmp_path, started(Driver), USERS)
    d.config.write_text(d.config.read_text().replace("listen = 127.0.0.1:0\n", "listen = 0.0.0.0:0\n"))
    with d:
        wait(lambda: d.lines("passwords are sent in the clear"), what="it warns")
        # A reload that takes the users away says so, too.
        was = len(d.lines("asks nobody who they are"))
        d.config.write_text(d.config.read_text().replace(f"config_file = {d.web}\n", ""))
        d.child.send_signal(signal.SIGHUP)
        wait(lambda: len(d.lines("asks nobody who they are")) > was, what="it warns of it")


def test_users(binary, tmp_path, started):
    with Guarded(binary, tmp_path, started(Driver), USERS, "operators = alice\n") as d:
        assert [d.status(path) for path in ("/", "/metrics", "/api/v1/status", "/style.css", "/nothing")] == [401] * 5
        # A prober has no password.
        assert d.status("/-/healthy") == 200
        for _ in range(2):  # the second time from memory
            assert [d.status(user=user) for user in ("alice:opensesame", "bob:opensesame")] == [200, 200]
            assert [d.status(user=user) for user in ("alice:wrong", "alice:", ":opensesame", "carol:opensesame", "alice:opensesame\0", "alice", "ali\0ce:opensesame")] == [401] * 7
        request = urllib.request.Request(f"http://127.0.0.1:{d.port()}/")
        with pytest.raises(urllib.error.HTTPError) as e:
            urllib.request.urlopen(request, timeout=10)
        assert e.value.headers["WWW-Authenticate"] == 'Basic realm="stagewatchd", charset="UTF-8"'
        # Who is taken out is out, and whose hash is another one needs its password.
        d.replace(f"basic_auth_users:\n  bob: {HASH}\n")
        assert [d.status(user=user) for user in ("alice:opensesame", "bob:opensesame")] == [401, 200]
        # A file with a fault changes nothing, and is told.
        d.replace("basic_auth_users:\n  bob: opensesame\n")
        assert d.lines(f"{d.web}:2: bob: not a hash of bcrypt")
        assert [d.status(user=user) for user in ("alice:opensesame", "bob:opensesame")] == [401, 200]
        d.replace(f"{USERS}rate_limit:\n  interval: 1h\n  burst: 3\n")
        assert [d.status(user="alice:opensesame") for _ in range(5)] == [200, 200, 200, 429, 429]


def test_without_descriptors_it_is_read_later(binary, tmp_path, started):
    """The file as it is comes into force once there are some again: nobody has to touch it."""
    with Guarded(binary, tmp_path, started(Driver), USERS) as d:
        assert d.status(user="bob:opensesame") == 200
        was = resource.prlimit(d.child.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(d.child.pid, resource.RLIMIT_NOFILE, (3, was[1]))
        d.replace(f"basic_auth_users:\n  alice: {HASH}\n")
        assert d.lines(f"{d.web}: Too many open files") and d.lines("stays in force, trying again")
        resource.prlimit(d.child.pid, resource.RLIMIT_NOFILE, was)
        wait(lambda: d.status(user="bob:opensesame") == 401, what="it is read")
        assert d.status(user="alice:opensesame") == 200
        assert len(d.lines("stays in force")) == 1


def test_a_flood_of_passwords_delays_nobody(binary, tmp_path, started):
    """Each costs a hash, one at a time, and few may wait: the others are turned away, and polling goes on. Who was known stays so."""
    driver = started(Driver)
    slow = HASH.replace("$04$", "$12$")
    with Guarded(binary, tmp_path, driver, f"basic_auth_users:\n  alice: {HASH}\n  bob: {slow}\n") as d:
        assert d.status(user="alice:opensesame") == 200
        got = []
        # Of one address there are 16 connections at most.
        guesses = [threading.Thread(target=lambda i=i: got.append(d.status(user=f"bob:{i}", source=f"127.0.0.{2 + i % 3}"))) for i in range(40)]
        for t in guesses:
            t.start()
        assert d.status(user="alice:opensesame") == 200
        d.polls_go_on(driver)
        wait(lambda: 503 in got, what="some are turned away")
    # It ends at once, whoever waits.
    for t in guesses:
        t.join(60)
    assert set(got) <= {401, 503, None}


def test_tls(binary, tmp_path, started):
    cert, key = make(tmp_path, "server")
    text = f"tls_server_config:\n  cert_file: {cert.name}\n  key_file: {key}\n"
    v12, v13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    with Guarded(binary, tmp_path, started(Driver), text) as d:
        assert d.status(ca=cert, minimum_version=v13) == 200
        assert d.status(ca=cert, maximum_version=v12) == 200
        assert d.status() is None
        old = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{d.port()}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], input="",
                             capture_output=True, text=True, timeout=30)
        assert old.returncode != 0 and "Cipher is (NONE)" in old.stdout
        context = ssl.create_default_context(cafile=cert)
        with urllib.request.urlopen(f"https://127.0.0.1:{d.port()}/metrics", context=context, timeout=10) as r:
            metrics = r.read().decode()
        assert f'stagewatch_credential_expiry_timestamp_seconds{{kind="certificate",file="{cert}"}} {ends(cert)}' in metrics
        # A certificate that comes in its place, for who connects then.
        other, other_key = make(tmp_path, "other")
        shutil.copy(other_key, tmp_path / "next")
        (tmp_path / "next").rename(key)
        other.rename(cert)
        wait(lambda: d.status(ca=cert) == 200, what="the other certificate is shown")
        # One that does not belong to the key is not.
        make(tmp_path, "third")[0].rename(tmp_path / "third.crt")
        was = cert.read_text()
        cert.write_text((tmp_path / "third.crt").read_text())
        wait(lambda: d.lines("stays in force"), what="it is refused")
        (tmp_path / "was.pem").write_text(was)
        assert d.status(ca=tmp_path / "was.pem") == 200
        cert.write_text(was)
        # Versions and ciphers.
        d.replace(f"{text}  min_version: TLS13\n")
        assert d.status(ca=cert, maximum_version=v12) is None
        assert d.status(ca=cert) == 200
        d.replace(f"{text}  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n")
        assert d.status(ca=cert, minimum_version=v13) is None
        context.maximum_version = v12
        context.load_verify_locations(cert)
        with context.wrap_socket(socket.create_connection(("127.0.0.1", d.port())), server_hostname="127.0.0.1") as s:
            assert s.cipher()[0] == "ECDHE-RSA-AES256-GCM-SHA384"
        # Without TLS, and with it again, at the same port.
        d.replace("http_server_config: {headers: {X-Frame-Options: deny}}\n")
        with urllib.request.urlopen(f"http://127.0.0.1:{d.port()}/", timeout=10) as r:
            assert r.headers["X-Frame-Options"] == "deny"
        d.replace(text)
        assert d.status(ca=cert) == 200 and d.status() is None


def signed(directory, name, ca, *more):
    """A certificate for a client, signed by ca."""
    cert, key, csr = (directory / f"{name}{end}" for end in (".pem", "-key.pem", ".csr"))
    subprocess.run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", csr], check=True,
                   capture_output=True)
    (directory / "ext").write_text("\n".join(["basicConstraints=CA:FALSE", *more]))
    subprocess.run(["openssl", "x509", "-req", "-in", csr, "-CA", ca[0], "-CAkey", ca[1], "-CAcreateserial", "-days", "1", "-extfile",
                    directory / "ext", "-out", cert], check=True, capture_output=True)
    return cert, key


def begin_handshake(port, hello):
    """Whether the server went on with it."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
        try:
            s.sendall(hello)
            return bool(s.recv(1))
        except OSError:
            return False


def test_a_flood_of_handshakes(binary, tmp_path, started):
    """Of one address only so many begin; another is let in, and polling goes on."""
    cert, key = make(tmp_path, "server")
    driver = started(Driver)
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        ssl.create_default_context(cafile=cert).wrap_bio(ssl.MemoryBIO(), out, server_hostname="127.0.0.1").do_handshake()
    hello = out.read()
    with Guarded(binary, tmp_path, driver, f"tls_server_config:\n  cert_file: {cert}\n  key_file: {key}\n") as d:
        wait(lambda: driver.asked("GET", "/stages"), what="it polls")
        begun, n = time.monotonic(), 300
        let_in = sum(begin_handshake(d.port(), hello) for _ in range(n))
        took = time.monotonic() - begun
        assert 20 <= let_in <= 20 + 10 * took + 1
        status, metrics = d.answer("/metrics", ca=cert, source="127.0.0.2")
        assert status == 200
        assert f'stagewatch_web_refused_total{{server="web",reason="handshake"}} {n - let_in}\n' in metrics
        d.polls_go_on(driver)


def test_client_certificates(binary, tmp_path, started):
    cert, key = make(tmp_path, "server")
    ca, stranger = make(tmp_path, "ca"), make(tmp_path, "stranger")
    alice = signed(tmp_path, "alice", ca, "extendedKeyUsage=clientAuth", "subjectAltName=DNS:alice.example.com,IP:10.0.0.1")
    bob = signed(tmp_path, "bob", ca, "extendedKeyUsage=clientAuth", "subjectAltName=DNS:bob.example.com")
    server = signed(tmp_path, "mallory", ca, "extendedKeyUsage=serverAuth")
    eve = signed(tmp_path, "eve", stranger, "extendedKeyUsage=clientAuth")
    text = f"tls_server_config:\n  cert_file: {cert}\n  key_file: {key}\n  client_auth_type: "
    v12 = {"maximum_version": ssl.TLSVersion.TLSv1_2}
    with Guarded(binary, tmp_path, started(Driver), f"{text}RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n") as d:
        for version in ({}, v12):
            assert [d.status(ca=cert, client=c, **version) for c in (alice, bob, None, eve, server, stranger)] == [200, 200] + [None] * 4
        assert d.status("/-/healthy", ca=cert) is None  # there is no request without a handshake
        d.replace(f"{text}RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n  client_allowed_sans: [x, 10.0.0.1]\n")
        assert [d.status(ca=cert, client=c) for c in (alice, bob)] == [200, None]
        d.replace(f"{text}VerifyClientCertIfGiven\n  client_ca_file: ca.pem\n")
        assert [d.status(ca=cert, client=c) for c in (alice, None, eve)] == [200, 200, None]
        d.replace(f"{text}RequireAnyClientCert\n")
        assert [d.status(ca=cert, client=c) for c in (alice, None, eve)] == [200, None, 200]
        # Both: a certificate to connect with, and a password.
        d.replace(f"{text}RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n{USERS}")
        assert d.status(ca=cert, client=alice) == 401
        assert d.status(ca=cert, client=alice, user="bob:opensesame") == 200


def test_the_client_logs_in(binary, tmp_path, started):
    """With a password from a file or a line of input, never of its arguments; to a server that it knows, with a certificate."""
    (cert, key), (_, other_key) = make(tmp_path, "server"), make(tmp_path, "other")
    ca = make(tmp_path, "ca")
    mine, my_key = signed(tmp_path, "alice", ca, "extendedKeyUsage=clientAuth")
    word, wrong = tmp_path / "word", tmp_path / "wrong"
    word.write_text("opensesame\n")
    wrong.write_text("closesesame\n")
    tls = f"tls_server_config:\n  cert_file: {cert}\n  key_file: {key}\n"
    with Guarded(binary, tmp_path, started(Driver), f"{tls}{USERS}") as d:
        def ctl(*options, **more):
            return subprocess.run([f"{d.binary.removesuffix('d')}ctl", "--url", f"https://127.0.0.1:{d.port()}", *map(str, options), "stages"],
                                  capture_output=True, text=True, timeout=30, start_new_session=True, cwd=tmp_path, **more)
        known = ("--ca-file", cert, "--user", "alice")
        wait(lambda: "app-1" in ctl(*known, "--password-file", word).stdout, "it is let in")
        assert "app-1" in ctl(*known, "--password-file", "word").stdout
        assert "app-1" in ctl(*known, input="opensesame\n").stdout
        for status, words, options in ((2, "You need a user", ("--ca-file", cert)), (2, "You need a user", (*known, "--password-file", wrong)),
                                       (2, "nowhere", (*known, "--password-file", tmp_path / "nowhere")),
                                       (2, "certificate", ("--user", "alice", "--password-file", word))):
            done = ctl(*options)
            assert (done.returncode, done.stdout) == (status, "") and words in done.stderr and "sesame" not in done.stderr, done
        d.replace(f"{tls}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {ca[0]}\n")
        assert ctl("--ca-file", cert).returncode == 2
        assert "app-1" in ctl("--ca-file", cert, "--cert", mine, "--key", my_key).stdout
        assert ctl("--ca-file", cert, "--cert", mine, "--key", other_key).returncode == 2


def test_a_file_of_no_use_is_no_start(binary, tmp_path):
    conf, web = tmp_path / "c.conf", tmp_path / "web.yml"
    conf.write_text(f"[daemon]\nstate_dir = {tmp_path}\ncontrol_socket = {tmp_path}/c\n[web]\nlisten = 127.0.0.1:0\nconfig_file = {web}\n")
    cert, key = make(tmp_path, "server")
    for text, said in (("basic_auth_user:\n", f"{web}:1: basic_auth_user: unknown key"),
                       ("tls_server_config:\n  cert_file: none.pem\n  key_file: k\n", f"{tmp_path}/none.pem: No such file"),
                       (f"tls_server_config:\n  cert_file: {key}\n  key_file: {key}\n", "certificate: "),
                       (None, f"{web}: No such file")):
        web.unlink(missing_ok=True)
        if text:
            web.write_text(text)
        for more in ([], ["--check-config"]):
            done = subprocess.run([binary, "--config", conf, *more], capture_output=True, text=True, timeout=30)
            assert done.returncode != 0 and said in done.stderr, done.stderr


@pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is not installed")
def test_prometheus_takes_the_same_file_and_scrapes_with_it(binary, tmp_path, started):
    cert, key = make(tmp_path, "server")
    text = f"tls_server_config:\n  cert_file: {cert.name}\n  key_file: {key.name}\n{USERS}"
    with Guarded(binary, tmp_path, started(Driver), text) as d:
        assert subprocess.run(["promtool", "check", "web-config", d.web], capture_output=True, timeout=30).returncode == 0
        port = free_port()
        (tmp_path / "password").write_text("opensesame")
        (tmp_path / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: stagewatchd\n  scheme: https\n"
            f"  tls_config: {{ca_file: {cert}}}\n  basic_auth: {{username: alice, password_file: {tmp_path}/password}}\n"
            f"  static_configs: [{{targets: ['127.0.0.1:{d.port()}']}}]\n")
        with open(tmp_path / "prometheus.log", "wb") as log:
            child = subprocess.Popen(["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
                                      f"--web.config.file={d.web}", f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)

        def up():
            request = urllib.request.Request(f"https://127.0.0.1:{port}/api/v1/query?query=up", headers={
                "Authorization": "Basic " + base64.b64encode(b"bob:opensesame").decode()})
            try:
                with urllib.request.urlopen(request, timeout=5, context=ssl.create_default_context(cafile=cert)) as r:
                    return [row["value"][1] for row in json.load(r)["data"]["result"]] == ["1"]
            except OSError:
                return False

        try:
            wait(up, "it is scraped")
        finally:
            child.terminate()
            child.wait(20)


def test_gnutls_has_each_suite_and_curve(binary, tmp_path, root):
    cert, key = make(tmp_path, "server")
    names = re.findall(r'\{"(TLS_\w+)", "?', (root / "src/conf/web_ciphers.c").read_text())
    curves = re.findall(r'\{"(X25519|Curve\w+)", ', (root / "src/conf/web_ciphers.c").read_text())
    assert len(names) == 13 and len(curves) == 4
    conf, web = tmp_path / "c.conf", tmp_path / "web.yml"
    conf.write_text(f"[web]\nconfig_file = {web}\n")
    for more in [f"cipher_suites: [{name}]" for name in names if "ECDHE" in name] + [f"curve_preferences: [{name}]" for name in curves] + [
            f"cipher_suites: [{', '.join(names)}]"]:
        web.write_text(f"tls_server_config: {{cert_file: {cert}, key_file: {key}, {more}}}\n")
        done = subprocess.run([binary, "--config", conf, "--check-config"], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, (more, done.stderr)
