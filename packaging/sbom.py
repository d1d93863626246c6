#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes an SPDX 2.3 document, as JSON, of the programs that were built: their sources, and the libraries that they load.

Usage: packaging/sbom.py BUILD VERSION > stagewatchd.spdx.json
"""
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ("stagewatchd", "stagewatchctl")
LICENSE = "Apache-2.0"
COPYRIGHT = "2026 The stagewatchd authors"
# Of each library that a program names: as its authors say. Another one needs a row.
LICENSES = {
    "libc": "LGPL-2.1-or-later", "libm": "LGPL-2.1-or-later", "libcjson": "MIT", "libcrypt": "LGPL-2.1-or-later",
    "libcrypto": "Apache-2.0", "libcurl": "curl", "libgnutls": "LGPL-2.1-or-later", "libyaml-0": "MIT",
    "libgssapi_krb5": "MIT", "libinih": "BSD-3-Clause", "libmicrohttpd": "LGPL-2.1-or-later", "libsqlite3": "blessing",
    "libsystemd": "LGPL-2.1-or-later", "libxxhash": "BSD-2-Clause", "libz": "Zlib",
}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout


def digest(path, algorithm):
    return hashlib.new(algorithm, path.read_bytes()).hexdigest()


def spdx_id(kind, name):
    return f"SPDXRef-{kind}-{re.sub(r'[^A-Za-z0-9.-]', '-', name)}"


def license_of(path):
    """As the file says itself."""
    found = re.search(rb"SPDX-License-Identifier: ([\w.-]+)", path.read_bytes()[:300])
    return found.group(1).decode() if found else "NONE"


def file_of(path, name, kind):
    said = LICENSE if kind == "BINARY" else license_of(path)
    return {
        "SPDXID": spdx_id("File", name), "fileName": f"./{name}", "fileTypes": [kind],
        "checksums": [{"algorithm": a.upper(), "checksumValue": digest(path, a)} for a in ("sha1", "sha256")],
        "licenseConcluded": LICENSE, "licenseInfoInFiles": [said], "copyrightText": COPYRIGHT,
    }


def files(build):
    sources = sorted(p for p in [*(ROOT / "src").rglob("*"), *(ROOT / "include").rglob("*")] if p.is_file())
    return ([file_of(build / name, name, "BINARY") for name in PROGRAMS]
            + [file_of(p, str(p.relative_to(ROOT)), "SOURCE") for p in sources])


def needed(program):
    """{name of the library: its file}, of those that the program itself names."""
    names = re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-d", program))
    found = dict(re.findall(r"^\s*(\S+) => (\S+)", run("ldd", program), re.M))
    return {name: found[name] for name in names if not name.startswith(("ld-linux", "libasan", "libubsan"))}


def owner(path):
    """(package, version, architecture) in Debian; none elsewhere."""
    for candidate in dict.fromkeys((path, os.path.realpath(path), "/usr" + path, path.removeprefix("/usr"))):
        try:
            package = run("dpkg-query", "-S", candidate).split(": ")[0]
            return run("dpkg-query", "-W", "-f", "${Package} ${Version} ${Architecture}", package).split(" ")
        except (OSError, subprocess.CalledProcessError):
            continue
    return None


def library_of(name, path):
    stem = re.match(r"[^.]+", name).group()
    if stem not in LICENSES:
        sys.exit(f"sbom.py: {name}: no licence is known for it; add a row to LICENSES")
    package = {
        "SPDXID": spdx_id("Library", name), "name": name, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "licenseConcluded": LICENSES[stem], "licenseDeclared": LICENSES[stem], "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "LIBRARY",
    }
    debian = owner(path)
    if debian:
        package["versionInfo"] = debian[1]
        package["supplier"] = "Organization: Debian"
        package["externalRefs"] = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                    "referenceLocator": f"pkg:deb/debian/{debian[0]}@{urllib.parse.quote(debian[1], safe='.-~')}?arch={debian[2]}"}]
    return package


def libraries(build):
    found = {}
    for name in PROGRAMS:
        found.update(needed(build / name))
    return [library_of(name, path) for name, path in sorted(found.items())]


def created():
    """When the sources were made, not when this ran."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        told = re.search(r"^ -- .*>  (.*)$", (ROOT / "debian/changelog").read_text(), re.M).group(1)
        return datetime.datetime.strptime(told, "%a, %d %b %Y %H:%M:%S %z").astimezone(datetime.timezone.utc)
    return datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc)


def document(build, version):
    contents, loaded = files(build), libraries(build)
    sums = sorted(f["checksums"][0]["checksumValue"] for f in contents)
    whole = hashlib.sha1("".join(sums).encode()).hexdigest()
    itself = {
        "SPDXID": "SPDXRef-Package-stagewatchd", "name": "stagewatchd", "versionInfo": version, "downloadLocation": "NOASSERTION",
        "filesAnalyzed": True, "packageVerificationCode": {"packageVerificationCodeValue": whole},
        "hasFiles": [f["SPDXID"] for f in contents], "licenseConcluded": LICENSE, "licenseDeclared": LICENSE,
        "licenseInfoFromFiles": [LICENSE], "copyrightText": COPYRIGHT, "supplier": "Organization: The stagewatchd authors",
        "primaryPackagePurpose": "APPLICATION",
    }
    links = [{"spdxElementId": itself["SPDXID"], "relationshipType": "DYNAMIC_LINK", "relatedSpdxElement": p["SPDXID"]} for p in loaded]
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"stagewatchd-{version}",
        "documentNamespace": f"https://stagewatchd.example.org/spdx/stagewatchd-{version}-{whole}",
        "creationInfo": {"created": created().strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: stagewatchd-sbom"]},
        "packages": [itself, *loaded], "files": contents,
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": itself["SPDXID"]}, *links],
    }


if __name__ == "__main__":
    json.dump(document(pathlib.Path(sys.argv[1]), sys.argv[2]), sys.stdout, indent=1)
    print()
