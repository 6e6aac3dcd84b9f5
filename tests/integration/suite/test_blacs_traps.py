"""Traps of the stock BLACS: what the plugin makes of each; ``..._bare`` has the controls."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import h5py
import pytest
from tests.fakes.blacs_operator import Operator
from tests.fakes.suite_lab import Ear, Lab

from shothub.domain.states import Outcome
from shothub.suite.blacs import StockBlacs
from shothub.wire.plugin import (
    Begun,
    Ended,
    Ending,
    Local,
    Pause,
    Resume,
    State,
    Taken,
    Withdraw,
)


@pytest.fixture
def operator(lab: Lab, ear: Ear) -> Iterator[Operator]:
    assert ear.channel.connected
    person = lab.operator
    yield person
    person.repeat(on=False)
    person.clear()
    person.pause(on=False)


@pytest.fixture(autouse=True)
def nothing_twice(lab: Lab) -> Iterator[None]:
    """After each trap the device's own log shows no shot of a path twice."""
    yield
    twice = {step: n for step, n in lab.done_by_device().items() if n > 1}
    assert not {step for step in twice if ".h5" in step}


def has_run(path: str) -> bool:
    with h5py.File(path, "r") as shot:
        return "data" in shot


def next_users_shot_runs(ear: Ear, lab: Lab) -> None:
    attempt = ear.offer(lab.shot())
    ended = ear.wait(Ended, lambda report: report.attempt == attempt)
    assert ended.outcome is Outcome.DONE, ended


def locals_heard(ear: Ear) -> list[tuple[str, str]]:
    reports = [r for r in ear.heard if isinstance(r, Local)]
    return [(Path(r.name).name, r.what) for r in reports]


# Paths that are sent again, and files in the hub's hands.


def test_a_finished_shot_that_the_operator_sends_again_runs_as_a_copy(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    path = lab.shot()
    ear.offer(path)
    assert ear.wait(Ended).outcome is Outcome.DONE
    ear.state("idle")
    before = Path(path).read_bytes()
    assert "re-run" in lab.submit(path)
    assert ear.wait(Local, lambda r: r.what == "done").name.endswith("_rep00001.h5")
    assert Path(path).read_bytes() == before
    next_users_shot_runs(ear, lab)


def test_the_operators_running_shot_cannot_be_sent_again(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    path = lab.shot("1")
    lab.submit(path)
    ear.wait(Local, lambda report: report.what == "started")
    assert "not added" in lab.submit(path)
    assert ear.wait(Local).what == "done"
    assert has_run(path)
    next_users_shot_runs(ear, lab)


def test_a_shot_that_waits_at_the_hub_runs_as_a_copy_if_the_operator_takes_it(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    path = lab.shot()
    with h5py.File(path, "r+") as shot:
        shot.attrs["job_id"] = "a job of the hub"
    assert "added successfully" in lab.submit(path)
    assert ear.wait(Local, lambda r: r.what == "done").name.endswith("_rep00001.h5")
    assert not has_run(path)
    ear.offer(path)
    assert ear.wait(Ended).outcome is Outcome.DONE


def test_a_shot_that_failed_while_it_was_saved_runs_as_a_copy(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    path = lab.shot()
    with h5py.File(path, "r+") as shot:
        shot.create_group("front_panel")
    assert "added successfully" in lab.submit(path)
    assert ear.wait(Local, lambda r: r.what == "done").name.endswith("_rep00001.h5")
    next_users_shot_runs(ear, lab)


@pytest.mark.parametrize("fault", ["clockless", "unknown device"])
def test_a_shot_from_runmanager_that_would_stop_blacs_is_not_added(
    ear: Ear, lab: Lab, operator: Operator, fault: str
) -> None:
    path = lab.shot()
    with h5py.File(path, "r+") as shot:
        if fault == "clockless":
            del shot["devices/clock"]
        else:
            shot.create_group("devices/nobody")
    assert "not added" in lab.submit(path)
    assert operator.rows() == []
    next_users_shot_runs(ear, lab)
    assert locals_heard(ear) == []


# Files that are gone.


def test_a_shot_runs_though_another_program_has_its_file_open(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    path = lab.shot()
    with h5py.File(path, "r"):
        attempt = ear.offer(path)
        ended = ear.wait(Ended)
    assert (ended.attempt, ended.outcome) == (attempt, Outcome.DONE)
    next_users_shot_runs(ear, lab)


def test_an_offered_shot_whose_file_is_deleted_fails_in_words(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    ear.channel.send(Pause())
    ear.state("paused")
    path = lab.shot()
    attempt = ear.offer(path)
    ear.wait(State, lambda state: state.offered == attempt)
    Path(path).unlink()
    ear.channel.send(Resume())
    ended = ear.wait(Ended)
    assert (ended.outcome, ended.began) == (Outcome.FAILED, None)
    assert "deleted or renamed" in ended.reason
    next_users_shot_runs(ear, lab)
    assert not any(isinstance(r, Taken) and r.attempt == attempt for r in ear.heard)


@pytest.mark.parametrize("fault", ["deleted", "spoilt", "run elsewhere"])
def test_the_operators_queued_file_is_gone_and_the_queue_lives(
    ear: Ear, lab: Lab, operator: Operator, fault: str
) -> None:
    operator.pause(on=True)
    ear.state("paused")
    path = lab.shot()
    lab.submit(path)
    if fault == "deleted":
        Path(path).unlink()
    elif fault == "spoilt":
        Path(path).write_bytes(b"no HDF5")
    else:
        with h5py.File(path, "r+") as shot:
            shot.create_group("data")
    operator.pause(on=False)
    report = ear.wait(Local)
    assert (report.name, report.what) == (path, "failed")
    assert "file" in report.detail
    next_users_shot_runs(ear, lab)
    assert operator.sees()["alive"]


# The operator's buttons.


def test_the_operators_abort_is_told_and_the_next_shot_runs(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    attempt = ear.offer(lab.shot("30"), seconds=30.0)
    ear.wait(Begun)
    operator.abort()
    ended = ear.wait(Ended)
    assert (ended.attempt, ended.outcome) == (attempt, Outcome.ABORTED)
    assert "operator aborted" in ended.reason
    next_users_shot_runs(ear, lab)


def test_an_abort_while_devices_are_programmed_is_told_as_never_begun(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    lab.mood.write_text("sleep programming")
    ear.offer(lab.shot())
    ear.wait(Taken)
    operator.abort()
    ended = ear.wait(Ended)
    assert (ended.outcome, ended.began) == (Outcome.ABORTED, None)
    lab.mood.write_text("")
    next_users_shot_runs(ear, lab)


def test_the_operators_abort_of_his_own_shot_is_told_as_local(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    lab.submit(lab.shot("30"))
    ear.wait(Local)
    operator.abort()
    assert ear.wait(Local).what == "aborted"
    next_users_shot_runs(ear, lab)


def test_the_operators_pause_is_his_to_end(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    operator.pause(on=True)
    assert "operator paused" in ear.state("paused").message
    attempt = ear.offer(lab.shot())
    ear.wait(State, lambda state: state.offered == attempt)
    ear.channel.send(Resume())
    ear.channel.send(Withdraw(attempt=attempt))
    assert ear.wait(Ended).outcome is Outcome.NOT_STARTED
    attempt = ear.offer(lab.shot())
    operator.pause(on=False)
    assert ear.wait(Taken).attempt == attempt
    assert ear.wait(Ended).outcome is Outcome.DONE


def test_the_operators_pause_within_a_shot_lets_it_end(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    ear.offer(lab.shot("1"))
    ear.wait(Begun)
    operator.pause(on=True)
    assert ear.wait(Ended).outcome is Outcome.DONE
    assert "operator" in ear.state("paused").message


# The operator's own shots.


def test_his_shots_go_between_the_hubs_and_all_are_told_truly(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    before, between, after = lab.shot(), lab.shot(), lab.shot()
    lab.submit(before)
    assert ear.wait(Local, lambda r: r.what == "done").name == before
    first = ear.offer(lab.shot("1"))
    ear.wait(Begun)
    lab.submit(between)
    second = ear.offer(lab.shot())
    assert ear.wait(Ended).attempt == first
    assert ear.wait(Local, lambda r: r.what == "done").name == between
    assert ear.wait(Ended).attempt == second
    lab.submit(after)
    assert ear.wait(Local, lambda r: r.what == "done").name == after
    ended = [r for r in ear.heard if isinstance(r, Ended)]
    assert {r.outcome for r in ended} == {Outcome.DONE}


def test_repeat_mode_never_repeats_a_shot_of_the_hub(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    operator.repeat(on=True)
    for _ in range(2):
        next_users_shot_runs(ear, lab)
        ear.wait(State, lambda state: state.blacs == "idle")
    assert locals_heard(ear) == []
    assert operator.rows() == []


def test_in_repeat_mode_his_shots_go_on_and_the_hub_waits_in_words(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    operator.repeat(on=True)
    path = Path(lab.shot())
    lab.submit(str(path))
    for number in (0, 1, 2):
        name = f"{path.stem}_rep{number:05}.h5" if number else path.name
        done = ear.wait(Local, lambda report: report.what == "done")
        assert Path(done.name).name == name
    busy = [r for r in ear.heard if isinstance(r, State)][1:]
    assert {state.blacs for state in busy} == {"running"}
    assert all("operator runs" in state.message for state in busy)
    attempt = ear.offer(lab.shot())
    ear.wait(Local, lambda report: report.what == "done")
    assert not any(isinstance(report, Taken) for report in ear.heard)
    operator.repeat(on=False)
    assert ear.wait(Taken).attempt == attempt
    assert ear.wait(Ended).outcome is Outcome.DONE


def test_his_shots_are_told_to_an_agent_that_was_away(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    ear.close()
    path = lab.shot()
    lab.submit(path)
    operator.wait("the shot runs", lambda: operator.sees()["status"] != "Idle")
    operator.wait("it ends", lambda: has_run(path) and operator.mode("moody") == 1)
    with closing(Ear(lab.state)) as heir:
        told = heir.wait(Local).what
        # The plugin may have told the start to the agent that was just leaving.
        assert told == "done" or heir.wait(Local).what == "done"
        next_users_shot_runs(heir, lab)


# Files that BLACS itself renames.


def test_a_retry_file_of_a_hubs_shot_never_gets_into_the_queue(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    """BLACS makes one where another program holds the shot's file, as on Windows."""
    module = "__import__('blacs.experiment_queue').experiment_queue"
    fail = f"setattr({module}, 'shutil', __import__('types').SimpleNamespace("
    fail += "move=lambda a, b: None if '_retry' in b else open('/nowhere/at/all')))"
    operator.do(fail)
    lab.mood.write_text("fail saving")
    path = lab.shot()
    try:
        ear.offer(path)
        assert ear.wait(Ended).outcome is Outcome.FAILED
        operator.wait("it pauses", lambda: operator.sees()["paused"])
        log = (lab.state / "blacs.log").read_text()
        assert f"Couldn't delete failed run file {path}" in log
        assert operator.rows() == []
    finally:
        operator.do(f"setattr({module}, 'shutil', __import__('shutil'))")
    lab.mood.write_text("")
    ear.channel.send(Resume())
    ear.state("idle")
    next_users_shot_runs(ear, lab)
    assert locals_heard(ear) == []


# Tabs that restart.


@pytest.mark.parametrize("step", ["programming", "running"])
def test_a_tab_restarted_within_a_shot_fails_it_once(
    ear: Ear, lab: Lab, operator: Operator, step: str
) -> None:
    if step == "programming":
        lab.mood.write_text("sleep programming")
    attempt = ear.offer(lab.shot("30"), seconds=30.0)
    ear.wait(Taken if step == "programming" else Begun)
    operator.wait("it is armed", lambda: operator.mode("moody") != 1)
    operator.restart_tab("moody")
    ended = ear.wait(Ended)
    assert (ended.attempt, ended.outcome) == (attempt, Outcome.FAILED)
    assert "restarted" in ended.reason
    assert (ended.began is None) == (step == "programming")
    assert operator.rows() == []
    lab.mood.write_text("")
    ear.channel.send(Resume())
    ear.state("idle")
    next_users_shot_runs(ear, lab)


def test_a_tab_restarted_while_idle_does_not_swallow_the_next_shot(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    operator.restart_tab("moody")
    next_users_shot_runs(ear, lab)
    operator.restart_tab("moody")
    lab.submit(lab.shot())
    assert ear.wait(Local, lambda r: r.what != "started").what == "done"


# The computer's clock.


@pytest.mark.parametrize("hours", [1, -1])
def test_a_jump_of_the_clock_within_a_shot_does_not_end_it(
    ear: Ear, lab: Lab, operator: Operator, hours: int
) -> None:
    attempt = ear.offer(lab.shot("1"))
    ear.wait(Begun)
    _jump(operator, "wall", hours)
    ear.wait(Ending)
    ended = ear.wait(Ended)
    assert (ended.attempt, ended.outcome) == (attempt, Outcome.DONE)
    assert ended.began is not None
    assert 0.9 < (ended.at - ended.began).total_seconds() < 10
    next_users_shot_runs(ear, lab)


def test_without_a_steady_clock_the_watchdog_would_end_it(
    ear: Ear, lab: Lab, operator: Operator
) -> None:
    """Control: the same jump, in the clock by which the watchdog measures."""
    ear.offer(lab.shot("1"))
    ear.wait(Begun)
    _jump(operator, "monotonic", 1)
    assert ear.wait(Ended).outcome is Outcome.FAILED
    ear.channel.send(Resume())
    ear.state("idle")


def _jump(operator: Operator, clock: str, hours: int) -> None:
    ahead = f"(lambda c, d: setattr(c, '_{clock}', lambda old=c._{clock}: old() + d))"
    step = f"{hours * 3600}"
    if clock == "wall":
        step = f"__import__('datetime').timedelta(hours={hours})"
    operator.do(f"{ahead}(app.plugins['shothub']._station._clock, {step})")


# BLACS's own restart.


def test_blacs_restarted_from_its_menu_is_the_same_program_again(
    ear: Ear, lab: Lab, operator: Operator, blacs: StockBlacs
) -> None:
    boot, pid, port = _boot(ear), blacs.pid, lab.port
    operator.restart_blacs()
    reborn = ear.wait(State, lambda state: state.boot != boot)
    assert reborn.blacs == "idle"
    assert (blacs.running, blacs.pid, lab.port) == (True, pid, port)
    next_users_shot_runs(ear, lab)


def _boot(ear: Ear) -> str:
    return [report.boot for report in ear.heard if isinstance(report, State)][-1]
