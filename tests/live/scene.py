# SPDX-License-Identifier: Apache-2.0
"""The scene of most stories of actions: one app of a task instance, whose stage hangs."""
from fakes import Airflow, Driver, Master
from harness import airflow_section, master_section

OWNER = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1}

NONE = {"dry_run": 0, "requested": 0, "confirmed": 0, "unconfirmed": 0, "failed": 0}


class Scene:
    """A master with one hung app that belongs to a task instance of an Airflow."""

    def __init__(self, started, tmp_path, api="v2", token="0123456789abcdef0123456789abcdef", owner=OWNER, **airflow):
        self.master, self.driver = started(Master, token), started(Driver, "app-1", owner)
        self.airflow = started(Airflow, api, **airflow)
        self.master.add(self.driver)
        self.airflow.on_fail = lambda: self.master.end("app-1")
        self.sections = master_section("m", self.master) + airflow_section(self.airflow, tmp_path)

    def sent(self):
        """What could change something, in order."""
        found = []
        for fake in (self.airflow, self.master):
            for request in list(fake.requests):
                when, method, path = request[:3]
                if fake is self.airflow and fake.is_trial(request):
                    continue
                if method == "PATCH" and ('"note"' in request[4] and "new_state" not in request[4]):
                    found.append((when, "note"))
                elif method == "PATCH":
                    found.append((when, "fail"))
                elif "clearTaskInstances" in path and '"only_failed":false' in request[4]:
                    found.append((when, "restart"))
                elif "clearTaskInstances" in path:
                    found.append((when, "clear"))
                elif "/app/kill" in path:
                    found.append((when, "kill"))
        return [what for _, what in sorted(found)]
