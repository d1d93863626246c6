# SPDX-License-Identifier: Apache-2.0
"""Airflow finds the cluster policy by the package's entry point airflow.policy.

The hooks of a local airflow_local_settings.py are called as well.
"""

from airflow.policies import hookimpl

from . import policy


@hookimpl
def task_policy(task):
    policy.task_policy(task)


@hookimpl
def pod_mutation_hook(pod):
    policy.pod_mutation_hook(pod)


# Airflow asks for one result. A wrapper is called whoever gives it, and adds to it.
@hookimpl(hookwrapper=True)
def get_airflow_context_vars(context):
    ours = policy.get_airflow_context_vars(context)
    outcome = yield
    if outcome.excinfo is None:
        outcome.force_result({**ours, **(outcome.get_result() or {})})
