# SPDX-License-Identifier: Apache-2.0
"""Whoever adds something is told what else it takes, where no table of the program could say it."""
import re
import subprocess

import pytest

from tables import table, texts

# Tables of the words that a reason can be: where such words are said, and how.
FAULT_SET = r'\bfault_set\([^,;]+,\s*"(\w+)"'
SET = r'\breason = "(\w+)"'
REASONS = {
    "answer_reasons": (("source", "watch"), [FAULT_SET, r'\{-E\w+, "(\w+)", "']),
    "airflow_reasons": (("action",), [SET]),
    "notify_reasons": (("notify", "notifier"), [SET]),
}


def sources(root, *layers):
    return {f: text for f, text in texts(root).items() if f.suffix == ".c" and f.relative_to(root / "src").parts[0] in layers}


def said_reasons(root, name):
    layers, patterns = REASONS[name]
    found = set()
    for text in sources(root, *layers).values():
        for pattern in patterns:
            found |= set(re.findall(pattern, text))
        for body in re.findall(r"\breason_of\([^;{]*\)\n\{(.*?)\n\}", text, re.S):
            found |= {word for line in re.findall(r"return ([^;]*);", body) for word in re.findall(r'"(\w+)"', line)}
    return found


def table_reasons(root, name):
    rows = table(root, name)
    for macro in re.findall(r"\b[A-Z]{3,}\b", rows):
        rows += next(line for text in texts(root).values() for line in re.findall(rf"#define {macro} (.*)", text))
    return set(re.findall(r'"(\w+)"', rows))


@pytest.mark.parametrize("name", REASONS)
def test_reasons(root, name):
    """One that is in no table would be counted nowhere; one that nobody says counts nothing."""
    assert len(table_reasons(root, name)) >= 5
    assert said_reasons(root, name) == table_reasons(root, name)


def decoders(root):
    """Those that read what comes from outside."""
    found = {}
    for header in sorted((root / "include/wire").glob("*.h")):
        for name in re.findall(r"\b(\w+_decode(?:_\w+)?)\(", header.read_text()):
            found[name] = header.name
    return found


@pytest.mark.parametrize("part, least", [("unit/wire", 15), ("fuzz", 15)])
def test_each_decoder_is_tested_and_fuzzed(root, part, least):
    files = sorted((root / "tests" / part).glob("*.c"))
    assert len(files) >= least and len(decoders(root)) > 30
    called = set(re.findall(r"\b(\w+_decode(?:_\w+)?)\(", "".join(f.read_text() for f in files)))
    assert {name: header for name, header in decoders(root).items() if name not in called} == {}


# What of others, beside the answers in wire, is read somewhere else: each has a target, too.
FUZZED = ("settings_load", "notice_check_template", "notice_render", "notice_environment", "notice_alert", "notice_slack",
          "notice_pagerduty", "http_server_new_local", "http_url_check", "http_url_fault", "http_url_header_fault", "gzip_offered",
          "pod_cgroup_parse", "base64_decode", "nodemanager_parse_link", "kube_driver_parse", "parse_duration", "parse_timestamp",
          "spark_parse", "app_wishes_apply", "audit_run", "str_printable", "html_text", "airflow_error_text", "yarn_error_text",
          "kube_error_text", "why_line", "spark_trim_environment", "airflow_request_get", "recording_encode", "kube_driver_print")


def test_what_else_is_read_is_fuzzed(root):
    text = "".join(f.read_text() for f in (root / "tests/fuzz").glob("*.c"))
    headers = "".join(f.read_text() for f in (root / "include").rglob("*.h"))
    assert [name for name in FUZZED if f"{name}(" not in headers] == []
    assert [name for name in FUZZED if f"{name}(" not in text] == []


def test_seeds_of_fuzzing(root, tmp_path):
    """Each folder of seeds is of a target, and none is empty."""
    subprocess.run([root / "tests/fuzz/seeds.py", tmp_path], check=True)
    folders = sorted(d for d in tmp_path.iterdir() if d.is_dir())
    assert len(folders) >= 4 and len((tmp_path / "words").read_text().splitlines()) > 300
    for folder in folders:
        assert folder.name == "body" or (root / f"tests/fuzz/fuzz_{folder.name}.c").exists(), folder
        assert len(list(folder.iterdir())) >= 2, folder


def test_fuzz_targets_compile(root):
    files = sorted((root / "tests/fuzz").glob("*.c"))
    done = subprocess.run(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-Iinclude", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *files],
                          cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def untested(root, kind, rows):
    """Types of a source or a notify that have neither a test of their own nor a row in the test of all."""
    text = (root / "tests" / rows).read_text()
    names = [name for source in sources(root, kind).values()
             for name in re.findall(rf'struct {kind}_ops \w+ = \{{\n\t\.name = "(\w+)"', source)]
    assert len(names) >= 2
    return [n for n in names if not re.search(rf'"{n}"|type = {n}\b', text)
            and not (root / f"tests/unit/{kind}/test_{n}.c").exists()]


@pytest.mark.parametrize("kind, rows", [("source", "unit/source/test_sources.c"), ("notify", "live/test_notify.py")])
def test_each_type_is_tested(root, kind, rows):
    assert untested(root, kind, rows) == []


def alerts(rules):
    """{alert: (expression, severity)}"""
    found = re.findall(r"- alert: (\w+)\n(.*?)\n +severity: (\w+)\n", rules, re.S)
    assert len(found) == rules.count("- alert: ")
    return {name: (text.partition("expr:")[2], severity) for name, text, severity in found}


def unalerted(root, rules):
    """What people should get up for, and no critical alert names."""
    critical = [expr for expr, severity in alerts(rules).values() if severity == "critical"]
    verdicts = re.findall(r'\{VERDICT_\w+, "(\w+)", \w+, true, \w+,\s+SEVERITY_CRITICAL', table(root, "verdict_table"))
    assert len(verdicts) >= 2
    return [v for v in verdicts if not any(f'verdict="{v}"' in expr for expr in critical)]


def test_a_critical_verdict_has_an_alert(root):
    rules = (root / "etc/prometheus/stagewatchd.rules.yml").read_text()
    assert unalerted(root, rules) == []
    assert unalerted(root, rules.replace('verdict="hung"', 'verdict="slow"')) == ["hung"]
