# SPDX-License-Identifier: Apache-2.0
"""What a release rests on: one version in all places, and a list of what is in the programs that is true."""
import hashlib
import json
import re
import subprocess

import pytest

# Where it stands, besides the chart's and the policy's, which have tests of their own.
PLACES = {
    "debian/changelog": r"\Astagewatchd \(([\d.]+)",
    "packaging/stagewatchd.spec": r"^Version: +(\S+)",
    "README.md": r"\S+/stagewatchd:(\S+)",
    "doc/kubernetes.md": r"\S+/stagewatchd:(\S+)",
}


def test_one_version(root):
    (version,) = re.findall(r"^VERSION := (\S+)$", (root / "Makefile").read_text(), re.M)
    for file, pattern in PLACES.items():
        found = re.findall(pattern, (root / file).read_text(), re.M)
        assert {f.split("-")[0] for f in found} == {version}, file


def sbom(root, build):
    return subprocess.run(["/usr/bin/python3", root / "packaging/sbom.py", build, "1.2.3"], capture_output=True, text=True)


@pytest.fixture
def document(root, build):
    done = sbom(root, build)
    assert done.returncode == 0, done.stderr
    assert sbom(root, build).stdout == done.stdout
    return json.loads(done.stdout)


def test_sbom(root, build, document):
    assert document["spdxVersion"] == "SPDX-2.3" and document["dataLicense"] == "CC0-1.0"
    itself, *libraries = document["packages"]
    assert (itself["name"], itself["versionInfo"], itself["licenseDeclared"]) == ("stagewatchd", "1.2.3", "Apache-2.0")
    # Whatever the linker put into either program.
    named = set()
    for program in ("stagewatchd", "stagewatchctl"):
        dynamic = subprocess.run(["readelf", "-d", build / program], capture_output=True, text=True, check=True).stdout
        named |= {n for n in re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic) if not n.startswith(("ld-linux", "libasan", "libubsan"))}
    assert {package["name"] for package in libraries} == named and len(named) > 8
    for package in libraries:
        assert package["versionInfo"] and package["licenseDeclared"] != "NOASSERTION", package
        assert package["externalRefs"][0]["referenceLocator"].startswith("pkg:deb/debian/lib") or "zlib1g" in str(package)
    linked = {r["relatedSpdxElement"] for r in document["relationships"] if r["relationshipType"] == "DYNAMIC_LINK"}
    assert linked == {package["SPDXID"] for package in libraries}

    # All sources are there, as they are.
    files = {file["fileName"]: file for file in document["files"]}
    assert set(files) == {"./stagewatchd", "./stagewatchctl"} | {
        f"./{path.relative_to(root)}" for top in ("src", "include") for path in (root / top).rglob("*") if path.is_file()}
    for name in ("src/main.c", "include/base/secret.h"):
        sums = {c["algorithm"]: c["checksumValue"] for c in files[f"./{name}"]["checksums"]}
        assert sums["SHA256"] == hashlib.sha256((root / name).read_bytes()).hexdigest()
        assert files[f"./{name}"]["licenseInfoInFiles"] == ["Apache-2.0"]
    assert sorted(itself["hasFiles"]) == sorted(file["SPDXID"] for file in document["files"])
    assert len(set(itself["hasFiles"])) == len(files)

