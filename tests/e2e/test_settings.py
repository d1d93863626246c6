# SPDX-License-Identifier: Apache-2.0
"""The settings we ship are ones that real Spark and real Airflow have, with the defaults that the comments name."""
import json
import os
import re
import subprocess

import lab
import pytest

SPARK = lab.REPO / "etc" / "spark" / "spark-defaults.conf"
# Spark 3.5 has it without having registered it.
READ_BY_NAME = {"spark.stage.maxConsecutiveAttempts"}
COMPOSE = {name: lab.REPO / "etc" / "compose" / f"{name}.yml" for name in ("spark", "airflow")}


def settings(text):
    """[(key, value, proposal?, default as the comment has it, version or None)] of spark-defaults.conf."""
    found, comment = [], []
    for line in text.splitlines():
        setting = re.fullmatch(r"(#?)(spark\.\S+)\s+(\S.*)", line)
        if setting:
            words = " ".join(comment)
            default = re.search(r"Default: (.+)$", words)
            assert default, f"{setting.group(2)}: its comment does not end with a default"
            assert "Costs: " in words, f"{setting.group(2)}: its comment does not say what it costs"
            since = re.search(r"\b(\d+\.\d+\.\d+)\b(?=[.,])", words)
            found.append((setting.group(2), setting.group(3), bool(setting.group(1)), default.group(1), since and since.group(1)))
            comment = []
        elif line.startswith("# "):
            comment.append(line[2:])
        else:
            assert line == "", line
            comment = []
    return found


def older(version, since):
    """Whether this Spark is from before the one that a comment names."""
    return bool(since) and [int(n) for n in version.split(".")] < [int(n) for n in since.split(".")]


def says(default, version):
    """What a comment's default means for this version of Spark."""
    number = [int(n) for n in version.split(".")[:2]]
    words = re.fullmatch(r"(.+?)(?:, from (\S+) on (\S+))?(?:, in (\S+) (\S+))?(?:, never|, but .*)?", default)
    value, since, later, only, other = words.groups()
    if since and number >= [int(n) for n in since.split(".")]:
        return later
    return other if only and number == [int(n) for n in only.split(".")] else value


def real(known, key):
    """What Spark says is the default, in the comment's words."""
    default = known[key][0]
    if reference := re.fullmatch(r"<value of (\S+)>", default):
        return real(known, reference.group(1))
    # Some entries have none and fall back where they are read.
    if default in ("<undefined>", ""):
        return "as spark.network.timeout" if key.startswith("spark.rpc.") else "none"
    return re.sub(r"^(-?\d+)ms$", r"\1", default) if default in ("0ms", "-1ms") else default


def faults(text, spark):
    """What is wrong with a file of settings, held against what a Spark said."""
    wrong = []
    for key, _, _, default, since in settings(text):
        if key not in spark["known"]:
            if older(spark["version"], since) or key in READ_BY_NAME and older(spark["version"], "4.0.0"):
                continue
            wrong.append(f"{key}: Spark {spark['version']} does not know it")
            continue
        if real(spark["known"], key) != says(default, spark["version"]):
            wrong.append(f"{key}: the default is {real(spark['known'], key)}, not {default}")
        if (spark["known"][key][1] if spark["known"][key][1] >= "4" else None) != since:
            wrong.append(f"{key}: came with {spark['known'][key][1]}, not {since}")
    return wrong + [f"{key}: {error}" for key, error in spark["bad"].items()]


def in_force(spark, key):
    """A value as the file has it: Spark puts options of its own before those for Java."""
    value = spark["set"].get(key)
    return value.split()[-1] if value and key.endswith("JavaOptions") else value


def ask_spark(tmp_path, text):
    """What the real Spark says of itself with this file; $STAGEWATCHD_SPARK: another environment than ours."""
    env = os.environ.get("STAGEWATCHD_SPARK") or lab.env_dir("spark")
    home = next(lab.Path(env).glob("lib/python3*/site-packages/pyspark"))
    properties, answer = tmp_path / "spark-defaults.conf", tmp_path / "answer.json"
    properties.write_text(text)
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_", "PYTHON"))}
    environ.update({"PYSPARK_PYTHON": f"{env}/bin/python3", "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1",
                    "SPARK_LOCAL_DIRS": str(tmp_path)})
    done = subprocess.run(
        [home / "bin" / "spark-submit", "--master", "local[1]", "--properties-file", properties, "--conf", "spark.ui.enabled=false",
         lab.E2E / "jobs" / "settings.py", answer],
        env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(answer.read_text())


@pytest.fixture(scope="module")
def shipped():
    return SPARK.read_text()


@pytest.fixture(scope="module")
def answered(tmp_path_factory, shipped):
    return ask_spark(tmp_path_factory.mktemp("shipped"), shipped)


def test_spark_takes_them(shipped, answered):
    assert faults(shipped, answered) == []
    for key, value, proposal, _, _ in settings(shipped):
        assert in_force(answered, key) == (None if proposal else value), key
    # 4g, less what a collector keeps for itself.
    assert 3600 <= answered["heap"] <= 4096
    assert answered["python"] == 14


def test_spark_takes_the_proposals(tmp_path, shipped, answered):
    every = re.sub(r"^#(spark\.)", r"\1", shipped, flags=re.M)
    if older(answered["version"], "4.0.0"):
        every = re.sub(r"^spark\.plugins", "#spark.plugins", every, flags=re.M)
    answered = ask_spark(tmp_path, every)
    assert answered["bad"] == {}
    for key, value, proposal, *_ in settings(every):
        assert in_force(answered, key) == (None if proposal else value), key
    assert answered["python"] == 14


@pytest.mark.parametrize("good, bad, fault", [
    ("spark.network.timeout  ", "spark.network.timeouts  ", "does not know it"),
    ("# Default: 120s", "# Default: 60s", "the default is 120s"),
    ("4.0.0. Costs: nothing by itself", "4.1.0. Costs: nothing by itself", "came with 4.0.0"),
    ("Default: false, from 4.2 on true", "Default: false", "the default is true"),
])
def test_planted_faults_are_found(shipped, answered, good, bad, fault):
    assert good in shipped
    assert any(fault in found for found in faults(shipped.replace(good, bad, 1), answered))


def test_a_value_that_is_none_is_found(tmp_path, shipped):
    text = shipped.replace("spark.task.reaper.killTimeout                           120s",
                           "spark.task.reaper.killTimeout                           soon")
    assert text != shipped
    assert list(ask_spark(tmp_path, text)["bad"]) == ["spark.task.reaper.killTimeout"]


def test_the_document_names_real_keys(answered):
    """Every Spark key of doc/preventing-hangs.md is one."""
    text = (lab.REPO / "doc" / "preventing-hangs.md").read_text()
    named = set(re.findall(r"`(spark\.[\w.]+\w)", text))
    assert len(named) > 20
    assert sorted(named - set(answered["known"])) == []


# Compose. Airflow's environment has the parser that the system's Python may lack.

SERVICE = {"mem_limit": str, "memswap_limit": str, "cpus": (int, float), "init": bool, "restart": str, "stop_grace_period": str,
           "environment": dict, "volumes": list, "ulimits": dict, "shm_size": str, "image": str, "command": (str, list)}


def compose(text):
    """(what a Compose file says, what is no key of a service or not of its type, as docs.docker.com has them)."""
    done = subprocess.run([lab.env_dir("airflow3") / "bin" / "python3", "-c", "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))"],
                          input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    errors = [key for key in said if key not in ("services", "volumes", "networks") and not key.startswith("x-")]
    for name, service in said["services"].items():
        errors += [f"{name}: {key}" for key, value in service.items() if not isinstance(value, SERVICE.get(key, ()))]
    return said, errors


def test_compose_is_compose():
    for file in COMPOSE.values():
        said, errors = compose(file.read_text())
        assert errors == []
        for name, service in said["services"].items():
            assert service.get("mem_limit") == service.get("memswap_limit"), f"{name} may swap"
    for good, bad in (("memswap_limit", "memswap"), ("cpus: 4", "cpus: [4]")):
        text = COMPOSE["airflow"].read_text()
        assert good in text and compose(text.replace(good, bad))[1] != []


def test_memory_fits(shipped):
    """What Spark is told it may use is below what the containers have."""
    value = {key: value for key, value, *_ in settings(shipped)}
    spark, airflow = (compose(COMPOSE[name].read_text())[0]["services"] for name in ("spark", "airflow"))
    worker = spark["spark-worker"]
    gib = {"spark.driver.memory": airflow["airflow-worker"]["mem_limit"], "spark.executor.memory": worker["mem_limit"]}
    for key, limit in gib.items():
        assert int(value[key].removesuffix("g")) + 1 < int(limit.removesuffix("g")), key
    assert worker["environment"]["SPARK_WORKER_MEMORY"] == value["spark.executor.memory"]
    assert worker["environment"]["SPARK_WORKER_CORES"] == value["spark.executor.cores"]


def uncommented(text):
    """Keys with a value of a Compose file whose comment does not say what they cost, or what the default is."""
    found, words = [], ""
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            words = f"{words} {line.strip(' #')}"
            continue
        key = re.fullmatch(r" +([A-Z_]+|mem_limit|memswap_limit|cpus|init|restart|stop_grace_period): .+", line)
        if key and not ("Costs: " in words and "Default: " in words):
            found.append(key.group(1))
        words = ""
    return found


@pytest.mark.parametrize("name", COMPOSE)
def test_each_has_its_cost_and_default(name):
    text = COMPOSE[name].read_text()
    assert uncommented(text) == []
    said = compose(text)[0]
    keys = set(said.get("x-airflow-2", ()))
    for service in said["services"].values():
        keys |= (set(service) | set(service["environment"])) - {"environment", "volumes"}
    assert set(uncommented(text.replace("Costs: ", ""))) == keys


# What an Airflow says of the keys given; one that it has not, it logs as such.
AIRFLOW_KEYS = """
import json, sys
from airflow.configuration import conf
from airflow.exceptions import AirflowConfigException
answer = {}
for name in json.load(sys.stdin):
    section, key = name.removeprefix("AIRFLOW__").lower().split("__")
    try:
        answer[name] = conf.get(section, key)
    except AirflowConfigException:
        answer[name] = None
print("ANSWER " + json.dumps(answer))
"""


def in_airflow(tmp_path, part, script, asked=None, **environ):
    """What a script says that runs in an Airflow."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "PYTHON"))}
    done = subprocess.run([lab.env_dir(part) / "bin" / "python3", "-W", "ignore", "-c", script], input=json.dumps(asked),
                          env={**clean, "AIRFLOW_HOME": str(tmp_path), **environ}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(re.search(r"^ANSWER (.*)$", done.stdout, re.M).group(1))


def ask_airflow(tmp_path, part, names, **environ):
    """{variable: the option's value; None where this Airflow has no such option}."""
    return in_airflow(tmp_path, part, AIRFLOW_KEYS, list(names), **environ)


def defaults(text):
    """{variable: default as the comment above it has it}."""
    found, words = {}, ""
    for line in text.splitlines():
        if match := re.fullmatch(r"  (AIRFLOW__\w+): .*", line):
            found[match.group(1)] = re.search(r"Default: ([^.]+(?:\.\d+)?)\.(?: |$)", words).group(1)
            words = ""
        else:
            words = f"{words} {line.strip(' #')}" if line.lstrip().startswith("#") else ""
    return found


@pytest.mark.parametrize("part, mine, other", [("airflow3", "x-airflow-3", "x-airflow-2"), ("airflow2", "x-airflow-2", "x-airflow-3")])
def test_airflow_has_the_options(tmp_path, part, mine, other):
    text = COMPOSE["airflow"].read_text()
    said = compose(text)[0]
    comments = defaults(text)
    assert set(comments) == set(said["x-airflow"]) | set(said[mine]) | set(said[other])
    own = [*said["x-airflow"], *said[mine]]
    have = ask_airflow(tmp_path, part, own)
    for name in own:
        assert have[name] is not None, f"{part} has no {name}"
        default = comments[name]
        assert have[name] == "" if default == "none" else float(have[name]) == float(default), name
    # And the value given is the one in force.
    assert ask_airflow(tmp_path, part, own, **{k: said["x-airflow"].get(k) or said[mine][k] for k in own}) == {
        k: said["x-airflow"].get(k) or said[mine][k] for k in own}
    # What the other version calls otherwise is not known here, but for one that is left in 3.x and without effect.
    left = {"AIRFLOW__CORE__KILLED_TASK_CLEANUP_TIME"} if part == "airflow3" else set()
    assert {k for k, v in ask_airflow(tmp_path, part, said[other]).items() if v is not None} == left


@pytest.mark.parametrize("part", ["airflow3", "airflow2"])
def test_options_that_do_not_exist_are_told_from_those_that_do(tmp_path, part):
    names = ["AIRFLOW__CELERY__WORKER_MEMORY_LIMIT", "AIRFLOW__CORE__WORKER_PREFETCH_MULTIPLIER", "AIRFLOW__CORE__PARALLELISM"]
    assert [v is not None for v in ask_airflow(tmp_path, part, names).values()] == [False, False, True]


# What is made of a DAG that says nothing of itself, where DAGs are parsed.
PARSE = """
import json
from datetime import datetime
from airflow.sdk import DAG, BaseOperator
from airflow.serialization.serialized_objects import DagSerialization
with DAG("d", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
    BaseOperator(task_id="t")
print("ANSWER " + json.dumps(DagSerialization.to_dict(dag)))
"""
# And what the scheduler reads of it.
READ = """
import json, sys
from airflow.serialization.serialized_objects import DagSerialization
dag = DagSerialization.from_dict(json.load(sys.stdin))
task = dag.get_task("t")
print("ANSWER " + json.dumps([dag.max_active_runs, task.retries, task.retry_delay.total_seconds(),
                              task.execution_timeout and task.execution_timeout.total_seconds()]))
"""


def test_what_a_dag_leaves_open_is_filled_in_where_it_is_parsed(tmp_path):
    services = compose(COMPOSE["airflow"].read_text())[0]["services"]

    def seen(parser, scheduler):
        return in_airflow(tmp_path, "airflow3", READ, in_airflow(tmp_path, "airflow3", PARSE, **parser), **scheduler)

    parser, scheduler = (services[f"airflow-{name}"]["environment"] for name in ("dag-processor", "scheduler"))
    assert seen(parser, scheduler) == [1, 1, 300, 43200]
    # The scheduler's settings alone do not heal it.
    assert seen({}, scheduler)[:2] == [16, 0]


def test_all_that_parse_or_run_have_settings_and_policy():
    said = compose(COMPOSE["airflow"].read_text())[0]
    assert set(said["services"]) == {"airflow-scheduler", "airflow-dag-processor", "airflow-worker"}
    for name, service in said["services"].items():
        assert service["environment"] == {**said["x-airflow-3"], **said["x-airflow"]}, name
        mounts = {v["target"]: v for v in service["volumes"]}
        policy = mounts["/opt/airflow/config/airflow_local_settings.py"]
        assert policy["source"].startswith("${STAGEWATCHD_SHARE:?") and policy["source"].endswith("}/airflow/airflow_local_settings.py")
        # What is not there is an error, not a directory of that name.
        assert all(v["type"] == "bind" and v["read_only"] and v["bind"] == {"create_host_path": False} for v in mounts.values()), name
