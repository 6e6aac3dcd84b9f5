"""Aborts, errors, hangs and deaths in the stock BLACS."""

import h5py
import pytest
from tests.fakes.suite_lab import Ear, Lab, kill

from shothub.domain.states import Outcome
from shothub.runtime.clock import monotonic
from shothub.suite.blacs import StockBlacs
from shothub.wire.plugin import (
    Abort,
    Begun,
    Ended,
    Local,
    Pause,
    Recall,
    Resume,
    State,
    Taken,
    Unheard,
    Withdraw,
)


def test_an_operators_shot_runs_and_is_reported_as_local(ear: Ear, lab: Lab) -> None:
    path = lab.shot()
    assert "added successfully" in lab.submit(path)
    started = ear.wait(Local)
    done = ear.wait(Local)
    assert (started.what, done.what) == ("started", "done")
    assert started.name == done.name == path
    with h5py.File(path, "r") as file:
        assert "data" in file


def test_an_operators_shot_goes_before_the_waiting_offer(ear: Ear, lab: Lab) -> None:
    first = ear.offer(lab.shot("1"))
    ear.wait(Begun)
    lab.submit(lab.shot())
    second = ear.offer(lab.shot())
    assert ear.wait(Ended).attempt == first
    assert ear.wait(Local).what == "started"
    assert ear.wait(Local).what == "done"
    assert ear.wait(Ended).attempt == second


def test_nobody_can_submit_a_shot_that_is_in_our_hands(ear: Ear, lab: Lab) -> None:
    path = lab.shot("1")
    ear.offer(path)
    ear.wait(Begun)
    assert "not added" in lab.submit(path)
    assert ear.wait(Ended).outcome is Outcome.DONE
    ear.state("idle")
    assert not any(isinstance(report, Local) for report in ear.heard)


def test_a_running_shot_is_aborted_by_order_and_the_next_runs(
    ear: Ear, lab: Lab
) -> None:
    attempt = ear.offer(lab.shot("30"), seconds=30.0)
    ear.wait(Begun)
    ear.channel.send(Abort(attempt=attempt))
    ended = ear.wait(Ended)
    assert (ended.attempt, ended.outcome) == (attempt, Outcome.ABORTED)
    ear.offer(lab.shot())
    assert ear.wait(Ended).outcome is Outcome.DONE


def test_an_abort_leaves_the_operators_own_shot_alone(ear: Ear, lab: Lab) -> None:
    lab.submit(lab.shot("1"))
    ear.wait(Local)
    ear.channel.send(Abort(attempt=12345))
    assert ear.wait(Local).what == "done"


def test_nothing_starts_while_it_is_paused(ear: Ear, lab: Lab) -> None:
    ear.channel.send(Pause())
    ear.state("paused")
    attempt = ear.offer(lab.shot())
    waiting = ear.wait(State, lambda state: state.offered == attempt)
    assert waiting.blacs == "paused"
    ear.channel.send(Resume())
    assert ear.wait(Taken).attempt == attempt
    assert ear.wait(Ended).outcome is Outcome.DONE


def test_an_offer_can_be_withdrawn_until_it_is_taken(ear: Ear, lab: Lab) -> None:
    ear.channel.send(Pause())
    ear.state("paused")
    attempt = ear.offer(lab.shot())
    ear.channel.send(Withdraw(attempt=attempt))
    assert ear.wait(Ended).outcome is Outcome.NOT_STARTED
    ear.channel.send(Resume())
    ear.state("idle")
    assert not any(isinstance(report, Taken) for report in ear.heard)


def test_an_offer_dies_with_its_agent(ear: Ear, lab: Lab) -> None:
    ear.channel.send(Pause())
    ear.state("paused")
    attempt = ear.offer(lab.shot())
    ear.wait(State, lambda state: state.offered == attempt)
    ear.close()
    heir = Ear(lab.state)
    assert heir.wait(State).offered is None
    heir.channel.send(Recall(attempts=[attempt]))
    assert heir.wait(Unheard).attempt == attempt
    heir.channel.send(Resume())
    heir.state("idle")
    heir.close()


@pytest.mark.parametrize("step", ["programming", "saving"])
def test_a_device_error_fails_the_shot_which_never_runs_again(
    ear: Ear, lab: Lab, step: str
) -> None:
    lab.mood.write_text(f"fail {step}")
    attempt = ear.offer(lab.shot())
    ended = ear.wait(Ended)
    assert (ended.attempt, ended.outcome) == (attempt, Outcome.FAILED)
    assert f"does not like {step}" in ended.reason
    assert (ended.began is None) == (step == "programming")
    assert "does not like" in ear.state("error").message
    lab.mood.write_text("")
    ear.channel.send(Resume())
    ear.state("idle")
    following = ear.offer(lab.shot())
    assert ear.wait(Ended).attempt == following
    assert not any(isinstance(report, Local) for report in ear.heard)


def test_an_offer_is_not_started_while_a_device_is_in_error(ear: Ear, lab: Lab) -> None:
    lab.mood.write_text("fail programming")
    ear.offer(lab.shot())
    ear.wait(Ended)
    ear.state("error")
    ear.offer(lab.shot())
    ended = ear.wait(Ended)
    assert ended.outcome is Outcome.NOT_STARTED
    assert "moody" in ended.reason


@pytest.mark.parametrize("step", ["programming", "saving"])
def test_a_worker_that_dies_fails_the_shot_and_is_started_again(
    ear: Ear, lab: Lab, step: str
) -> None:
    lab.mood.write_text(f"die {step}")
    ear.offer(lab.shot())
    ended = ear.wait(Ended)
    assert ended.outcome is Outcome.FAILED
    assert "worker process of this device has ended" in ended.reason
    lab.mood.write_text("")
    ear.channel.send(Resume())
    ear.state("idle")
    ear.offer(lab.shot())
    assert ear.wait(Ended).outcome is Outcome.DONE


def test_a_worker_killed_in_the_run_fails_the_shot_soon(ear: Ear, lab: Lab) -> None:
    ear.offer(lab.shot("30"), seconds=30.0)
    ear.wait(Begun)
    begin = monotonic()
    kill(lab.worker())
    ended = ear.wait(Ended)
    assert ended.outcome is Outcome.FAILED
    assert "moody" in ended.reason
    assert monotonic() - begin < 10.0
    ear.channel.send(Resume())
    ear.state("idle")
    ear.offer(lab.shot())
    assert ear.wait(Ended).outcome is Outcome.DONE


def test_a_shot_that_never_ends_is_ended_by_the_watchdog(ear: Ear, lab: Lab) -> None:
    ear.offer(lab.shot("30"), seconds=0.5)
    ended = ear.wait(Ended)
    assert ended.outcome is Outcome.FAILED
    assert "hung" in ended.reason
    assert "hung" in ear.state("error").message
    ear.channel.send(Resume())
    ear.state("idle")
    ear.offer(lab.shot())
    assert ear.wait(Ended).outcome is Outcome.DONE


@pytest.mark.parametrize("fault", ["missing", "garbage", "run before", "clockless"])
def test_a_file_that_would_stop_blacs_is_refused(
    ear: Ear, lab: Lab, fault: str
) -> None:
    path = lab.shot()
    if fault == "missing":
        path += ".not"
    elif fault == "garbage":
        with open(path, "wb") as file:
            file.write(b"no HDF5")
    else:
        with h5py.File(path, "r+") as shot:
            if fault == "clockless":
                del shot["devices/clock"]
            else:
                shot.create_group("data")
    attempt = ear.offer(path)
    ended = ear.wait(Ended)
    assert (ended.attempt, ended.outcome) == (attempt, Outcome.FAILED)
    assert ended.began is None
    ear.offer(lab.shot())
    assert ear.wait(Ended).outcome is Outcome.DONE


def test_the_same_attempt_is_never_run_twice(ear: Ear, lab: Lab) -> None:
    attempt = ear.offer(lab.shot())
    first = ear.wait(Ended)
    Ear.attempts = iter([attempt, *range(attempt + 1, attempt + 1000)])  # type: ignore[assignment]
    assert ear.offer(lab.shot()) == attempt
    assert ear.wait(Ended) == first
    assert [type(r) for r in ear.heard].count(Taken) == 1


def test_a_blacs_killed_in_a_run_leaves_an_unknown_and_resumes_nothing(
    ear: Ear, lab: Lab, blacs: StockBlacs
) -> None:
    boot = ear.wait(State, lambda state: True).boot if not ear.heard else _boot(ear)
    attempt = ear.offer(lab.shot("30"), seconds=30.0)
    ear.wait(Begun)
    lab.submit(lab.shot())
    blacs.kill()
    blacs.start()
    reborn = ear.wait(State, lambda state: state.boot != boot)
    assert reborn.attempt is None
    ear.channel.send(Recall(attempts=[attempt]))
    ended = ear.wait(Ended)
    assert (ended.attempt, ended.outcome) == (attempt, Outcome.UNKNOWN)
    assert ended.began is not None
    following = ear.offer(lab.shot())
    assert ear.wait(Ended).attempt == following
    assert not any(isinstance(report, Local) for report in ear.heard)


def test_a_queue_saved_when_blacs_was_closed_is_not_resumed(
    ear: Ear, lab: Lab, blacs: StockBlacs
) -> None:
    ear.channel.send(Pause())
    ear.state("paused")
    boot = _boot(ear)
    assert "paused" in lab.submit(lab.shot())
    blacs.stop()
    blacs.start()
    assert ear.wait(State, lambda state: state.boot != boot).blacs == "idle"
    following = ear.offer(lab.shot())
    assert ear.wait(Ended).attempt == following
    assert not any(isinstance(report, Local) for report in ear.heard)


def _boot(ear: Ear) -> str:
    return [report.boot for report in ear.heard if isinstance(report, State)][-1]
