# SPDX-License-Identifier: Apache-2.0
"""A client certificate on the wire: a server that wants one, of its own CA."""
import shutil
import ssl
import subprocess

import pytest
from fakes import Driver
from harness import Daemon, wait
from test_scarce import can_mount

OPENSSL = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1")


def make(directory, name):
    """A certificate and its key, which is its own CA."""
    cert, key = directory / f"{name}.pem", directory / f"{name}-key.pem"
    subprocess.run([*OPENSSL, "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True,
                   capture_output=True)
    key.chmod(0o600)
    return cert, key


class Secured(Driver):
    """One that lets in who shows the certificate."""

    def __init__(self, directory):
        self.cert, self.client = make(directory, "server"), make(directory, "client")
        super().__init__()

    def serve(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.cert)
        context.load_verify_locations(self.client[0])
        context.verify_mode = ssl.CERT_REQUIRED
        super().serve()
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.port}"


def once(binary, tmp_path, driver, *lines):
    conf = tmp_path / "c.conf"
    conf.write_text("\n".join(["[spark s]", f"url = {driver.url}", f"ca_file = {driver.cert[0]}", *lines, ""]))
    return subprocess.run([binary, "--config", conf, "--once"], capture_output=True, text=True, timeout=60)


def test_who_shows_it_is_let_in(binary, tmp_path, started):
    driver = started(Secured, tmp_path)
    cert, key = driver.client
    both = tmp_path / "both.pem"
    both.write_text(cert.read_text() + key.read_text())
    for lines in ([f"client_cert_file = {cert}", f"client_key_file = {key}"], [f"client_cert_file = {both}"]):
        assert "app-1" in once(binary, tmp_path, driver, *lines).stdout
    other = make(tmp_path, "other")
    for lines in ([], [f"client_cert_file = {other[0]}", f"client_key_file = {other[1]}"]):
        done = once(binary, tmp_path, driver, *lines)
        assert done.returncode == 2 and "app-1" not in done.stdout


@pytest.mark.skipif(not can_mount(), reason="a mount namespace takes root")
def test_ca_file_is_instead_of_the_systems(binary, tmp_path, started):
    """A CA of /etc/ssl/certs does not vouch for a server where ca_file names another one."""
    driver = started(Secured, tmp_path)
    cert, key = driver.client
    system = tmp_path / "system"
    system.mkdir()
    shutil.copy(driver.cert[0], system / "ca.pem")
    shutil.copy(driver.cert[0], system / "ca-certificates.crt")
    subprocess.run(["openssl", "rehash", system], check=True, capture_output=True)
    conf = tmp_path / "c.conf"

    def once(*lines):
        conf.write_text("\n".join(["[spark s]", f"url = {driver.url}", f"client_cert_file = {cert}", f"client_key_file = {key}", *lines, ""]))
        return subprocess.run(["unshare", "--mount", "sh", "-c", f"mount --bind {system} /etc/ssl/certs && exec {binary} --config {conf} --once"],
                              capture_output=True, text=True, timeout=60)

    assert "app-1" in once().stdout
    done = once(f"ca_file = {make(tmp_path, 'other')[0]}")
    assert done.returncode == 2 and "app-1" not in done.stdout and "certificate" in done.stdout + done.stderr


def test_a_key_that_all_may_read(binary, tmp_path):
    cert, key = make(tmp_path, "client")
    conf = tmp_path / "c.conf"
    conf.write_text(f"[spark s]\nurl = http://127.0.0.1:1\nclient_cert_file = {cert}\nclient_key_file = {key}\n")
    for mode, told in ((0o600, False), (0o644, True)):
        key.chmod(mode)
        done = subprocess.run([binary, "--config", conf, "--check-config"], capture_output=True, text=True)
        assert ("client_key_file: every user of this host may read it" in done.stderr) == told, done.stderr
    conf.write_text(f"[spark s]\nurl = http://127.0.0.1:1\nclient_key_file = {key}\n")
    done = subprocess.run([binary, "--config", conf, "--check-config"], capture_output=True, text=True)
    assert done.returncode == 3 and f"{conf}:2: client_key_file: only beside client_cert_file" in done.stderr


def ends(cert):
    """When it ends, as openssl says, since 1970."""
    said = subprocess.run(["openssl", "x509", "-in", cert, "-noout", "-enddate"], capture_output=True, text=True, check=True).stdout
    return ssl.cert_time_to_seconds(said.strip().removeprefix("notAfter="))


def test_when_certificates_and_tokens_end(binary, tmp_path, started):
    driver = started(Secured, tmp_path)
    cert, key = driver.client
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("h.eyJleHAiOjE3OTU0ODMxNzR9.s\n")
    sections = (f"[spark s]\nurl = {driver.url}\nca_file = {driver.cert[0]}\nclient_cert_file = {cert}\nclient_key_file = {key}\n"
                f"bearer_token_file = {token}\n")
    with Daemon(binary, tmp_path, sections) as d:
        wait(lambda: d.metric("stagewatch_up", spark_cluster="s") == 1, "it is let in")
        known = d.metrics("stagewatch_credential_expiry_timestamp_seconds")
        assert sorted((has["kind"], has["file"], at) for has, at in known) == [
            ("certificate", str(cert), ends(cert)), ("token", str(token), 1795483174)]
        assert d.metrics("stagewatch_target_certificate_expiry_timestamp_seconds") == [
            ({"target": f"127.0.0.1:{driver.port}"}, ends(driver.cert[0]))]
