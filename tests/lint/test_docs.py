# SPDX-License-Identifier: Apache-2.0
"""Man pages and the shipped configuration say what the program has, all of it and nothing else.

Tables of the program are found by their names, wherever in the tree they stand."""
import re
import shutil
import subprocess

import pytest

from tables import metrics as code_metrics, table, texts, words as code_words

# Without these a section is not complete. A rule needs a glob.
NEEDED = {"spark": {"type": "kubernetes", "url": "http://127.0.0.1:4040"}, "airflow": {"url": "http://a", "username": "u", "password_file": "p"},
          "notify": {"url": "http://a"}, "rule": {"app": "*"}, "maintenance": {"from": "22:00", "to": "06:00"}}
TYPES = {"STRING": ("Address", "Directory", "File", "Glob", "Secret", "Text", "URL"), "LIST": ("List",), "ENUM": ("Word",),
         "U64": ("Number",), "DURATION": ("Duration",), "BOOL": ("Word",), "SIZE": ("Size",)}
# The sections that have the keys of ENDPOINT_PARAMS(), which the man page and the shipped file tell once.
ASKING = ("spark", "airflow", "notify", "leader")
UNNAMED = ("daemon", "web", "probe", "evidence", "limits", "leader")


# What the program has.

def endpoint_params(root):
    """{key: (type, default or None)} of the table that several sections share."""
    header = next(text for f, text in texts(root).items() if f.name == "endpoint_params.h")
    found = re.findall(r'ENDPOINT_(TEXT|LINES|WORD)\(\s*(?:\\\s*)?holder, member, (\w+), (?:\\\s*)?(?:"(\w+)",)?', header)
    return {key: ({"TEXT": "STRING", "LINES": "LIST", "WORD": "ENUM"}[kind], default or None) for kind, key, default in found if key != "key"}


def code_params(root):
    """{(section, key): (type, default or None)} of every parameter table."""
    found = {}
    for section, name in re.findall(r'\{"(\w+)", (\w+_params), ', table(root, "section_defs")):
        rows = table(root, name)
        if "ENDPOINT_PARAMS(" in rows:
            assert section in ASKING
            found |= {(section, key): value for key, value in endpoint_params(root).items()}
        for entry in re.findall(r'\{\.name = ".*?\}(?=,\n|,?$)', rows, re.S):
            default = re.search(r'\.fallback =\s+((?:"[^"]*"\s*)+)', entry)
            found[section, re.search(r'\.name = "(\w+)"', entry).group(1)] = (
                re.search(r"\.type = PARAM_(\w+)", entry).group(1), re.sub(r'"\s*"?', "", default.group(1)) if default else None)
        for macro, key, default in re.findall(r'^\s*(GLOB|LIMIT)\((\w+),\s*(?:"([^"]*)"|NULL)', rows, re.M):
            found[section, key] = ("STRING", None) if macro == "GLOB" else ("DURATION", default or None)
        for macro, key, default in re.findall(r'^\t(TEXT|LINES|WORD|TIME)\((\w+), "([^"]*)"', rows, re.M):
            kind = {"TEXT": "STRING", "LINES": "LIST", "WORD": "ENUM", "TIME": "DURATION"}[macro]
            found[section, key] = (kind, default if macro in ("WORD", "TIME") else None)
    return found


def code_names(root, prefix):
    """Of an enum: the words of the table that names its values."""
    return code_words(root, rf'\[{prefix}_\w+\] =\s+\{{?(?:\.name = )?"(\w+)"')


def code_verdicts(root):
    return set(re.findall(r'\{VERDICT_\w+, "(\w+)"', table(root, "verdict_table")))


def code_outcomes(root):
    return code_names(root, "OUTCOME") - {"open"}


def code_message_ids(root):
    return code_words(root, r'"([0-9a-f]{32})"')


def code_fields(root):
    return set(re.findall(r'\{"([A-Z_]+)", offsetof', table(root, "about_fields")))


def code_paths(root):
    return code_words(root, r'\{"(/[^"]*)", (?:answer|page)_') | {p + "ID" for p in code_words(root, r'incident\w*_path\[\] = "([^"]*)"')} | {
        p + "NAME" for p in code_words(root, r'runbook_path\[\] = "([^"]*)"')} | {p + "ORDER" for p in code_words(root, r'path_of_orders\[\] = "([^"]*)"')}


def code_causes(root):
    return code_names(root, "CAUSE")


def code_checks(root):
    return (set(re.findall(r'\.name = "(\w+)"', table(root, "audit_checks")))
            | set(re.findall(r'INFO\("(\w+)",', table(root, "task_checks"))))


def code_message_fields(root):
    return set(re.findall(r'"(\w+)"', table(root, "notice_fields")))


def code_symptoms(root):
    return set(re.findall(r'WORDS\("(\w+)",', table(root, "symptoms")))


def help_options(binary):
    text = subprocess.run([binary, "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  --([a-z-]+)", text, re.M))


def printed(binary, file):
    """[(section, key, value)] of --print-config; value None for what is not set."""
    out = subprocess.run([binary, "--config", file, "--print-config"], capture_output=True, text=True, check=True).stdout
    found, section = [], None
    for line in filter(None, out.splitlines()):
        if line.startswith("["):
            section = re.match(r"\[(\w+)", line).group(1)
        else:
            unset, key, value = re.fullmatch(r"(# )?(\w+) =(?: (.*))?", line).groups()
            found.append((section, key, None if unset else value))
    return found


# What the documents say.

def man_params(text):
    """{(section, key): (type, bounds or None, default)} of stagewatchd.conf(5): the first sentence below each tag."""
    found, section, lines = {}, None, text.splitlines()
    for line, below, more in zip(lines, lines[1:], lines[2:]):
        below = below if below.endswith(".") else f"{below} {more}"
        if m := re.match(r"\.Ss \[(\w+)", line):
            section = m.group(1)
        elif line == ".Ss Requests to others":
            section = "*"
        elif re.match(r"\.S[sh]", line):
            section = None
        elif section and (m := re.match(r"\.It Cm (\w+)$", line)):
            says = re.fullmatch(r"(\w+)(?: of URLs| of users| of addresses| of lines| from (\S+) to (\S+)|, [\w, -]+)?; (.+)\.", below)
            assert says, f"[{section}] {m.group(1)}: {below}"
            kind, low, high, default = says.groups()
            for asking in ASKING if section == "*" else (section,):
                found[asking, m.group(1)] = (kind, (low, high) if low else None, default)
    return found


def man_choices(text, section, key):
    part = text[text.index(f".Ss [{section}"):]
    if f".It Cm {key}\n" not in part[:part.index(".El\n")]:
        part = text[text.index(".Ss Requests to others"):]
    words = re.search(rf"\.It Cm {key}\nWord, ([\w,\s-]+); ", part).group(1)
    return re.split(r",\s| or\s", words)


def file_params(text, shared=()):
    """{(section, key): value} of the shipped file, commented out as it is. The shared keys stand in one section for all."""
    found, section = {}, None
    for line in text.splitlines():
        if m := re.match(r"#?\[(\w+)", line):
            section = m.group(1)
        elif m := re.match(r"#(\w+) = (.*)", line):
            assert (section, m.group(1)) not in found or m.group(1) in ("type", "url", "format", "auth", "bearer_token_file", "username", "password_file")
            for asking in ASKING if m.group(1) in shared and section in ASKING else (section,):
                found[asking, m.group(1)] = m.group(2)
    return found


def man_metrics(text):
    found = {}
    for name, labels in re.findall(r"^\.It Li (stagewatch_\w+|process_\w+)(?: Ns Brq (\S+))?$", text, re.M):
        found[name] = tuple(labels.split(",")) if labels else ()
    return found


def man_tags(text, begin, end, pattern):
    """The words of the tags between two places of a page."""
    begin = text.index(begin)
    return set(re.findall(pattern, text[begin:text.index(end, begin)], re.M))


def man_verdicts(text):
    return man_tags(text, ".Ss Verdicts", ".Ss Evidence", r"^\.It Cm (\w+)$")


def man_causes(text):
    return man_tags(text, ".Ss Evidence", ".Ss Audit", r"^\.It Cm (\w+)$")


def man_symptoms(text):
    return man_tags(text, ".Ss Symptoms", ".Ss Report", r"^\.It Cm (\w+)$")


def man_checks(text):
    return man_tags(text, ".Ss Audit", ".Ss Symptoms", r"^\.It Cm (\w+)$")


def man_outcomes(text):
    return man_tags(text, "An action ends as", ".Ss Airflow", r"^\.It Cm (\w+)$")


def man_message_ids(text):
    return set(re.findall(r"^\.It Li ([0-9a-f]{32})$", text, re.M))


def man_fields(text):
    return man_tags(text, ".Ss Journal", ".Sh SIGNALS", r"^\.It Ev (\w+)$")


def man_paths(text):
    return man_tags(text, ".Ss Web server", ".Ss Metrics", r"^\.It Pa ([^\s?]+)\S*$")


def man_message_fields(text):
    return man_tags(text, ".Ss Messages", ".Ss Airflow", r"^\.It Va (\w+)$")


def man_options(text):
    return set(re.findall(r"^\.It Fl -([a-z-]+)", text, re.M))


def synopsis_options(text):
    return man_tags(text, ".Sh SYNOPSIS", ".Sh DESCRIPTION", r"Fl -([a-z-]+)")


@pytest.fixture(scope="module")
def man8(root):
    return (root / "man/stagewatchd.8").read_text()


@pytest.fixture(scope="module")
def man5(root):
    return (root / "man/stagewatchd.conf.5").read_text()


@pytest.fixture(scope="module")
def shipped(root):
    return (root / "etc/stagewatchd.conf").read_text()


@pytest.fixture(scope="module")
def shared(root):
    return endpoint_params(root)


@pytest.fixture(scope="module")
def params(root):
    found = code_params(root)
    assert len(found) > 30
    return found


# Keys.

def test_keys(params, man5, shipped, shared):
    assert len(shared) > 8
    assert set(man_params(man5)) == set(params)
    assert set(file_params(shipped, shared)) == set(params)


def test_keys_are_the_programs_own(params, binary, tmp_path):
    """--print-config of one section each names the same keys as the tables."""
    conf = tmp_path / "c.conf"
    conf.write_text("[notify w]\ntype = command\ncommand = /bin/w\n" + "".join(f"[{section} x]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())
                            for section, keys in NEEDED.items()))
    found = {(section, key): value for section, key, value in printed(binary, conf)}
    assert set(found) == set(params)
    assert found.pop(("notify", "command")) == "/bin/w"
    for section, key in found:
        default = "30min" if key == "hung_after_unproven" else params[section, key][1]
        assert found[section, key] == NEEDED.get(section, {}).get(key, default), key


def test_types_and_defaults_are_documented(params, man5):
    documented = man_params(man5)
    for (section, key), (kind, default) in params.items():
        says_kind, bounds, says_default = documented[section, key]
        assert says_kind in TYPES[kind], key
        assert (bounds is not None) == (kind in ("U64", "DURATION", "SIZE")), key
        if default:
            assert says_default == f"default {default}", key
        else:
            assert says_default in ("needed", "no default", "default any", "default three times hung_after"), key


def accepts(binary, tmp_path, section, key, value):
    conf = tmp_path / "c.conf"
    named = section if section in UNNAMED else f"{section} x"
    # Above any other limit, where the cross-check of the two would answer first.
    cross = {"hung_after": {"hung_after_unproven": "366d"}, "hung_after_unproven": {"hung_after": "1s"},
             "owner_hung_after_min": {"owner_hung_after_max": "366d"}, "owner_hung_after_max": {"owner_hung_after_min": "1s"},
             "retry_first": {"retry_max": "24h"}, "retry_max": {"retry_first": "1s"}}.get(key, {})
    keys = {**NEEDED.get(section, {}), **cross, key: value}
    conf.write_text(f"[{named}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items()))
    done = subprocess.run([binary, "--config", conf, "--check-config"], capture_output=True, text=True)
    assert done.returncode in (0, 3), done.stderr
    return done.returncode == 0


def test_bounds_are_documented(man5, binary, tmp_path):
    n = 0
    for (section, key), (kind, bounds, _) in man_params(man5).items():
        if not bounds:
            continue
        low, high = bounds
        if kind == "Duration":
            below, above = {"1s": "999ms", "100ms": "99ms", "2s": "1999ms", "5s": "4999ms", "1min": "59s", "24h": "23h", "0": "-1s"}[low], high + " 1ms"
        elif kind == "Size":
            below, above = "1K", {"1G": "2G", "1024G": "2048G"}[high]
        else:
            below, above = str(int(low) - 1), str(int(high) + 1)
        seen = [accepts(binary, tmp_path, section, key, value) for value in (below, low, high, above)]
        assert seen == [False, True, True, False], (section, key, seen)
        n += 1
    assert n >= 12


def test_words_are_documented(params, man5, binary, tmp_path):
    """The program names all its choices when it refuses another word."""
    for section, key in (k for k, (kind, _) in params.items() if kind == "ENUM"):
        conf = tmp_path / "c.conf"
        conf.write_text(f"[{section}{'' if section in UNNAMED else ' x'}]\n{key} = bogus\n")
        err = subprocess.run([binary, "--config", conf, "--check-config"], capture_output=True, text=True).stderr
        assert re.search(rf"{key}: not one of (.*)", err).group(1).split(", ") == man_choices(man5, section, key)


def code_own_keys(root, kind):
    """{type of a source or a notify: keys that not every type has}"""
    found = {}
    for f, text in texts(root).items():
        if f.suffix == ".c" and (ops := re.search(rf'struct {kind}_ops \w+ = \{{\n\t\.name = "(\w+)"', text)):
            keys = re.search(r"\b(?:own_)?keys\[\] = \{(.*?)\}", text, re.S)
            found[ops.group(1)] = set(re.findall(r'"(\w+)"', keys.group(1))) if keys else set()
    return found


def man_own_keys(text, section):
    """The same, as the entry of type says of each."""
    part = text[text.index(".It Cm type\n", text.index(f".Ss [{section}")):]
    types = re.split(r"^\.Cm (\w+) :\n", part[:part.index(".It Cm", 1)], flags=re.M)
    told = {kind: re.search(r"^The keys\n(.*?)are for this type only\.", words, re.M | re.S) for kind, words in zip(types[1::2], types[2::2])}
    return {kind: set(re.findall(r"\w+", re.sub(r"^and$|^\.Cm", "", keys.group(1), flags=re.M))) if keys else set()
            for kind, keys in told.items()}


@pytest.mark.parametrize("kind, section, key", [("source", "spark", "ui_port"), ("notify", "notify", "resend")])
def test_keys_of_each_type(root, man5, kind, section, key):
    """As its section says of itself."""
    keys = code_own_keys(root, kind)
    assert set(keys) == set(man_choices(man5, section, "type"))
    assert man_own_keys(man5, section) == keys
    assert man_own_keys(man5.replace(f"and\n.Cm {key}\n", ""), section) != keys


def test_planted_faults_in_keys_are_found(params, man5, shipped, shared, tmp_path):
    def tag(key):
        return re.search(rf"^\.It Cm {key}\n.*\n", man5, re.M).group()

    assert set(man_params(man5.replace(tag("idle_after"), ""))) == set(params) - {("rule", "idle_after")}
    twice = man5.replace(tag("idle_after"), tag("idle_after") + ".It Cm bogus\nGlob; default any.\n")
    assert set(man_params(twice)) == set(params) | {("rule", "bogus")}
    with pytest.raises(AssertionError):
        test_types_and_defaults_are_documented(params, man5.replace("default 15s", "default 10s"))
    with pytest.raises(AssertionError):
        test_types_and_defaults_are_documented(params, man5.replace("Number from 0 to 100", "Duration from 0 to 100"))
    with pytest.raises(AssertionError):
        man_params(man5.replace("Duration from 1s to 1h; default 10s.\n", ""))
    assert set(file_params(shipped.replace("#api = auto\n", ""), shared)) == set(params) - {("airflow", "api")}
    assert set(file_params(shipped + "#bogus = 1\n", shared)) == set(params) | {("rule", "bogus")}


def test_a_planted_bound_is_found(man5, binary, tmp_path):
    for bad in (man5.replace("from 1 to 1000", "from 1 to 1001"), man5.replace("from 1s to 1h", "from 100ms to 1h")):
        with pytest.raises(AssertionError):
            test_bounds_are_documented(bad, binary, tmp_path)


# The shipped file.

def uncommented(shipped):
    return re.sub(r"^#(\[|\w+ = )", r"\1", shipped, flags=re.M)


def test_shipped_file_is_good_as_it_is(root, binary):
    """It has no effect: what is in force is what is in force without it."""
    file = root / "etc/stagewatchd.conf"
    done = subprocess.run([binary, "--config", file, "--check-config"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert printed(binary, file) == printed(binary, "/dev/null")


def test_shipped_file_uncommented_is_the_default(params, binary, tmp_path, shipped, shared):
    file = tmp_path / "shipped.conf"
    file.write_text(uncommented(shipped))
    done = subprocess.run([binary, "--config", file, "--check-config"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    in_force = {}
    for section, key, value in printed(binary, file):
        if value is not None or (section, key) not in in_force:
            in_force[section, key] = value
    for key, (_, default) in params.items():
        stands = file_params(shipped)
        assert in_force[key] == stands[key] if key in stands else key[1] in shared, key
        assert default is None or key not in stands or in_force[key] == default, key
    assert in_force["rule", "hung_after_unproven"] == "30min"


def test_a_planted_default_is_found(params, binary, tmp_path, shipped, shared):
    with pytest.raises(AssertionError):
        test_shipped_file_uncommented_is_the_default(params, binary, tmp_path, shipped.replace("= 15s", "= 16s"), shared)
    with pytest.raises(AssertionError):
        test_shipped_file_uncommented_is_the_default(params, binary, tmp_path, shipped.replace("#app = *", "#app = * ;"), shared)


def test_shipped_file_is_written_for_a_person(shipped):
    lines = shipped.splitlines()
    assert max(len(line.encode()) for line in lines) <= 199
    for i, line in enumerate(lines):
        assert line == line.strip()
        if re.match(r"#\w+ = ", line) and not re.match(r"#(user|cluster|dag|task) = ", line):
            comments = 0
            while lines[i - 1 - comments].startswith("# "):
                comments += 1
            assert 1 <= comments <= 3, line


# stagewatchd(8).

def test_metrics(root, man8):
    metrics = code_metrics(root)
    assert len(metrics) > 20
    assert man_metrics(man8) == metrics


def test_verdicts(root, man8):
    assert len(code_verdicts(root)) >= 9
    assert man_verdicts(man8) == code_verdicts(root)


def test_what_a_table_names_is_in_use(root):
    """A metric that nobody adds, or a verdict that no check reaches and no scenario shows, is found."""
    def used(prefix, home):
        return {w for f, text in texts(root).items() if f.suffix == ".c" and f.name != home for w in re.findall(rf"\b{prefix}_\w+", text)}

    rows = re.findall(r"\{(VERDICT_\w+), \"(\w+)\"", table(root, "verdict_table"))
    scenarios = "".join(f.read_text() for f in (root / "tests/scenario").rglob("*.scn"))
    metrics = set(re.findall(r"\b(METRIC_\w+),\s+\"(?:stagewatch|process)_", table(root, "metric_defs")))
    assert metrics - used("METRIC", "metrics.c") == set()
    assert {name for name, _ in rows} - used("VERDICT", "verdict.c") == set()
    assert [word for _, word in rows if not re.search(rf"^expect.*\b{word}\b", scenarios, re.M)] == []


def test_causes(root, man8):
    assert len(code_causes(root)) == 12
    assert man_causes(man8) == code_causes(root)


def test_checks(root, man8):
    assert len(code_checks(root)) > 40
    assert man_checks(man8) == code_checks(root)
    assert len(code_symptoms(root)) == 8
    assert man_symptoms(man8) == code_symptoms(root)


def test_outcomes(root, man8):
    assert len(code_outcomes(root)) == 9
    assert man_outcomes(man8) == code_outcomes(root)


def test_options(binary, man8):
    assert len(help_options(binary)) >= 8
    assert man_options(man8) == help_options(binary)
    assert synopsis_options(man8) == help_options(binary)


def test_message_ids(root, man8):
    assert len(code_message_ids(root)) >= 4
    assert man_message_ids(man8) == code_message_ids(root)
    # In examples as well.
    for text in (man8, (root / "doc/runbook.md").read_text()):
        assert set(re.findall(r"MESSAGE_ID=([0-9a-f]+)", text)) <= code_message_ids(root)


def test_message_fields(root, man8):
    assert len(code_message_fields(root)) == 29
    assert man_message_fields(man8) == code_message_fields(root)


def test_severities_are_documented(root, man5):
    """Each event under the severity that it has."""
    found = {"critical": set(), "warning": set(), "info": set()}
    told = (re.findall(r'\{VERDICT_\w+, "(\w+)", \w+, true, \w+,\s+SEVERITY_(\w+)', table(root, "verdict_table"))
            + re.findall(r"\{OUTCOME_(\w+), SEVERITY_(\w+), true", table(root, "outcome_table"))
            + re.findall(r'= \{"(\w+)", SEVERITY_(\w+)', table(root, "own_table")))
    for event, severity in told:
        found[severity.lower()].add(event.lower())
    text = man5[man5.index(".It Cm min_severity"):man5.index("info: all others")]
    for severity in ("critical", "warning"):
        assert set(re.findall(r"\w+", re.search(rf"^{severity}:\n\.Cm (.*) ;$", text, re.M).group(1))) == found[severity]
    assert len(told) >= 16


def test_journal_fields(root, man8):
    assert len(code_fields(root)) == 9
    assert man_fields(man8) == code_fields(root)


def test_paths(root, man8):
    assert len(code_paths(root)) == 22
    assert man_paths(man8) == code_paths(root)


def test_no_word_is_left_over(root, params, man8, man5):
    """All that the page sets in bold is a key, a word of one, a verdict or an outcome."""
    words = {key for _, key in params} | code_verdicts(root) | code_outcomes(root) | code_causes(root)
    words |= {"closed", "storm", "slower", "executor_memory", "driver_memory"} | code_checks(root) | code_symptoms(root)
    words |= code_names(root, "AUDIT")
    for section, key in (k for k, (kind, _) in params.items() if kind == "ENUM"):
        words |= set(man_choices(man5, section, key))
    for text in (man8, man5):
        for line in re.findall(r"^\.(?:It )?Cm (.*)$", text, re.M):
            assert set(re.findall(r"[\w-]+", line)) <= words, line


@pytest.mark.parametrize("of_page, of_code, line, bogus", [
    (man_metrics, code_metrics, ".It Li stagewatch_actions_pending\n", ".It Li stagewatch_bogus\n"),
    (man_metrics, code_metrics, ".It Li stagewatch_up Ns Brq spark_cluster\n", ".It Li stagewatch_up Ns Brq cluster\n"),
    (man_metrics, code_metrics, ".It Li stagewatch_actions_total Ns Brq action,outcome\n",
     ".It Li stagewatch_actions Ns Brq action,outcome\n"),
    (man_verdicts, code_verdicts, ".It Cm phantom\n", ".It Cm bogus\n"),
    (man_causes, code_causes, ".It Cm shuffle_fetch\n", ".It Cm bogus\n"),
    (man_checks, code_checks, ".It Cm slot_memory\n", ".It Cm bogus\n"),
    (man_outcomes, code_outcomes, ".It Cm superseded\n", ".It Cm bogus\n"),
    (man_message_ids, code_message_ids, ".It Li c1f4c0cd6ef04b0c8a7a1f2d9b5e7a44\n", ".It Li " + "0" * 32 + "\n"),
    (man_fields, code_fields, ".It Ev APP_ID\n", ".It Ev BOGUS\n"),
    (man_paths, code_paths, ".It Pa /metrics\n", ".It Pa /bogus\n"),
    (man_message_fields, code_message_fields, ".It Va because\n", ".It Va bogus\n"),
])
def test_planted_faults_are_found(root, man8, of_page, of_code, line, bogus):
    assert man8.count(line) == 1
    good = of_code(root)
    assert of_page(man8) == good
    assert of_page(man8.replace(line, "")) != good
    assert of_page(man8.replace(line, bogus)) != good
    assert of_page(man8.replace(line, line + bogus)) != good


def test_planted_options_are_found(binary, man8):
    assert man_options(man8.replace(".It Fl -once\n", "")) == help_options(binary) - {"once"}
    assert man_options(man8.replace(".It Fl -once\n", ".It Fl -once\n.It Fl -twice\n")) == help_options(binary) | {"twice"}


# stagewatchctl(8).

@pytest.fixture(scope="module")
def man_ctl(root):
    return (root / "man/stagewatchctl.8").read_text()


@pytest.fixture(scope="module")
def client(build):
    return str(build / "stagewatchctl")


def code_verbs(root):
    return set(re.findall(r'\{\.name = "([\w-]+)"', table(root, "ctl_verbs")))


def man_verbs(text):
    return man_tags(text, "The verbs are as follows", "The options are as follows", r"^\.It Cm ([\w-]+)")


def code_orders(root):
    return set(re.findall(r'\{"(/[^"]*)", order_', table(root, "orders")))


def man_orders(text):
    return man_tags(text, ".Sh FILES", ".Sh EXIT STATUS", r"^\.Pa (/api/\S+)")


@pytest.mark.parametrize("shell, row", [("bash", r"^\tlocal verbs='([\w -]+)'$"), ("zsh", r"^\t'([a-z][\w-]+):"), ("fish", r" -a ([\w-]+) -d ")])
def test_completion_knows_each_verb(shell, row, root):
    text = (root / "etc/completion" / f"stagewatchctl.{shell}").read_text()
    found = " ".join(re.findall(row, text, re.M)).split()
    assert set(found) == code_verbs(root) and len(found) == len(set(found))
    for option in re.findall(r'\{"(\w+)", (?:no|required)_argument', (root / "src/ctl/verbs.c").read_text()):
        assert re.search(rf"--{option}\b|-l {option}\b", text), option
    if shutil.which(shell):
        assert subprocess.run([shell, "-n", root / "etc/completion" / f"stagewatchctl.{shell}"], capture_output=True).returncode == 0


def test_verbs_of_the_client(root, man_ctl, client):
    verbs = code_verbs(root)
    assert len(verbs) >= 5 and man_verbs(man_ctl) == verbs
    told = subprocess.run([client, "--help"], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  ([a-z][\w-]+)", told, re.M)) == verbs
    assert man_verbs(man_ctl.replace(".It Cm resume\n", "")) == verbs - {"resume"}


def test_options_of_the_client(man_ctl, client):
    options = help_options(client)
    assert len(options) >= 7 and man_options(man_ctl) == options
    assert man_options(man_ctl.replace(".It Fl -json\n", "")) == options - {"json"}


def test_orders_are_documented(root, man_ctl):
    assert code_orders(root) == man_orders(man_ctl) == {f"/api/v1/{order}" for order in (
        "pause", "resume", "ack", "ignore", "abort", "kill", "retry", "test-notify")}


def test_both_programs_know_the_same_socket(root, params, man_ctl):
    _, default = params["daemon", "control_socket"]
    assert code_words(root, r'CTL_SOCKET "([^"]*)"') == {default}
    assert f".Pa {default} .\n" in man_ctl
    assert "RuntimeDirectory=stagewatchd\n" in (root / "systemd/stagewatchd.service").read_text()


def test_exit_statuses_of_the_client(root, man_ctl):
    numbers = code_words(root, r"#define CTL_(?:OK|HANGS|FAILED|USAGE) (\d)")
    assert man_tags(man_ctl, ".Sh EXIT STATUS", ".Sh EXAMPLES", r"^\.It (\d)$") == numbers == {"0", "1", "2", "3"}


# The search for tables.

def test_a_table_that_moves_is_found_and_a_second_one_is_refused(root, tmp_path):
    for copy, place in (("moved", "src/elsewhere/words.c"), ("twice", "src/second.c")):
        shutil.copytree(root / "src", tmp_path / copy / "src")
        shutil.copytree(root / "include", tmp_path / copy / "include")
        home = next(f for f in (tmp_path / copy / "src").rglob("*.c") if "limit_params[] = {" in f.read_text())
        (tmp_path / copy / place).parent.mkdir(exist_ok=True)
        (tmp_path / copy / place).write_text(home.read_text())
        if copy == "moved":
            home.unlink()
    assert code_params(tmp_path / "moved") == code_params(root)
    with pytest.raises(AssertionError, match="limit_params.*2 definitions"):
        code_params(tmp_path / "twice")


# Layout.

def lint(file):
    return subprocess.run(["mandoc", "-Tlint", "-Wwarning", file], capture_output=True, text=True)


needs_mandoc = pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")


@needs_mandoc
@pytest.mark.parametrize("page", ["stagewatchd.8", "stagewatchctl.8", "stagewatchd.conf.5"])
def test_mandoc(root, page):
    done = lint(root / "man" / page)
    assert done.returncode == 0 and not done.stdout.strip(), done.stdout
    lines = (root / "man" / page).read_text().splitlines()
    assert all(len(line) <= 80 for line in lines if not line.startswith("."))


@needs_mandoc
@pytest.mark.parametrize("good, bad", [(".El\n", ""), (".Sh FILES\n", ".Sh\n"), (".Nm\n", ".Nmm\n")])
def test_mandoc_finds_planted_faults(man8, tmp_path, good, bad):
    page = tmp_path / "page.8"
    page.write_text(man8.replace(good, bad, 1))
    assert lint(page).returncode != 0
