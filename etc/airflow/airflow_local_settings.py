# SPDX-License-Identifier: Apache-2.0
"""Airflow cluster policy: names the owning task instance to every Spark application.

Each Spark application that a task starts gets these properties:

    spark.airflow.dag_id  .run_id  .task_id  .map_index  .try_number
    spark.airflow.identity     the same five in hexadecimal, one a line, because Spark
                               redacts values with "token", "secret" or "password"

stagewatchd reads them from Spark, and so knows which task instance to end or retry.
No DAG has to change.

Installation, one of the two:

  * Airflow 2.6 or later: `pip install` the directory of this file wherever DAGs are
    parsed or tasks run, and restart Airflow. The package stagewatch-airflow-policy holds
    this very file, and works beside an airflow_local_settings.py of yours.
  * Put this file into $AIRFLOW_HOME/config/ of every machine that parses DAGs or runs
    tasks, and restart Airflow. If you already have an airflow_local_settings.py, put
    this file beside it as stagewatchd_policy.py and call it from yours:

        import stagewatchd_policy

        def task_policy(task):
            stagewatchd_policy.task_policy(task)
            ...                                     # what you had

        def pod_mutation_hook(pod):
            stagewatchd_policy.pod_mutation_hook(pod)
            ...

        def get_airflow_context_vars(context):
            return {**stagewatchd_policy.get_airflow_context_vars(context)}    # and yours

How it works:

  * SparkSubmitOperator and its subclasses, mapped or not, get the properties through
    their templated `conf`. Properties that the DAG's author set there are kept.
  * Every task gets them in the environment variable SPARK_SUBMIT_OPTS. Spark's
    launcher passes it to the driver as Java properties. This covers spark-submit,
    spark-sql and spark-shell in Bash tasks, and a SparkSession made in a Python task.
    An earlier value of the variable is kept. An explicit --conf wins.
  * Pods of KubernetesPodOperator get the variable in their containers, and the
    annotations dag_id, run_id, task_id, map_index and try_number, as KubernetesExecutor
    gives them to its workers. Labels of these names are hashed, annotations are not.
  * Every task gets AIRFLOW_CTX_MAP_INDEX, which Airflow itself does not set.

It does not reach:

  * applications that a task starts elsewhere: over SSH, in a container, by a remote
    service, by a SparkApplication;
  * a script, image or spark-env.sh that sets SPARK_SUBMIT_OPTS anew. In a pod the
    variable takes the place of one that the image sets: set that on the operator;
  * sessions made in the DAG file itself, outside a task.

This file must never break a task: each failure is logged, and the task goes on.
Python 3.8 or later, Airflow 2.5 to 3.3.
"""

import logging
import os
import re
import shlex

log = logging.getLogger(__name__)

# Only these are hooks of Airflow; the rest is internal.
__all__ = ["task_policy", "pod_mutation_hook", "get_airflow_context_vars"]

_TEMPLATES = {
    "spark.airflow.dag_id": "{{ ti.dag_id }}",
    "spark.airflow.run_id": "{{ ti.run_id }}",
    "spark.airflow.task_id": "{{ ti.task_id }}",
    "spark.airflow.map_index": "{{ ti.map_index }}",
    "spark.airflow.try_number": "{{ ti.try_number }}",
    "spark.airflow.identity": "{{ (ti.dag_id ~ '\\n' ~ ti.run_id ~ '\\n' ~ ti.task_id ~ '\\n'"
    " ~ ti.map_index ~ '\\n' ~ ti.try_number).encode().hex() }}",
}
_OPTS = "SPARK_SUBMIT_OPTS"
# An option that this file added, as shlex.quote writes it.
_OURS = re.compile(
    r"(?:^|\s)-Dspark\.airflow\.(?:dag_id|run_id|task_id|map_index|try_number|identity)="
    r"(?:'[^']*'|\"[^\"]*\"|[^\s'\"])*"
)
_XCOM_SIDECAR = "airflow-xcom-sidecar"

# The task instance whose process this is: its ids, and the options that name it to Spark.
_current = None


def task_policy(task):
    """Add the properties to a SparkSubmitOperator's conf. Runs where DAGs are parsed."""
    try:
        if _is_a(type(task), "SparkSubmitOperator"):
            _tag_operator(task)
        elif _is_a(getattr(task, "operator_class", None), "SparkSubmitOperator"):
            _tag_mapped(task)
    except Exception:
        log.warning("stagewatchd: no Spark properties for task %s", getattr(task, "task_id", "?"), exc_info=True)


def get_airflow_context_vars(context):
    """Put the properties into the task's environment. Runs in its process, before execute()."""
    global _current
    try:
        _current = None
        ti = context["ti"]
        values = {
            "dag_id": ti.dag_id,
            "run_id": ti.run_id,
            "task_id": ti.task_id,
            "map_index": -1 if ti.map_index is None else ti.map_index,
            "try_number": ti.try_number,
        }
        ids = {key: str(value) for key, value in values.items()}
        properties = {**ids, "identity": "\n".join(ids.values()).encode().hex()}
        options = " ".join(f"-Dspark.airflow.{key}={shlex.quote(value)}" for key, value in properties.items())
        os.environ[_OPTS] = _with_options(os.environ.get(_OPTS), options)
        _tag_own_environment(context.get("task"), options)
        _current = (ids, options)
        return {"map_index": ids["map_index"]}
    except Exception:
        log.warning("stagewatchd: no Spark properties in the task's environment", exc_info=True)
        return {}


def pod_mutation_hook(pod):
    """Name the task instance to the pod of a KubernetesPodOperator. Runs in the task's process."""
    try:
        if _current and _is_of(pod, _current[0]):
            _tag_pod(pod, *_current)
    except Exception:
        log.warning("stagewatchd: no annotations for a pod", exc_info=True)


def _is_of(pod, ids):
    """Whether the operator made the pod for that task instance, by the labels that need no hash."""
    labels = pod.metadata.labels or {}
    return (
        labels.get("kubernetes_pod_operator") == "True"
        and labels.get("try_number") == ids["try_number"]
        and labels.get("map_index", "-1") == ids["map_index"]
    )


def _tag_pod(pod, ids, options):
    from kubernetes.client.models import V1EnvVar

    pod.metadata.annotations = {**ids, **(pod.metadata.annotations or {})}
    for container in pod.spec.containers:
        if container.name == _XCOM_SIDECAR:
            continue
        env = container.env or []
        own = [var for var in env if var.name == _OPTS]
        # $(NAME) is replaced in values, and $$ stands for $.
        if not own:
            container.env = [*env, V1EnvVar(name=_OPTS, value=options.replace("$", "$$"))]
        elif own[-1].value_from is None:
            own[-1].value = _with_options(own[-1].value, options.replace("$", "$$"))


def _is_a(cls, name):
    return isinstance(cls, type) and any(c.__name__ == name for c in cls.__mro__)


def _tag_operator(task):
    # `_conf` in old providers.
    attr = "conf" if hasattr(task, "conf") else "_conf"
    conf = getattr(task, attr)
    if conf is None or isinstance(conf, dict):
        setattr(task, attr, {**_TEMPLATES, **(conf or {})})


def _tag_mapped(task):
    """A mapped operator keeps its arguments until it is unmapped."""
    kwargs = task.partial_kwargs
    expanded = getattr(task.expand_input, "value", None)
    if isinstance(expanded, dict) and "conf" in expanded:
        # Giving an argument twice is an error. SPARK_SUBMIT_OPTS covers these tasks.
        return
    conf = kwargs.get("conf")
    if conf is None or isinstance(conf, dict):
        kwargs["conf"] = {**_TEMPLATES, **(conf or {})}


def _with_options(before, options):
    """Append the options to the earlier ones, without those of an outer task."""
    return (_OURS.sub("", before or "") + " " + options).strip()


def _tag_own_environment(task, options):
    """Cover operators whose process does not inherit the environment of the task's process."""
    cls = type(task)
    if _is_a(cls, "BashOperator"):
        attr, inherits = "env", getattr(task, "append_env", False)
    elif _is_a(cls, "_BasePythonVirtualenvOperator"):
        attr, inherits = "env_vars", getattr(task, "inherit_env", True)
    else:
        return
    own = getattr(task, attr, None)
    if isinstance(own, dict):
        if not inherits or _OPTS in own:
            setattr(task, attr, {**own, _OPTS: _with_options(own.get(_OPTS), options)})
    elif attr == "env_vars" and not inherits and own is None:
        task.env_vars = {_OPTS: options}
