# SPDX-License-Identifier: Apache-2.0
"""A real YARN that asks for Kerberos everywhere: in its RPC, on its web addresses, and for each app's ACL.

The KDC is Debian's. It knows `lab`, who submits; `watcher`, who administers the queue; and `other`, who may do neither.
"""
import json
import subprocess

import kdc
from yarn import Yarn

SERVICE = f"HTTP/localhost@{kdc.REALM}"


class SecureYarn(Yarn):
    def __init__(self, directory, memory=8192):
        super().__init__(directory, memory)
        self.kerberos = self.dir / "kerberos"
        self.kerberos.mkdir(exist_ok=True)
        self.kdc = kdc.Kdc(self.kerberos)
        for name in ("rm", "nm", "lab"):
            principal = name if name == "lab" else f"{name}/localhost"
            self.kdc.admin(f"addprinc -randkey {principal}")
            self.kdc.admin(f"ktadd -k {self.keytab(name)} {principal}")
        self.get_tickets()
        (self.kerberos / "signature").write_text("of the cookie hadoop.auth")
        self.java_options = f"-Djava.security.krb5.conf={self.kdc.conf}"

    def keytab(self, name):
        return self.kerberos / f"{name}.keytab"

    def tickets(self, name):
        return f"FILE:{self.kerberos}/tickets-{name}"

    def get_tickets(self):
        for name in ("lab", "watcher", "other"):
            self.kdc.run("kinit", "-k", "-t", self.keytab(name), "-c", self.tickets(name), name)

    def client_environ(self):
        return {**super().client_environ(), "SPARK_SUBMIT_OPTS": self.java_options, "KRB5_CONFIG": str(self.kdc.conf),
                "KRB5CCNAME": self.tickets("lab")}

    def site(self, name, values):
        rm, nm, http = "yarn.resourcemanager", "yarn.nodemanager", "hadoop.http.authentication"
        more = {
            "core-site.xml": {
                "hadoop.security.authentication": "kerberos",
                "hadoop.security.authorization": "true",
                # Both daemons are one user.
                "hadoop.security.auth_to_local": "RULE:[2:$1@$0](rm@.*)s/.*/yarn/\nRULE:[2:$1@$0](nm@.*)s/.*/yarn/\nDEFAULT",
                "hadoop.http.filter.initializers": "org.apache.hadoop.security.AuthenticationFilterInitializer",
                f"{http}.type": "kerberos",
                f"{http}.kerberos.principal": SERVICE,
                f"{http}.kerberos.keytab": self.keytab("http"),
                f"{http}.signature.secret.file": self.kerberos / "signature"},
            "yarn-site.xml": {
                f"{rm}.principal": f"rm/localhost@{kdc.REALM}",
                f"{rm}.keytab": self.keytab("rm"),
                f"{rm}.webapp.spnego-principal": SERVICE,
                f"{rm}.webapp.spnego-keytab-file": self.keytab("http"),
                f"{nm}.principal": f"nm/localhost@{kdc.REALM}",
                f"{nm}.keytab": self.keytab("nm"),
                f"{nm}.webapp.spnego-principal": SERVICE,
                f"{nm}.webapp.spnego-keytab-file": self.keytab("http"),
                "yarn.acl.enable": "true",
                "yarn.admin.acl": "yarn"},
            "capacity-scheduler.xml": {
                # What a queue allows, those below it allow, too.
                "yarn.scheduler.capacity.root.acl_administer_queue": " ",
                "yarn.scheduler.capacity.root.default.acl_administer_queue": "watcher"}}
        super().site(name, {**values, **more[name]})

    def configure(self):
        super().configure()
        # A ticket is for a name.
        self.url, self.nm_url = (url.replace("127.0.0.1", "localhost") for url in (self.url, self.nm_url))

    def fetch(self, url, who="lab", *more):
        done = subprocess.run(["curl", "-sS", "--negotiate", "-u", ":", "-w", "\n%{http_code}", *more, url], capture_output=True, text=True,
                              env={**self.environ(), "KRB5CCNAME": self.tickets(who)}, timeout=90)
        body, _, status = done.stdout.rpartition("\n")
        try:
            return int(status or 0), json.loads(body)
        except ValueError:
            return int(status or 0), body

    def new_service_key(self):
        """As after a change of its password: the keytab has the new key alone."""
        self.kdc.admin(f"cpw -randkey {SERVICE}")
        self.keytab("http").unlink()
        self.kdc.admin(f"ktadd -k {self.keytab('http')} {SERVICE}")
        self.get_tickets()

    def stop(self, grace=3.0):
        super().stop(grace)
        if self.kdc.child.poll() is None:
            self.kdc.stop()
