# SPDX-License-Identifier: Apache-2.0
"""Man pages and the shipped configuration say what the program has, all of it and nothing else."""
import re
import shutil
import subprocess

import pytest

SECTIONS = {"daemon": "src/daemon/settings.c", "web": "src/daemon/settings.c", "spark": "src/source/source.c",
            "airflow": "src/action/airflow.c", "rule": "src/core/rule.c"}


def code_keys(root):
    """(section, key) of every parameter table."""
    found = set()
    settings = (root / "src/daemon/settings.c").read_text()
    tables = {
        "daemon": re.search(r"daemon_params\[\] = \{(.*?)\n\};", settings, re.S).group(1),
        "web": re.search(r"web_params\[\] = \{(.*?)\n\};", settings, re.S).group(1),
        "spark": re.search(r"source_params\[\] = \{(.*?)\n\};", (root / SECTIONS["spark"]).read_text(), re.S).group(1),
        "airflow": re.search(r"airflow_params\[\] = \{(.*?)\n\};", (root / SECTIONS["airflow"]).read_text(), re.S).group(1),
        "rule": re.search(r"rule_params\[\] = \{(.*?)\n\};", (root / SECTIONS["rule"]).read_text(), re.S).group(1),
    }
    for section, table in tables.items():
        for key in re.findall(r'\.name = "(\w+)"', table) + re.findall(r"^\s*(?:GLOB|LIMIT)\((\w+)", table, re.M):
            found.add((section, key))
    return found


def man_keys(text):
    """(section, key) of stagewatchd.conf(5): the tags below .Ss [section]."""
    found, section = set(), None
    for line in text.splitlines():
        if m := re.match(r"\.Ss \[(\w+)", line):
            section = m.group(1)
        elif line.startswith(".Sh"):
            section = None
        elif section and (m := re.match(r"\.It Cm (.*)", line)):
            found |= {(section, key) for key in m.group(1).split(" , ")}
    return found


def file_keys(text):
    """(section, key) of the shipped file, commented out as it is."""
    found, section = set(), None
    for line in text.splitlines():
        if m := re.match(r"#?\[(\w+)", line):
            section = m.group(1)
        elif m := re.match(r"#(\w+) = ", line):
            found.add((section, m.group(1)))
    return found


def code_metrics(root):
    """Names as they are scraped, with their labels."""
    table = (root / "src/core/metrics.c").read_text()
    table = table[table.index("metric_defs[METRIC_MAX] = {"):]
    found = {}
    for entry in re.split(r"\n\t\[METRIC_", table[:table.index("\n};")])[1:]:
        strings = re.findall(r'"([^"]*)"', re.sub(r'"\s+"', "", entry))
        sentence = next(i for i, s in enumerate(strings) if s.endswith("."))
        suffix = "_total" if re.search(r"=\s*C\(", entry) else "_info" if "METRIC_INFO" in entry else ""
        found[strings[0] + suffix] = tuple(strings[sentence + 1:])
    return found


def man_metrics(text):
    found = {}
    for name, labels in re.findall(r"^\.It Li (stagewatch_\w+|process_\w+)(?: Ns Brq (\S+))?$", text, re.M):
        found[name] = tuple(labels.split(",")) if labels else ()
    return found


@pytest.fixture(scope="module")
def man8(root):
    return (root / "man/stagewatchd.8").read_text()


@pytest.fixture(scope="module")
def man5(root):
    return (root / "man/stagewatchd.conf.5").read_text()


def test_keys(root, man5):
    keys = code_keys(root)
    assert len(keys) > 30
    assert man_keys(man5) == keys
    assert file_keys((root / "etc/stagewatchd.conf").read_text()) == keys


def test_keys_are_the_programs_own(root, binary, tmp_path):
    """--print-config of one section each names the same keys as the tables."""
    conf = tmp_path / "c.conf"
    conf.write_text("[spark a]\nurl = http://127.0.0.1:4040\n[airflow b]\nurl = http://a\nusername = u\npassword_file = p\n"
                    "[rule c]\napp = *\n")
    done = subprocess.run([binary, "--config", conf, "--print-config"], capture_output=True, text=True, check=True)
    found, section = set(), None
    for line in done.stdout.splitlines():
        if line.startswith("["):
            section = re.match(r"\[(\w+)", line).group(1)
        elif line:
            found.add((section, re.match(r"(?:# )?(\w+) =", line).group(1)))
    assert found == code_keys(root)


def test_a_key_too_many_or_too_few_is_found(root, man5):
    keys = code_keys(root)
    assert man_keys(man5.replace(".It Cm idle_after\n", "")) == keys - {("rule", "idle_after")}
    assert man_keys(man5.replace(".It Cm idle_after\n", ".It Cm idle_after\n.It Cm bogus\n")) == keys | {("rule", "bogus")}


def test_metrics(root, man8):
    metrics = code_metrics(root)
    assert len(metrics) > 20
    assert man_metrics(man8) == metrics


def test_a_metric_too_few_is_found(root, man8):
    without = man8.replace(".It Li stagewatch_actions_pending\n", "")
    assert man_metrics(without) != code_metrics(root)


def test_verdicts(root, man8):
    names = set(re.findall(r'\[VERDICT_\w+\] = "(\w+)"', (root / "src/core/verdict.c").read_text()))
    section = man8[man8.index(".Ss Verdicts"):man8.index(".Ss Acting")]
    assert len(names) == 9
    assert set(re.findall(r"^\.It Cm (\w+)$", section, re.M)) == names


def test_outcomes(root, man8):
    names = set(re.findall(r'\[OUTCOME_\w+\] = "(\w+)"', (root / "src/core/remedy.c").read_text())) - {"open"}
    acting = man8[man8.index("An action ends as"):man8.index(".Ss Airflow")]
    assert set(re.findall(r"^\.Cm (\w+)", acting, re.M)) == names


def test_options(binary, man8):
    text = subprocess.run([binary, "--help"], capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r"^  --([a-z-]+)", text, re.M))
    described = set(re.findall(r"^\.It Fl -([a-z-]+)", man8, re.M))
    assert described == options
    synopsis = man8[man8.index(".Sh SYNOPSIS"):man8.index(".Sh DESCRIPTION")]
    assert set(re.findall(r"Fl -([a-z-]+)", synopsis)) == options


def test_message_ids(root, man8):
    ids = set(re.findall(r'"([0-9a-f]{32})"', (root / "include/daemon/messages.h").read_text()))
    assert len(ids) == 4
    assert set(re.findall(r"^\.It Li ([0-9a-f]{32})$", man8, re.M)) == ids


def test_paths(root, man8):
    code = (root / "src/daemon/exporter.c").read_text()
    paths = set(re.findall(r'\{"(/[^"]*)", answer_', code))
    section = man8[man8.index(".Ss Web server"):man8.index(".Ss Metrics")]
    assert set(re.findall(r"^\.It Pa (\S+)$", section, re.M)) == paths


def test_shipped_file_is_the_default(root, binary, tmp_path):
    """All keys uncommented: no fault, and what is in force is what is in force without a file."""
    text = (root / "etc/stagewatchd.conf").read_text()
    assert max(len(line.encode()) for line in text.splitlines()) <= 199
    assert subprocess.run([binary, "--config", root / "etc/stagewatchd.conf", "--check-config"]).returncode == 0
    shipped = tmp_path / "shipped.conf"
    shipped.write_text(re.sub(r"^#(\[|\w+ = )", r"\1", text, flags=re.M))
    bare = tmp_path / "bare.conf"
    bare.write_text("[rule default]\napp = *\n[airflow main]\nurl = http://a\nusername = u\npassword_file = p\n")

    def values(file):
        out = subprocess.run([binary, "--config", file, "--print-config"], capture_output=True, text=True, check=True).stdout
        return dict(re.findall(r"^(\w+) = (.*)$", out, re.M))

    default, ours = values(bare), values(shipped)
    examples = {"username", "password_file", "ca_file", "url", "airflow", "app", "user", "cluster", "dag", "task"}
    assert {k: v for k, v in ours.items() if k not in examples} == {k: v for k, v in default.items() if k not in examples}


@pytest.mark.parametrize("page", ["stagewatchd.8", "stagewatchd.conf.5"])
def test_mandoc(root, page):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", root / "man" / page], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stdout.strip(), done.stdout
    assert all(len(line) <= 80 for line in (root / "man" / page).read_text().splitlines() if not line.startswith("."))
