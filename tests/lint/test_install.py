# SPDX-License-Identifier: Apache-2.0
"""What `make install` copies: all that the documents promise, and nothing over what an administrator wrote."""
import os
import re
import shlex
import subprocess


def install(root, build, dest, *variables):
    """What is built is installed: a make that calls the tests has flags of its own."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k not in ("MFLAGS", "CC", "BUILD")}
    done = subprocess.run(["make", "-s", "-C", root, "-o", "all", "install", f"BUILD={build}", f"DESTDIR={dest}", "PREFIX=/usr", *variables],
                          env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {str(path.relative_to(dest)) for path in dest.rglob("*") if path.is_file()}


def test_an_edited_configuration_stays(root, build, tmp_path):
    files = install(root, build, tmp_path)
    conf, copy = tmp_path / "etc/stagewatchd.conf", tmp_path / "usr/share/stagewatchd/stagewatchd.conf"
    shipped = (root / "etc/stagewatchd.conf").read_text()
    assert conf.read_text() == copy.read_text() == shipped
    conf.write_text("[daemon]\nmode = act\n")
    copy.write_text("of an older version")
    assert install(root, build, tmp_path) == files
    assert conf.read_text() == "[daemon]\nmode = act\n" and copy.read_text() == shipped


def test_links_of_the_alerts(root, build, tmp_path):
    """As they are shipped, and as they are told; the comment of the file does the same."""
    file, shipped = tmp_path / "usr/share/stagewatchd/prometheus/stagewatchd.rules.yml", root / "etc/prometheus/stagewatchd.rules.yml"
    install(root, build, tmp_path)
    assert file.read_text() == shipped.read_text()
    install(root, build, tmp_path, "RUNBOOK_URL=https://wiki.example.org/stagewatchd",
            "DASHBOARD_URL=https://grafana.example.org/d/stagewatchd", "WEB_URL=https://stagewatchd.example.org")
    told = file.read_text()
    alerts = re.findall(r"- alert: (\w+)", told)
    assert re.findall(r"^ +runbook_url: (.*)", told, re.M) == [f"https://wiki.example.org/stagewatchd/{a}" for a in alerts]
    assert set(re.findall(r"^ +dashboard_url: (.*)", told, re.M)) == {"https://grafana.example.org/d/stagewatchd"}
    assert set(re.findall(r"^ +incident_url: (.*)", told, re.M)) == {"https://stagewatchd.example.org/incidents/{{ $labels.incident }}"}
    file.write_text(shipped.read_text())
    lines = re.findall(r"^#   (sed .*) stagewatchd.rules.yml$", file.read_text(), re.M)
    assert len(lines) == 3
    for line in lines:
        subprocess.run([*shlex.split(line), file], check=True)
    assert file.read_text() == told


def promised(root):
    """{file or directory below the data directory: who names it}"""
    found = {}
    for page in ("README.md", "doc/tutorial.md"):
        for path in re.findall(r"`etc/([\w.-]+/[\w./-]*)`|`(doc/[\w.-]+\.md)`", (root / page).read_text()):
            found["".join(path)] = page
    for path in re.findall(r"\]\(([\w-]+\.md)\)", (root / "doc/README.md").read_text()):
        found[f"doc/{path}"] = "doc/README.md"
    for page in (root / "man").iterdir():
        for path in re.findall(r"^\.(?:It )?Pa (\w+/[\w./-]+)", page.read_text(), re.M):
            if not path.startswith("share/"):
                found[path] = page.name
    for file in (root / "etc/compose").iterdir():
        for path in re.findall(r"\$\{STAGEWATCHD_SHARE:[^}]*\}/([\w./-]+)", file.read_text()):
            found[path] = file.name
    return found


def test_all_that_is_promised_is_there(root, build, tmp_path):
    files = install(root, build, tmp_path)
    paths = promised(root)
    assert {"airflow/", "airflow/airflow_local_settings.py", "prometheus/stagewatchd.rules.yml", "prometheus/", "grafana/", "spark/", "compose/",
            "spark/spark-defaults.conf", "doc/runbook.md", "doc/preventing-hangs.md", "doc/managed-airflow.md",
            "doc/kubernetes.md", "doc/tutorial.md", "doc/why-a-timeout-is-not-enough.md", "doc/facts.md", "doc/soak.md"} == set(paths)
    share = tmp_path / "usr/share/stagewatchd"
    assert {file.name for file in (share / "airflow").iterdir()} == {"airflow_local_settings.py", "plugin.py", "pyproject.toml"}
    assert [path for path in paths if not (share / path).exists()] == []
    # Each page, both programs, and the service with the path of the daemon in it.
    assert {f"usr/share/man/man{page.suffix[1:]}/{page.name}" for page in (root / "man").iterdir()} <= files
    assert "usr/share/stagewatchd/stagewatchd.socket" in files
    assert {f"usr/share/stagewatchd/systemd/{drop_in.name}" for drop_in in (root / "systemd").glob("*.conf")} <= files
    for program in ("stagewatchd", "stagewatchctl"):
        assert os.access(tmp_path / "usr/sbin" / program, os.X_OK)
    assert "\nExecStart=/usr/sbin/stagewatchd\n" in (tmp_path / "usr/lib/systemd/system/stagewatchd.service").read_text()
    assert (tmp_path / "etc/stagewatchd.conf.d").is_dir()


def test_the_example_is_what_runs_without_the_sources(root, build, tmp_path):
    install(root, build, tmp_path)
    example = tmp_path / "usr/share/stagewatchd/examples/ml-pipeline"
    assert {"README.md", "results.md", "pipeline.py", "dag.py", "requirements.lock"} <= {f.name for f in example.iterdir()}
    assert not (example / "run").exists()


def test_the_policy_has_the_version_of_the_daemon(root):
    (daemon,) = re.findall(r"^VERSION := (\S+)$", (root / "Makefile").read_text(), re.M)
    assert re.findall(r'^version = "(.*)"$', (root / "etc/airflow/pyproject.toml").read_text(), re.M) == [daemon]
