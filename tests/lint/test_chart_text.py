# SPDX-License-Identifier: Apache-2.0
"""The chart as text, without helm. How it renders: tests/packages."""
import json
import re


def test_version(root):
    version = re.search(r"^VERSION := (\S+)", (root / "Makefile").read_text(), re.M).group(1)
    chart = (root / "chart/stagewatchd/Chart.yaml").read_text()
    assert re.findall(r"^(?:version|appVersion): (\S+)$", chart, re.M) == [version] * 2


def test_the_rules_are_those_of_the_tree(root):
    rules = root / "chart/stagewatchd/files/stagewatchd.rules.yml"
    assert rules.is_symlink() and rules.resolve() == root / "etc/prometheus/stagewatchd.rules.yml"


def test_values_schema_and_templates_name_the_same(root):
    """Each value of the first level has a type, and a template that uses it."""
    chart = root / "chart/stagewatchd"
    values = set(re.findall(r"^(\w+):", (chart / "values.yaml").read_text(), re.M))
    schema = set(json.loads((chart / "values.schema.json").read_text())["properties"]) - {"global"}
    used = {m for t in (chart / "templates").iterdir() for m in re.findall(r"\.Values\.(\w+)", t.read_text())}
    assert values == schema == used
