# SPDX-License-Identifier: Apache-2.0
"""A real KDC of Debian, and Apache that wants SPNEGO, on free ports of 127.0.0.1, with all their files in a directory."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess

from waiting import wait_listens

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
REALM = "TEST.EXAMPLE"
MODULES = pathlib.Path("/usr/lib/apache2/modules")


def is_there():
    return all(shutil.which(program, path=PATH) for program in ("krb5kdc", "kdb5_util", "kadmin.local", "apache2")) and (
        MODULES / "mod_auth_gssapi.so").exists()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Kdc:
    def __init__(self, directory):
        self.dir, self.port, self.child = directory, free_port(), None
        self.conf = directory / "krb5.conf"
        self.conf.write_text(f"""[libdefaults]
default_realm = {REALM}
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
rdns = false
[realms]
{REALM} = {{
 kdc = 127.0.0.1:{self.port}
 database_name = {directory}/principal
 key_stash_file = {directory}/stash
 acl_file = {directory}/acl
 kdc_ports = 127.0.0.1:{self.port}
 kdc_tcp_ports = 127.0.0.1:{self.port}
 max_life = 1h
}}
[domain_realm]
localhost = {REALM}
[logging]
kdc = FILE:{directory}/kdc.log
""")
        self.env = {"PATH": PATH, "KRB5_CONFIG": str(self.conf), "KRB5_KDC_PROFILE": str(self.conf)}
        self.run("kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
        for name, keytab in (("watcher", "watcher.keytab"), ("other", "other.keytab"), ("HTTP/localhost", "http.keytab")):
            self.admin(f"addprinc -randkey {name}")
            self.admin(f"ktadd -k {directory}/{keytab} {name}")
        self.start()

    def run(self, *command, **more):
        return subprocess.run(command, env=self.env, check=True, capture_output=True, text=True, timeout=60, **more)

    def admin(self, query):
        return self.run("kadmin.local", "-r", REALM, "-q", query).stdout

    def start(self):
        self.child = subprocess.Popen(["krb5kdc", "-n", "-r", REALM], env=self.env)
        wait_listens(self.child, self.port)

    def stop(self):
        self.child.terminate()
        self.child.send_signal(signal.SIGCONT)  # a test may have stopped it
        self.child.wait(10)

    def issued(self, service):
        """How many tickets for it the log tells of."""
        lines = (self.dir / "kdc.log").read_text().splitlines()
        return sum("ISSUE" in line and f"for {service}" in line for line in lines)


class Apache:
    """A proxy before the URL of a backend, that lets in who shows a ticket, and says who that is in its log."""

    def __init__(self, directory, kdc, backend, name="apache"):
        """name: of its files in the directory, where several are."""
        self.port, self.log = free_port(), directory / f"{name}.access.log"
        conf = directory / f"{name}.conf"
        modules = ("mpm_event", "authn_core", "authz_core", "authz_user", "proxy", "proxy_http", "auth_gssapi")
        load = "".join(f"LoadModule {m}_module {MODULES}/mod_{m}.so\n" for m in modules)
        conf.write_text(f"""ServerRoot {directory}
ServerName localhost
{load}PidFile {directory}/{name}.pid
Listen 127.0.0.1:{self.port}
ErrorLog {directory}/{name}.error.log
LogFormat "%u %>s %r" short
CustomLog {self.log} short
<Location />
 AuthType GSSAPI
 AuthName test
 GssapiCredStore keytab:{directory}/http.keytab
 Require user watcher@{REALM}
 ProxyPass {backend}/
</Location>
""")
        os.chmod(directory, 0o755)
        os.chmod(directory / "http.keytab", 0o644)
        self.child = subprocess.Popen(["apache2", "-f", conf, "-DFOREGROUND"], env=kdc.env)
        wait_listens(self.child, self.port)
        self.url = f"http://localhost:{self.port}"

    def stop(self):
        self.child.terminate()
        self.child.wait(10)

    def users(self):
        return [line.split()[:2] for line in self.log.read_text().splitlines()]
