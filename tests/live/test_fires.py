# SPDX-License-Identifier: Apache-2.0
"""What an action sets off: tasks that run when one fails, and the ways that fail nothing."""
import fakes
import pytest
from fakes import Airflow
from harness import Daemon, wait
from scene import NONE, OWNER, Scene, refused

MAPPED = {**OWNER, "map_index": 1}
task = Airflow.dag_task
FIRING = [task("prepare", "t", "cleanup"), task("t", "cleanup", "middle"), task("cleanup", rule="all_done_setup_success"),
          task("middle", "report"), task("report", rule="all_done")]
NAMED = "cleanup (teardown), report (all_done)"


def confirmed(d, action="retry"):
    wait(lambda: d.actions(action)["confirmed"] == 1, 60, "confirmed")


def outcome(d):
    return wait(lambda: [i for i in d.json("/api/v1/incidents")["incidents"] if i["state"] == "ended"], 20, "its stage is gone")[0]


@pytest.mark.parametrize("version", ["3.1.8", "3.3.2"])
def test_cleared_while_it_runs(version, binary, tmp_path, started):
    """Nothing is failed: whatever hangs on a failure stays where it is."""
    scene = Scene(started, tmp_path, version=version)
    scene.airflow.dag_tasks = FIRING
    scene.airflow.set_ups = [{"task_id": "prepare", "state": "success"}, {"task_id": "cleanup", "state": None}]
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        confirmed(d)
        assert outcome(d)["outcome"] == "recovered"
        assert d.lines("before it has ended: Airflow ends its process and tries again, and nothing fails")
    assert scene.sent() == ["note", "restart"]
    assert "stagewatchd: Spark stage 7 of app-1 was hung" in scene.airflow.note
    body = fakes.json.loads(scene.airflow.asked("POST", "clear")[0][4])
    assert body == {"dry_run": False, "dag_run_id": "r", "task_ids": ["t"], "only_failed": False,
                    "include_downstream": False, "reset_dag_runs": True}


def test_app_that_outlives_its_process(binary, tmp_path, started):
    """Airflow waits for the process, not for the app: it is ended at the master as soon as the process is gone."""
    scene = Scene(started, tmp_path)
    scene.airflow.on_restart = lambda: None
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        confirmed(d)
    assert scene.sent() == ["note", "restart", "kill"]


def test_app_that_nobody_ends(binary, tmp_path, started):
    """Neither Airflow nor the master: a new try begins beside it, and a person is told."""
    scene = Scene(started, tmp_path)
    scene.airflow.on_restart = lambda: None
    scene.master.kill_works = False
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        wait(lambda: d.actions()["unconfirmed"] == 1, 40, "unconfirmed")
        assert d.lines("Airflow starts a new try beside it")
    assert scene.sent() == ["note", "restart", "kill"]


def test_frozen_process(binary, tmp_path, started):
    """The app is ended at the master once end_timeout is over, and the new try waits for its process."""
    scene = Scene(started, tmp_path)
    scene.airflow.on_restart, scene.airflow.old_process = lambda: None, True
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        wait(lambda: scene.sent() == ["note", "restart", "kill"], 40, "killed")
        scene.airflow.old_process = False
        confirmed(d)


def test_driver_in_the_cluster_is_no_process_of_the_task(binary, tmp_path, started):
    """Airflow would not wait for its end: the task instance is failed, the app ended at the master, and then it is cleared."""
    scene = Scene(started, tmp_path, version="3.2.1")
    scene.driver.properties["spark.submit.deployMode"] = "cluster"
    scene.airflow.on_fail = lambda: None
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        confirmed(d)
    assert scene.sent() == ["fail", "kill", "clear"]


@pytest.mark.parametrize("sweeps", [[{"task_id": "middle"}], [{"map_index": 3}], [{"dag_run_id": "r0"}]])
def test_restart_that_would_reach_further(sweeps, binary, tmp_path, started):
    """It is not sent; failing it would set off others, so nothing is."""
    scene = Scene(started, tmp_path)
    scene.airflow.dag_tasks, scene.airflow.sweeps = FIRING, sweeps
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        wait(lambda: d.actions()["failed"] == 1, 40, "not sent")
        assert d.lines("nor can it be cleared while it runs: it would clear more than this task instance")
    assert scene.sent() == []


def test_set_up_beside_a_living_one(binary, tmp_path, started):
    scene = Scene(started, tmp_path, owner=MAPPED, map_index=1)
    scene.airflow.dag_tasks, scene.airflow.living = FIRING, [{"map_index": 2}]
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        refused(d, scene, f"these tasks run when it is: {NAMED}; on_failure_tasks = run in its rule lets them; "
                          "nor can it be cleared while it runs: its set-up would run again beside t[2], which is alive")


def test_mapped_without_a_set_up(binary, tmp_path, started):
    scene = Scene(started, tmp_path, owner=MAPPED, map_index=1)
    scene.airflow.living = [{"map_index": 2}]
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        confirmed(d)
    assert scene.sent() == ["note", "restart"]
    assert fakes.json.loads(scene.airflow.asked("POST", "clear")[0][4])["task_ids"] == [["t", 1]]


@pytest.mark.parametrize("api, version", [("v1", "2.11.2"), ("v2", "3.0.6"), ("v2", "3.1.7")])
def test_where_it_could_only_be_failed(api, version, binary, tmp_path, started):
    scene = Scene(started, tmp_path, api, version=version)
    scene.airflow.dag_tasks = FIRING
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        refused(d, scene, f"it would be failed, and these tasks run when it is: {NAMED}; on_failure_tasks = run")


@pytest.mark.parametrize("api, version", [("v1", "2.11.2"), ("v2", "3.0.6")])
def test_a_retry_that_is_left_fails_nothing(api, version, binary, tmp_path, started):
    scene = Scene(started, tmp_path, api, version=version)
    scene.airflow.dag_tasks, scene.airflow.max_tries = FIRING, 1

    def retried(handler):
        scene.master.end("app-1", "KILLED")
        scene.airflow.state, scene.airflow.number, scene.airflow.id = "queued", 2, "id-2"
        handler.reply(302, "")

    scene.master.faults.append(("POST", "/app/kill", retried))
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        confirmed(d)
    assert scene.sent() == ["kill"]


def test_let_run(binary, tmp_path, started):
    scene = Scene(started, tmp_path, "v1")
    scene.airflow.dag_tasks = FIRING
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto", more="on_failure_tasks = run\n") as d:
        confirmed(d)
        assert d.lines(f"tasks that run when it fails: {NAMED}")
    assert scene.sent() == ["note", "fail", "clear"]


@pytest.mark.parametrize("what", [404, 403])
def test_tasks_that_are_not_to_be_had(what, binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.airflow.faults.append(("GET", "/tasks$", lambda h: h.reply(what, '{"detail":"no"}')))
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        refused(d, scene, "Airflow does not say which tasks run then")


@pytest.mark.parametrize("mode", ["act", "observe"])
@pytest.mark.parametrize("api", ["v1", "v2"])
def test_a_kill_says_what_it_sets_off(mode, api, binary, tmp_path, started):
    scene = Scene(started, tmp_path, api)
    scene.airflow.dag_tasks = FIRING
    with Daemon(binary, tmp_path, scene.sections, action="kill", mode=mode) as d:
        wait(lambda: d.actions("kill")["confirmed" if mode == "act" else "dry_run"] == 1, 60, "done")
        assert d.lines(f"tasks that run when it fails: {NAMED}")
        incident = d.json("/api/v1/incidents")["incidents"][0]["id"]
        assert f"tasks that run when it fails: {NAMED}" in d.ctl("explain", incident).stdout
    assert scene.sent() == ((["note"] if api == "v1" else []) + ["fail"] if mode == "act" else [])


def test_a_restart_that_is_lost(binary, tmp_path, started):
    """An answer that never came is followed by a look: it had taken, and is not sent again."""
    scene = Scene(started, tmp_path)

    def lose(handler):
        scene.airflow.restart({"include_downstream": False, "dry_run": False})
        handler.reply(500, "no")

    scene.airflow.faults.append(("POST", 'clearTaskInstances .*"dry_run":false', lose))
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        confirmed(d)
    assert scene.sent() == ["note", "restart"]


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_deferred(api, binary, tmp_path, started):
    """No process of Airflow: its app is ended at the master, and only then it is cleared."""
    scene = Scene(started, tmp_path, api)
    scene.airflow.state = "deferred"
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        confirmed(d)
        assert outcome(d)["outcome"] == "recovered"
    assert scene.sent() == ["kill", "note", "restart"]
    assert scene.master.apps["app-1"][0] == "KILLED"


def test_deferred_and_the_end_is_not_seen(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.airflow.state, scene.master.kill_works = "deferred", False
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="airflow") as d:
        wait(lambda: d.actions()["unconfirmed"] == 1, 40, "unconfirmed")
    assert scene.sent() == ["kill"]


def test_deferred_on_which_others_wait(binary, tmp_path, started):
    """Its trigger could see the end of the app first, and fail it."""
    scene = Scene(started, tmp_path)
    scene.airflow.state, scene.airflow.dag_tasks = "deferred", FIRING
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        refused(d, scene, NAMED)


@pytest.mark.parametrize("action", ["kill", "retry"])
def test_overwritten(action, binary, tmp_path, started):
    """Airflow 2: a callable that swallows SIGTERM ends with success over our failed."""
    scene = Scene(started, tmp_path, "v1")
    scene.airflow.old_process = True
    with Daemon(binary, tmp_path, scene.sections, action=action) as d:
        wait(lambda: scene.airflow.asked("GET", "/logs/1"), 40, "its process is waited for")
        scene.airflow.state = "success"
        wait(lambda: d.actions(action)["unconfirmed"] == 1, 40, "unconfirmed")
        assert d.lines("Airflow says success over failed")
        assert d.actions(action) == {**NONE, "requested": 1, "unconfirmed": 1}
    assert scene.sent() == ["note", "fail"]


def test_process_that_says_nothing(binary, tmp_path, started):
    """Where the log cannot be read, time decides."""
    scene = Scene(started, tmp_path, "v1")
    scene.airflow.faults.append(("GET", "/logs/", lambda h: h.reply(403, '{"title":"Forbidden"}')))
    scene.sections = scene.sections.replace("[airflow main]", "[airflow main]\nprocess_timeout = 4s")
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        confirmed(d)
    assert scene.sent() == ["note", "fail", "clear"]
    sent = [r[0] for r in scene.airflow.asked("PATCH", "/t$") + scene.airflow.asked("POST", "clear")]
    assert sent[1] - sent[0] > 4


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_a_run_that_waits_for_its_place(api, binary, tmp_path, started):
    """Failed, its run would end, and the queued one would take the place of the new try."""
    scene = Scene(started, tmp_path, api)
    scene.airflow.queued_runs = ["r", "tomorrow"]
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        refused(d, scene, "run tomorrow of its DAG is queued: it would take the place (max_active_runs)")


def test_cleared_while_it_runs_it_keeps_its_place(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.airflow.queued_runs = ["tomorrow"]
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        confirmed(d)
    assert scene.sent() == ["note", "restart"]


@pytest.mark.parametrize("what, text", [
    ({"open_slots": 0}, "pool default_pool is full: 128 slots, 3 of them queued"),
    ({"run_state": "queued"}, "its DAG run is queued: others have the places that max_active_runs gives"),
])
def test_no_room_for_the_new_try(what, text, binary, tmp_path, started):
    """What it waits for is told while it waits, and in the end."""
    scene = Scene(started, tmp_path)
    scene.airflow.new_try_runs = False

    def end():
        scene.master.end("app-1")
        for key, value in what.items():
            setattr(scene.airflow, key, value)

    scene.airflow.on_fail = end
    with Daemon(binary, tmp_path, scene.sections, action="retry", via="auto") as d:
        wait(lambda: d.actions()["unconfirmed"] == 1, 40, "told")
        assert d.lines(f"no new try ran within retry_timeout: it waits, {text}")
        incident = d.json("/api/v1/incidents")["incidents"][0]["id"]
        assert f"s more at most (retry_timeout): {text}" in d.ctl("explain", incident).stdout


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_what_would_be_refused_is_refused_before(api, binary, tmp_path, started):
    """A clear that would take another index along is not sent; so nothing is failed either."""
    scene = Scene(started, tmp_path, api, owner=MAPPED, map_index=1, version="3.0.6" if api == "v2" else None)
    scene.airflow.sweeps = [{"map_index": 0}]
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["failed"] == 1, 40, "refused")
        assert d.lines("a dry run of the clear to come says")
    assert scene.sent() == (["note"] if api == "v1" else [])
