"""Deaths, bad files and stale queues in the stock BLACS."""

from pathlib import Path

import h5py
import pytest
from tests.fakes.suite_lab import Ear, Lab, kill

from shothub.domain.states import Outcome
from shothub.runtime.clock import monotonic
from shothub.suite.blacs import StockBlacs
from shothub.wire.plugin import (
    Begun,
    Ended,
    Local,
    Pause,
    Recall,
    Resume,
    State,
)


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


@pytest.mark.parametrize("fault", ["missing", "garbage", "run before", "clockless"])
def test_a_file_that_would_stop_blacs_is_refused(
    ear: Ear, lab: Lab, fault: str
) -> None:
    path = lab.shot()
    if fault == "missing":
        path += ".not"
    elif fault == "garbage":
        Path(path).write_bytes(b"no HDF5")
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
