# SPDX-License-Identifier: Apache-2.0
"""The SPDX document by the validator of the SPDX project itself, and builds that are the same bits wherever they are made."""
import pathlib
import subprocess


def spdx(root, document):
    home = pathlib.Path(subprocess.run([root / "tests/setup", "path", "sbom"], capture_output=True, text=True, check=True).stdout.strip())
    done = subprocess.run([home / "bin/python", home / "bin/pyspdxtools", "-i", document], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_document_is_valid(root, build, tmp_path):
    document = tmp_path / "stagewatchd.spdx.json"
    text = subprocess.run(["/usr/bin/python3", root / "packaging/sbom.py", build, "0.1.0"], capture_output=True, text=True, check=True).stdout
    document.write_text(text)
    assert spdx(root, document) == (0, "")
    for good, bad in (('"SPDX-2.3"', '"SPDX-9.9"'), ('"DYNAMIC_LINK"', '"LINKED"'), ('"Apache-2.0"', '"Apache 2"')):
        assert good in text
        document.write_text(text.replace(good, bad))
        assert spdx(root, document)[0] != 0, bad


def test_same_bits(root, tmp_path):
    done = subprocess.run(["make", "-s", "-C", root, "reproducible", f"BUILD={tmp_path}"], capture_output=True, text=True)
    assert done.returncode == 0 and "the same bits" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
