# SPDX-License-Identifier: Apache-2.0
"""Two replicas watch one hung app, and one acts: by a real etcd, on a real Airflow, which keeps the claim. What is asserted is what
Airflow and Spark's master say. More ways to lose the lead: tests/packages/test_leader.py."""
import json
import sys

import lab
import pytest
from test_airflow import hung_app
from test_story import DONE, NOTHING, ids, states
from watch import Watch

sys.path.insert(0, str(lab.REPO / "tests/packages"))
from etcd import Etcd  # noqa: E402
from relay import Relay  # noqa: E402

RUN_ID = "replicas__2026-11-30T00:00:00+00:00"


class Replica(Watch):
    def __init__(self, binary, directory, spark, airflow, etcd):
        super().__init__(binary, directory, spark, airflow)
        self.relay = Relay(airflow.port)
        self.airflow_url = f"http://127.0.0.1:{self.relay.port}"
        self.sections = f"[leader]\n{etcd.section(etcd.port)}identity = {directory.name}\nlease_duration = 5s\n"
        self.write("act")

    def leads(self):
        return json.loads(self.fetch("/api/v1/status"))["leader"]["leads"]

    def tells(self, text):
        """It is said of one of its incidents."""
        return any(text in step["text"] for i in self.incidents() for step in json.loads(self.fetch(f"/api/v1/incidents/{i['id']}"))["steps"])

    def kill(self):
        self.child.kill()
        self.child.wait()

    def again(self):
        """After a crash, with its ledger."""
        (self.dir / "stagewatchd.log").rename(self.dir / "log-before")
        return self.__enter__()

    def __exit__(self, *args):
        super().__exit__(*args)
        self.relay.close()


@pytest.fixture
def etcd(tmp_path):
    running = Etcd(tmp_path)
    yield running
    running.end()


@pytest.mark.long
@pytest.mark.parametrize("airflow", ["airflow3", "airflow2"], indirect=True)
def test_leader_is_killed_once_it_has_claimed_a_try(airflow, spark, binary, tmp_path, etcd):
    """Airflow has its note, and nothing else was sent. The new leader leaves the try alone. The old one does the work, with its ledger,
    once it leads again."""
    with Replica(binary, tmp_path / "a", spark, airflow, etcd) as a:
        lab.wait(a.leads, "the first one leads")
        with Replica(binary, tmp_path / "b", spark, airflow, etcd) as b:
            asked = []

            def on_data(to_server, data):
                if to_server and b"PATCH " in data:
                    asked.append(data)
                if asked and not to_server and a.child.poll() is None:
                    a.kill()

            a.relay.on_data = on_data
            known = ids(spark)
            airflow.trigger("hang_submit", RUN_ID)
            lab.wait(lambda: asked and a.child.poll() is not None, "the leader is killed")
            a.relay.on_data = lambda to_server, data: None
            ti = airflow.task("hang_submit", RUN_ID, "hang")
            assert (ti["state"], ti["try_number"]) == ("running", 1)
            assert ti["note"].startswith("stagewatchd, try 1, replica a, incident "), ti["note"]
            lab.wait(b.leads, "the other one leads")
            lab.wait(lambda: b.tells("another replica has claimed this try"), "it leaves the try alone")
            app = hung_app(b)
            after = airflow.task("hang_submit", RUN_ID, "hang")
            assert (after["state"], after["try_number"], after["note"]) == ("running", 1, ti["note"])
            assert states(spark, "hang_submit", known) == {app: "RUNNING"}
            assert b.actions("retry") == NOTHING
            a.again()
            lab.wait(lambda: a.tells("continued after a restart"), "it remembers")
            b.kill()
            assert airflow.wait_run("hang_submit", RUN_ID, states=("success",)) == "success", a.log()
            assert airflow.task("hang_submit", RUN_ID, "hang")["try_number"] == 2
        lab.wait(lambda: a.actions("retry")["confirmed"] == DONE["confirmed"], "it is counted")
        ended = states(spark, "hang_submit", known)
        assert ended.pop(app) in ("KILLED", "FINISHED", "FAILED") and list(ended.values()) == ["FINISHED"], ended
