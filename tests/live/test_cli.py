# SPDX-License-Identifier: Apache-2.0
"""The command line: options, exit statuses, configuration, the first look."""
import re
import subprocess

import pytest
from harness import Daemon, driver_section, master_section
from fakes import Driver, Master, free_port


def run(binary, *args):
    return subprocess.run([binary, *args], capture_output=True, text=True, timeout=60)


def test_help_and_version(binary):
    assert run(binary, "--help").stdout.startswith("stagewatchd [--config FILE]")
    assert run(binary, "--version").stdout == "stagewatchd 0.1.0\n"


@pytest.mark.parametrize("args", [["--bogus"], ["extra"], ["--once", "--check-config"], ["--config"], ["--config", "/nonexistent/x", "--once"]])
def test_usage(args, binary):
    done = run(binary, *args)
    assert done.returncode == 3 and done.stderr and not done.stdout


def test_all_faults_at_once(binary, tmp_path):
    conf = tmp_path / "c.conf"
    conf.write_text("""[daemon]
poll_interval = 1ms
mode = maybe
mode = act
bogus = 1
[web]
listen = nowhere
[spark]
url = http://a
[spark a]
type = mesos
[spark b]
type = standalone
[spark c]
url = http://a:1-9999
[spark d]
url = ftp://a
[airflow x]
url = http://a
[rule empty]
action = retry
[rule order]
app = *
hung_after = 10min
hung_after_unproven = 5min
[rule far]
app = *
airflow = nobody
[nonsense]
[daemon]
shard = 3/2
""")
    done = run(binary, "--config", conf, "--check-config")
    assert done.returncode == 3
    said = done.stderr
    for line, text in ((2, "poll_interval: below 1s"), (3, "mode: not one of observe, act"), (4, "mode was set already in line 3"),
                       (5, "unknown key in [daemon]: bogus"), (7, "listen: not an address"), (8, "[spark] needs a name"),
                       (11, "type: not one of driver, standalone"), (12, "url is missing"), (15, "http://a:1-9999: not a URL"),
                       (17, "ftp://a: a URL begins with"), (18, "username and password_file are needed"),
                       (20, "matches nothing"), (25, "hung_after_unproven is below hung_after"),
                       (28, "airflow: there is no [airflow] section of that name"), (26, "never holds: [rule order] stands before it"), (29, "unknown section [nonsense]"),
                       (31, "shard: not K/N such as 2/3, with K from 1 to N")):
        assert f"{conf}:{line}: {text}" in said, (line, text, said)
    assert f"{conf}:10: url is missing" in said
    assert said.count("\n") == 18, said


DOUBTFUL = [
    ("rule r", "app = \"etl\"", "app: the quotes are part of the value"),
    ("rule r", "app = etl* # nightly", "app: what follows # is part of the value"),
    ("rule r", "app = ^etl", "app: a glob, no regular expression"),
    ("rule r", "app = etl$", "app: a glob, no regular expression"),
    ("rule r", "app = [prod] etl", "app: [...] matches one character"),
    ("rule r", "app = etl[", "app: [ has no ]"),
    ("rule r", "app = etl*, ml*", "app: one glob, not a list"),
    ("rule r", "dag = etl daily", "dag: matches nothing"),
    ("rule r", "task = a/b", "task: matches nothing"),
    ("rule r", "cluster = nowhere", "cluster: no [spark] section has a name that it matches"),
    ("notify r", "cluster = nowhere", "cluster: no [spark] section has a name that it matches"),
    ("notify r", "rule = nowhere", "rule: no [rule] section has a name that it matches"),
    ("maintenance r", "cluster = nowhere", "cluster: no [spark] section has a name that it matches"),
    ("rule r", "action = retry", "action: kill and retry need an [airflow] section"),
]
REST = {"rule r": "user = *", "notify r": "url = http://a", "maintenance r": "from = 22:00\nto = 06:00"}


@pytest.mark.parametrize("section, line, text", DOUBTFUL)
def test_what_is_hardly_meant(section, line, text, binary, tmp_path):
    """Well-formed, so the daemon starts with it; --check-config calls it a fault, in its line."""
    conf = tmp_path / "c.conf"
    conf.write_text(f"[{section}]\n{line}\n{REST[section]}\n[spark c]\nurl = http://127.0.0.1:4040\n[web]\nlisten = 127.0.0.1:0\n")
    done = run(binary, "--config", conf, "--check-config")
    assert done.returncode == 3 and f"{conf}:2: {text}" in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1
    assert run(binary, "--config", conf, "--print-config").returncode == 0


@pytest.mark.parametrize("line", ["app = etl_[0-9]", "app = [!x]*", "app = \\[prod\\] etl", "app = a\\,b", "app = etl#1", "dag = a.b-c_*", "user = o'neil"])
def test_what_is_meant_is_no_fault(line, binary, tmp_path):
    conf = tmp_path / "c.conf"
    conf.write_text(f"[rule r]\n{line}\n")
    done = run(binary, "--config", conf, "--check-config")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("first, second, never", [
    ("app = *", "dag = x", True), ("app = etl*", "app = etl_daily*", True), ("dag = x", "dag = x\ntask = y", True),
    ("cluster = *", "app = a", True), ("dag = *", "app = a", False), ("dag = *", "dag = a", True), ("user = *", "app = a", True),
    ("app = etl_daily*", "app = etl*", False), ("app = a?", "app = a*", False), ("dag = x\ntask = y", "dag = x", False),
])
def test_a_rule_behind_one_that_matches_all(first, second, never, binary, tmp_path):
    conf = tmp_path / "c.conf"
    conf.write_text(f"[rule one]\n{first}\n[rule two]\n{second}\n")
    done = run(binary, "--config", conf, "--check-config")
    covered = "never holds: [rule one] stands before it" in done.stderr
    assert (done.returncode, covered) == ((3, True) if never else (0, False)), done.stderr


@pytest.mark.parametrize("kind, needed, keys", [
    ("command", "command = /bin/true", "url url_file format template header authorization_file username password_file secret_file ca_file resend"),
    ("webhook", "url = http://a", "command argument"),
])
def test_keys_of_another_notify_type_are_refused(kind, needed, keys, binary, tmp_path):
    conf = tmp_path / "c.conf"
    for key in keys.split():
        value = {"format": "json", "resend": "1min", "url": "http://b"}.get(key, "/x")
        conf.write_text(f"[notify n]\n{key} = {value}\n{needed}\ntype = {kind}\n")
        done = run(binary, "--config", conf, "--check-config")
        assert done.returncode == 3 and f"{conf}:2: {key} is no key of type = {kind}" in done.stderr, done.stderr
    conf.write_text(f"[notify n]\n{needed}\ntype = {kind}\ntimeout = 5s\n")
    one = run(binary, "--config", conf, "--print-config").stdout
    assert not set(keys.split()) & {line.strip("# ").split(" ")[0] for line in one[one.index("[notify"):].splitlines()}
    conf.write_text(one)
    assert run(binary, "--config", conf, "--print-config").stdout == one


@pytest.mark.parametrize("kind", ["driver", "standalone", "yarn"])
def test_keys_of_kubernetes_are_refused_elsewhere(kind, binary, tmp_path):
    conf, keys = tmp_path / "c.conf", "namespace label_selector ui_via ui_port".split()
    for key in keys:
        value = {"ui_via": "proxy", "ui_port": "4041"}.get(key, "x")
        conf.write_text(f"[spark s]\n{key} = {value}\ntype = {kind}\nurl = http://127.0.0.1:4040\n")
        done = run(binary, "--config", conf, "--check-config")
        assert done.returncode == 3 and f"{conf}:2: {key} is no key of type = {kind}" in done.stderr, done.stderr
    conf.write_text(f"[spark s]\ntype = {kind}\nurl = http://127.0.0.1:4040\n")
    printed = run(binary, "--config", conf, "--print-config").stdout
    section = printed[printed.index("[spark"):]
    assert not set(keys) & {line.strip("# ").split(" ")[0] for line in section.splitlines()}


@pytest.mark.parametrize("sections, fault", [
    ("[spark k]\ntype = kubernetes\nurl = http://127.0.0.1:1\n", True),
    ("[spark k]\ntype = kubernetes\nurl = http://127.0.0.1:1\n[spark d]\nurl = http://127.0.0.1:2\n", False),
])
def test_a_retry_that_pods_do_not_allow(sections, fault, binary, tmp_path):
    conf = tmp_path / "c.conf"
    (tmp_path / "password").write_text("x")
    (tmp_path / "password").chmod(0o600)
    airflow = f"[airflow a]\nurl = http://127.0.0.1:3\nusername = u\npassword_file = {tmp_path}/password\n"
    conf.write_text(f"[rule r]\naction = retry\nretry_via = airflow\napp = *\n{airflow}{sections}")
    done = run(binary, "--config", conf, "--check-config")
    text = f"{conf}:3: retry_via: not for [spark k]: several operators take a driver's pod that is gone for success"
    assert (done.returncode, text in done.stderr) == ((3, True) if fault else (0, False)), done.stderr


@pytest.mark.parametrize("line, text", [
    ("[spark s]\ntype = standalone\nurl = http://m:80800", "url: http://m:80800: a port is a number from 1 to 65535"),
    ("[spark s]\ntype = driver\nurl = http://m:70000", "url: http://m:70000: a port is a number"),
    ("[spark s]\ntype = driver\nurl = http://m:4040-70000", "http://m:4040-70000: not a URL with a port"),
    ("[spark s]\ntype = yarn\nurl = http://a:1, http://b:2", "url: http://a:1, http://b:2: one URL, not a list"),
    ("[airflow a]\nusername = u\nurl = http://a:99999", "url: http://a:99999: a port is a number"),
    ("[web]\nlisten = 127.0.0.1:0\nexternal_url = http://h:65536", "external_url: http://h:65536: a port"),
    ("[probe]\nenabled = yes\nport = 65536", "port: above 65535"),
    ("[probe]\ntls = yes\nclient_key_file = /x", "client_key_file: only beside client_cert_file"),
    ("[rule r]\napp = *\nhung_after = 10", "hung_after: a time needs its unit"),
    ("[rule r]\napp = *\nhung_after = 10min # ten", "hung_after: not a duration such as 90s or 10min; what follows # is part"),
    ("[rule r]\napp = *\naction = \"kill\"", 'action: not one of none, notify, kill, retry; the quotes are part'),
])
def test_values_that_are_refused(line, text, binary, tmp_path):
    conf = tmp_path / "c.conf"
    conf.write_text(line + "\n")
    done = run(binary, "--config", conf, "--check-config")
    assert done.returncode == 3 and f"{conf}:3: {text}" in done.stderr, done.stderr
    assert run(binary, "--config", conf, "--print-config").returncode == 3


@pytest.mark.parametrize("content, mode, text", [
    (None, 0, "No such file or directory"), ("", 0o600, "empty"), ("a\nb\n", 0o600, "holds more than one line"),
    ("hush\n", 0o644, "every user of this host may read it"), ("hush\n", 0o640, None),
])
@pytest.mark.parametrize("section", ["airflow a", "spark b", "notify c"])
def test_secrets_are_checked(section, content, mode, text, binary, tmp_path):
    secret, conf = tmp_path / "secret", tmp_path / "c.conf"
    if content is not None:
        secret.write_text(content)
        secret.chmod(mode)
    conf.write_text(f"[{section}]\nurl = http://a:1\nusername = u\npassword_file = {secret}\n")
    done = run(binary, "--config", conf, "--check-config")
    if text:
        assert done.returncode == 3 and re.search(f"^{re.escape(str(conf))}:4: password_file: .*{text}", done.stderr, re.M), done.stderr
    else:
        assert done.returncode == 0, done.stderr
    assert "hush" not in done.stderr


def test_a_secret_that_is_no_url(binary, tmp_path):
    secret, conf = tmp_path / "secret", tmp_path / "c.conf"
    secret.write_text("hook.example\n")
    secret.chmod(0o600)
    conf.write_text(f"[notify c]\nurl_file = {secret}\n")
    done = run(binary, "--config", conf, "--check-config")
    assert done.returncode == 3 and "[notify c]" in done.stderr and "hook.example" not in done.stderr


def test_print_config_round_trip(binary, tmp_path):
    first = tmp_path / "a.conf"
    first.write_text("[daemon]\nmode = act\n[spark a]\nurl = http://127.0.0.1:4040-4042\nurl = http://b:1\n[airflow x]\nurl = http://a\n"
                     "username = u\npassword_file = p\n[rule r]\napp = etl*\nhung_after = 90s\naction = kill\n")
    one = run(binary, "--config", first, "--print-config").stdout
    second = tmp_path / "b.conf"
    second.write_text(one)
    assert run(binary, "--config", second, "--print-config").stdout == one
    assert "hung_after_unproven = 270s" in one and "hung_after = 90s" in one


def test_drop_ins_come_first(binary, tmp_path):
    conf = tmp_path / "c.conf"
    conf.write_text("[daemon]\npoll_interval = 20s\nmode = observe\n[rule last]\napp = *\n")
    (tmp_path / "c.conf.d").mkdir()
    (tmp_path / "c.conf.d/10.conf").write_text("[daemon]\npoll_interval = 30s\n[rule first]\napp = x\n")
    out = run(binary, "--config", conf, "--print-config").stdout
    assert "poll_interval = 30s" in out and "mode = observe" in out
    assert out.index("[rule first]") < out.index("[rule last]")
    (tmp_path / "c.conf.d/20.conf").write_text("[daemon]\npoll_interval = 0s\n")
    done = run(binary, "--config", conf, "--check-config")
    assert f"{tmp_path}/c.conf.d/20.conf:2: poll_interval" in done.stderr


def once(binary, tmp_path, sections):
    d = Daemon(binary, tmp_path, sections)
    return run(binary, "--config", d.config, "--once")


def test_once_hung(binary, tmp_path, started):
    master, driver = started(Master), started(Driver, "app-1")
    master.add(driver)
    driver.stages[0].update(stageId=103, numTasks=6, numActiveTasks=6, firstTaskLaunchedTime="2026-01-01T00:00:00.000GMT")
    done = once(binary, tmp_path, master_section("m", master))
    assert done.returncode == 1, done.stdout + done.stderr
    head, row = done.stdout.splitlines()
    assert head.split("  ")[0] == "CLUSTER" and "NO PROGRESS FOR" in head
    assert row.split()[:3] == ["m", "app-1", "etl"] and "103    (0 + 6) / 6" in row and row.endswith("hung")
    assert {r[1] for r in master.requests + driver.requests} == {"GET"}


def test_once_well(binary, tmp_path, started):
    driver = started(Driver)
    driver.moving = True
    done = once(binary, tmp_path, driver_section("one", driver))
    assert done.returncode == 0 and "progressing" in done.stdout
    assert len(driver.asked("GET", "/stages")) == 2


def test_once_nothing(binary, tmp_path):
    done = once(binary, tmp_path, f"[spark one]\nurl = http://127.0.0.1:{free_port()}\n")
    assert (done.returncode, done.stdout) == (0, "No running Spark application was found.\n")


def test_once_unknown(binary, tmp_path, started):
    driver = started(Driver)
    driver.faults.append((None, "/stages", driver.garbage))
    done = once(binary, tmp_path, driver_section("one", driver))
    assert done.returncode == 2
    done = once(binary, tmp_path, f"[spark one]\ntype = standalone\nurl = http://127.0.0.1:{free_port()}\n")
    assert done.returncode == 2 and "could be looked at" in done.stdout


def test_once_needs_no_airflow_secret(binary, tmp_path):
    sections = f"[spark one]\nurl = http://127.0.0.1:{free_port()}\n[airflow a]\nurl = http://a\nusername = u\npassword_file = /nonexistent/p\n"
    assert once(binary, tmp_path, sections).returncode == 0
    d = Daemon(binary, tmp_path, sections)
    assert run(binary, "--config", d.config).returncode == 3


@pytest.mark.parametrize("section", ["airflow a", "spark b", "notify c"])
def test_a_secret_that_cannot_be_read(section, binary, tmp_path):
    """The reason, once, and no errno after it; a configuration that wants what is not there is wrong."""
    sections = f"[{section}]\nurl = http://a\nusername = u\npassword_file = airflow-password\n"
    d = Daemon(binary, tmp_path, sections)
    assert run(binary, "--config", d.config, "--check-config").returncode == 0
    for mode in ([], ["--check-access"]):
        done = run(binary, "--config", d.config, *mode)
        said = [line for line in done.stderr.splitlines() if "[" in line or "Fail" in line]
        assert done.returncode == 3 and len(said) == 1, done.stderr
        assert f"[{section}] password_file: airflow-password: " in said[0]


