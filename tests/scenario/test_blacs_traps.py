"""BLACS's traps with hub, agent and two users: the record is true, and nobody else pays."""

import configparser
import json
import os
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import httpx
import pytest
import zmq
from tests.fakes.blacs_operator import Operator
from tests.scenario.test_troubles import (
    PATIENCE,
    admin,
    scan,
    until,
    until_running,
)

from shothub.client import Apparatus, Job
from shothub.demo.stage import Stage
from shothub.suite.profile import labconfig_file

Feed = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def operator(stage: Stage) -> Iterator[Operator]:
    person = Operator(Path(os.environ["MOODY_CAMERA"]).with_suffix(".hand"))
    person.wait("BLACS's window", person.is_there)
    yield person
    person.repeat(on=False)
    person.pause(on=False)


@pytest.fixture(scope="module")
def watcher(stage: Stage) -> dict[str, str]:
    """What an operator of the apparatus sends with his requests."""
    admin(stage, "grant", "bob", stage.apparatus, "--operator")
    words = admin(stage, "token", "bob", "--scope", "queue:manage").split()
    return {"Authorization": f"Bearer {words[-1]}"}


@pytest.fixture
def feed(stage: Stage, watcher: dict[str, str]) -> Feed:
    """What the hub has on record of the apparatus since the test began."""

    def page(**query: object) -> dict[str, Any]:
        url = f"{stage.url}/api/v1/events"
        answer = httpx.get(url, params={**query}, headers=watcher, timeout=30)  # type: ignore[dict-item]
        return dict(answer.raise_for_status().json())

    begin = page(limit=1)["next"]
    return lambda: list(page(since=begin, limit=500)["events"])


@pytest.fixture(autouse=True)
def nothing_twice(stage: Stage, begun: Callable[[], Counter[int]]) -> Iterator[None]:
    """No attempt begins twice, by the plugin's journal and by the camera's own log."""
    yield
    assert set(begun().values()) <= {1}
    shots = Counter(line for line in camera_log().splitlines() if line.endswith(".h5"))
    attempts = [e for e in journal(stage) if e["what"] == "taken"]
    for path, times in Counter(str(e["path"]) for e in attempts).items():
        assert shots[f"programming {path}"] <= times, path


def camera_log() -> str:
    """What the camera was made to do: a line for each step of each shot."""
    return Path(os.environ["MOODY_CAMERA"]).with_suffix(".log").read_text()


def journal(stage: Stage) -> list[dict[str, Any]]:
    lines = (stage.lab / "state" / "plugin" / "journal.jsonl").read_text()
    return [json.loads(line) for line in lines.splitlines()]


def running_file(stage: Stage) -> Path:
    """The file of the shot that BLACS took last, once it has begun."""

    def has_begun() -> bool:
        return [e["what"] for e in journal(stage)][-1:] == ["begun"]

    until("a shot begins", has_begun)
    return Path([e["path"] for e in journal(stage) if e["what"] == "taken"][-1])


def submit(stage: Stage, path: Path) -> str:
    """Give BLACS a shot as runmanager does."""
    return send(stage, pickle.dumps(str(path)))


def send(stage: Stage, frame: bytes) -> str:
    """Send a frame to BLACS's own port; return its answer."""
    config = configparser.RawConfigParser()
    config.read(labconfig_file(stage.lab / "state" / "profile"))
    with zmq.Context() as context, context.socket(zmq.REQ) as talk:
        talk.linger = 0
        talk.connect(f"tcp://127.0.0.1:{config['ports']['BLACS']}")
        talk.send(frame)
        assert talk.poll(10_000), "BLACS does not answer"
        return str(pickle.loads(talk.recv()))  # noqa: S301 (BLACS's own)


def own_shot(stage: Stage, job: Job, operator: Operator, name: str) -> Path:
    """Return a shot of the operator's own: a copy of a job's first, as if not run."""
    path = stage.folder / name
    first = str(file_of(stage, job))
    assert operator.do(f"app.queue.clean_h5_file({first!r}, {str(path)!r})")
    return path


def without_clock(path: Path) -> Path:
    """Take the master pseudoclock out of a shot's file."""
    with h5py.File(path, "r+") as shot:
        clock = shot["connection table"].attrs["master_pseudoclock"]
        del shot["devices"][clock if isinstance(clock, str) else clock.decode()]
    return path


def end(job: Job) -> Job:
    job.wait(PATIENCE, progress=False, raise_on_failure=False)
    return job


def states(job: Job) -> Counter[str]:
    return Counter(shot.state for shot in job.shots())


def reasons(job: Job) -> str:
    return " ".join(shot.reason for shot in job.shots())


def whats(feed: Feed, prefix: str) -> list[str]:
    return [e["what"] for e in feed() if str(e["what"]).startswith(prefix)]


def test_the_operator_aborts_a_users_shot(
    stage: Stage, alice: Apparatus, bob: Apparatus, operator: Operator
) -> None:
    job, other = scan(alice, 2), scan(bob, 1)
    until_running(job, 0)
    running_file(stage)
    operator.abort()
    ended = [end(job), end(other)]
    assert sum((states(one) for one in ended), Counter()) == {"done": 2, "failed": 1}
    assert "The operator aborted it." in reasons(job) + reasons(other)
    said = [e.detail for one in ended for e in one.events() if e.what == "shot.failed"]
    assert len(said) == 1


def test_the_operators_own_shots_are_on_record_and_no_job_is_harmed(
    stage: Stage, alice: Apparatus, bob: Apparatus, operator: Operator, feed: Feed
) -> None:
    job = scan(alice, 3)
    until_running(job)
    first = [e["path"] for e in journal(stage) if e["what"] == "taken"][-1]
    while running_file(stage) == Path(first):
        pass
    assert "re-run" in submit(stage, Path(first))
    other = scan(bob, 1)
    assert states(end(job)) == {"done": 3}
    assert states(end(other)) == {"done": 1}
    until("it is told", lambda: "local.done" in whats(feed, "local."))
    told = [e for e in feed() if e["what"].startswith("local.")]
    assert [e["what"] for e in told] == ["local.started", "local.done"]
    assert all("_rep00001.h5" in e["detail"] for e in told)
    assert job.results()["atom_number.atoms"].notna().all()


def test_the_operator_repeats_his_shot_and_a_user_reads_why_he_waits(
    stage: Stage, alice: Apparatus, operator: Operator, feed: Feed
) -> None:
    done = scan(alice, 1)
    assert states(end(done)) == {"done": 1}
    operator.repeat(on=True)
    submit(stage, file_of(stage, done))
    until("it goes on", lambda: whats(feed, "local.").count("local.done") >= 2)
    job = scan(alice, 1)
    words = "operator runs"
    until("it is said", lambda: words in alice.refresh().view.status.message)
    until("it is compiled", lambda: job.refresh().view.state == "queued")
    before = whats(feed, "local.").count("local.done")
    until("more", lambda: whats(feed, "local.").count("local.done") > before + 1)
    assert job.refresh().view.shots_done == 0
    assert "shot.started" not in [event.what for event in job.events()]
    operator.repeat(on=False)
    assert states(end(job)) == {"done": 1}


def file_of(stage: Stage, job: Job) -> Path:
    return next(Path(e["path"]) for e in journal(stage) if job.id in e.get("path", ""))


def test_the_file_of_a_running_shot_is_deleted_and_blacs_comes_back_by_itself(
    stage: Stage, alice: Apparatus, bob: Apparatus, operator: Operator, feed: Feed
) -> None:
    assert stage.blacs
    pid = stage.blacs.pid
    job, other = scan(alice, 2), scan(bob, 1)
    file = running_file(stage)
    file.unlink()
    ended = [end(job), end(other)]
    assert sum((states(one) for one in ended), Counter()) == {"done": 2, "failed": 1}
    assert "thread of BLACS's queue has ended" in reasons(job) + reasons(other)
    assert file.name in reasons(job) + reasons(other)
    assert "blacs.error" in whats(feed, "blacs.")
    assert (stage.blacs.running, stage.blacs.pid) == (True, pid)


def test_files_of_waiting_shots_are_deleted_or_lose_their_clock(
    stage: Stage, alice: Apparatus, bob: Apparatus, operator: Operator
) -> None:
    operator.pause(on=True)
    until("it pauses", lambda: alice.refresh().view.status.blacs == "paused")
    assert "operator paused" in alice.view.status.message
    job, other = scan(alice, 3), scan(bob, 1)
    for one in (job, other):
        until("they wait", lambda one=one: one.refresh().view.state == "queued")  # type: ignore[misc]
    deleted, clockless, _ = sorted((stage.lab / "shots").rglob(f"*{job.id}*/*.h5"))
    deleted.unlink()
    without_clock(clockless)
    operator.pause(on=False)
    assert states(end(job)) == {"done": 1, "failed": 2}
    assert "file" in reasons(job)
    assert "does not use the master pseudoclock" in reasons(job)
    assert str(clockless) not in camera_log()
    assert states(end(other)) == {"done": 1}


def test_a_shot_that_runs_for_ever_is_ended_and_the_next_users_runs(
    stage: Stage, alice: Apparatus, bob: Apparatus, operator: Operator
) -> None:
    """The pseudoclock never says that it is done: BLACS shows *Running* without end."""
    clock = "app.tablist['clock']"
    forget = f"lambda queue: delattr({clock}, 'wait_until_done')"
    operator.do(f"setattr({clock}, 'wait_until_done', {forget})")
    job, other = scan(alice, 1), scan(bob, 1)
    ended = [end(job), end(other)]
    assert sum((states(one) for one in ended), Counter()) == {"done": 1, "failed": 1}
    assert "It hung" in reasons(job) + reasons(other)
    assert not operator.do(f"'wait_until_done' in vars({clock})")


def test_a_tab_is_restarted_within_a_users_shot(
    stage: Stage, alice: Apparatus, bob: Apparatus, operator: Operator
) -> None:
    job, other = scan(alice, 2), scan(bob, 1)
    running_file(stage)
    operator.restart_tab("camera")
    ended = [end(job), end(other)]
    assert sum((states(one) for one in ended), Counter()) == {"done": 2, "failed": 1}
    assert "restarted" in reasons(job) + reasons(other)


def test_blacs_is_restarted_from_its_menu_within_a_job(
    stage: Stage, alice: Apparatus, operator: Operator
) -> None:
    job = scan(alice, 4)
    until_running(job)
    operator.restart_blacs()
    end(job)
    view = job.view
    assert view.shots_done + view.shots_unknown + view.shots_failed == 4
    assert view.shots_done >= 3
    assert all(shot.reason for shot in job.shots() if shot.state != "done")


GARBAGE = (b"garbage", b"", pickle.dumps(["no", "path"]), pickle.dumps("a path")[:-4])


def test_what_would_stop_blacs_is_refused_within_a_users_job(
    stage: Stage, alice: Apparatus, bob: Apparatus, operator: Operator, feed: Feed
) -> None:
    """Frames that are no path, and a shot of the operator's own without the clock."""
    job, other = scan(alice, 2), scan(bob, 1)
    until_running(job)
    own = own_shot(stage, job, operator, "own.h5")
    clockless = without_clock(own_shot(stage, job, operator, "clockless.h5"))
    for frame in GARBAGE:
        assert "no path" in send(stage, frame)
    assert "not added" in submit(stage, clockless)
    assert "added successfully" in submit(stage, own)
    assert states(end(job)) == {"done": 2}
    assert states(end(other)) == {"done": 1}
    until("it is told", lambda: "local.done" in whats(feed, "local."))
    told = [e for e in feed() if e["what"].startswith("local.")]
    assert all("own.h5" in e["detail"] for e in told), told


def test_a_retry_file_of_a_users_shot_never_runs(
    stage: Stage, alice: Apparatus, bob: Apparatus, operator: Operator, feed: Feed
) -> None:
    """BLACS makes one where another program holds the file of a shot that failed."""
    module = "__import__('blacs.experiment_queue').experiment_queue"
    fail = f"setattr({module}, 'shutil', __import__('types').SimpleNamespace("
    fail += "move=lambda a, b: __import__('shutil').move(a, b) if '_retry' in b"
    fail += " else open('/nowhere/at/all')))"
    operator.do(fail)
    Path(os.environ["MOODY_CAMERA"]).write_text("fail saving")
    job, other = scan(alice, 2), scan(bob, 1)
    ended = [end(job), end(other)]
    operator.do(f"setattr({module}, 'shutil', __import__('shutil'))")
    assert sum((states(one) for one in ended), Counter()) == {"done": 2, "failed": 1}
    assert "moody camera does not like saving" in reasons(job) + reasons(other)
    assert list((stage.lab / "shots").rglob("*_retry.h5"))
    assert operator.rows() == []
    assert whats(feed, "local.") == []
    assert "_retry" not in camera_log()


def test_after_a_crash_nothing_comes_back_that_was_over(
    stage: Stage, alice: Apparatus, bob: Apparatus, operator: Operator
) -> None:
    """Neither the queue nor the pause of the last close; then a device does not start."""
    assert stage.blacs
    done = end(scan(alice, 1))
    operator.pause(on=True)
    own = own_shot(stage, done, operator, "stale.h5")
    assert "added successfully" in submit(stage, own)
    job = scan(alice, 2)
    operator.restart_blacs()
    words = "paused BLACS before it was last started"
    until("it is said", lambda: words in alice.refresh().view.status.message)
    assert operator.rows() == []
    assert job.refresh().view.shots_done == 0
    operator.pause(on=False)
    running_file(stage)

    Path(os.environ["MOODY_CAMERA"]).write_text("fail tab")
    restart(stage, operator)
    error = "camera: The device's tab did not start"
    until("it is said", lambda: error in alice.refresh().view.status.message)
    assert (operator.rows(), operator.sees()["paused"]) == ([], False)
    other = scan(bob, 1)
    until("it is compiled", lambda: other.refresh().view.state == "queued")
    assert "shot.started" not in [e.what for e in other.events()]

    restart(stage, operator)
    assert states(end(other)) == {"done": 1}
    assert states(end(job)) == {"done": 1, "unknown": 1}
    assert "BLACS ended while it had the shot" in reasons(job)
    assert "stale" not in camera_log()


def restart(stage: Stage, operator: Operator) -> None:
    """Kill BLACS, as a crash does, and start it as a lab's service does."""
    assert stage.blacs
    stage.blacs.kill()
    stage.start_blacs(stage.lab / "state")
    operator.wait("BLACS's window", operator.is_there)
