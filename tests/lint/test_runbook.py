# SPDX-License-Identifier: Apache-2.0
"""The runbook: a page for each alert, verdict and cause, all with the same parts, and none beside."""
import re

import pytest

from tables import table, texts, words

PARTS = ["What it means", "How to see it", "What to do now", "What stagewatchd does", "How to prevent it"]
# Nothing is to be done about it.
WITHOUT = {"phantom"}
# What wire/markdown turns into HTML.
LINE = re.compile(r"(?!```)(#{1,2} \S.*|- \S.*|\d+\. \S.*|[^\s#|<>+*-].*|\*\*\S.*| {2,3}\S.*|)")


def pages(root):
    return {f.stem: f.read_text() for f in (root / "doc/runbook").glob("*.md")}


def subjects(root):
    rules = (root / "etc/prometheus/stagewatchd.rules.yml").read_text()
    return (set(re.findall(r"- alert: (\w+)", rules)) | set(re.findall(r'\{VERDICT_\w+, "(\w+)"', table(root, "verdict_table")))
            | words(root, r'\[CAUSE_\w+\] =\s+"(\w+)"')) - WITHOUT


def test_a_page_for_each_and_none_beside(root):
    assert len(subjects(root)) > 40
    assert set(pages(root)) == subjects(root)


def test_each_page_has_all_parts(root):
    for name, text in pages(root).items():
        title, *parts = re.split(r"^## ", text, flags=re.M)
        assert re.match(rf"# (The (verdict|cause) )?{name}\b", title), name
        assert [part.split("\n")[0] for part in parts] == PARTS, name
        assert all(len(part.split("\n", 1)[1].strip()) > 5 for part in parts), name


def test_the_list_has_each_page_once(root):
    index = (root / "doc/runbook.md").read_text()
    assert sorted(re.findall(r"\]\(runbook/(\w+)\.md\)", index)) == sorted(pages(root))


def test_links_lead_to_pages(root):
    for name, text in {**pages(root), "": (root / "doc/runbook.md").read_text()}.items():
        for target in re.findall(r"\]\(([^)]*)\)", text):
            assert (root / "doc/runbook" / target if name else root / "doc" / target).exists(), (name, target)


def test_words_of_the_pages_exist(root):
    everything = "".join(texts(root).values())
    for name, text in pages(root).items():
        for word in re.findall(r"\bStagewatch[A-Z]\w+", text):
            assert word in subjects(root), (name, word)
        for metric in re.findall(r"\bstagewatch_\w+", text):
            assert metric.removesuffix("_total") in everything, (name, metric)
        for message in re.findall(r"MESSAGE_ID=([0-9a-f]+)", text):
            assert message in everything, (name, message)


def unknown_layout(text):
    return [line for line in text.splitlines() if not LINE.fullmatch(line)]


def test_the_layout_is_one_that_the_daemon_can_show(root):
    for name, text in {**pages(root), "runbook": (root / "doc/runbook.md").read_text()}.items():
        assert unknown_layout(text) == [], name


@pytest.mark.parametrize("line", ["| a | b |", "### deep", "```", "* star", "    code", "<b>", "+ plus"])
def test_other_layout_is_found(line):
    assert unknown_layout(f"# A\n\n{line}\n")
