"""What the plugin does in the stock BLACS, and its fake in the same words."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.suite_lab import AnyLab, Ear, FakeLab

from shothub.domain.states import Outcome
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


@pytest.fixture(params=["stock", "fake"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyLab]:
    """A lab with the stock BLACS, or with the fake one that others test against."""
    if request.param == "stock":
        request.getfixturevalue("blacs")
        yield request.getfixturevalue("stock_lab")
        return
    with FakeLab(tmp_path) as fake:
        yield fake


def test_an_operators_shot_runs_and_is_reported_as_local(ear: Ear, lab: AnyLab) -> None:
    path = lab.shot()
    assert "added successfully" in lab.submit(path)
    started = ear.wait(Local)
    done = ear.wait(Local)
    assert (started.what, done.what) == ("started", "done")
    assert started.name == done.name == path


def test_an_operators_shot_goes_before_the_waiting_offer(ear: Ear, lab: AnyLab) -> None:
    first = ear.offer(lab.shot("1"))
    ear.wait(Begun)
    lab.submit(lab.shot())
    second = ear.offer(lab.shot())
    assert ear.wait(Ended).attempt == first
    assert ear.wait(Local).what == "started"
    assert ear.wait(Local).what == "done"
    assert ear.wait(Ended).attempt == second


def test_nobody_can_submit_a_shot_that_is_in_our_hands(ear: Ear, lab: AnyLab) -> None:
    path = lab.shot("1")
    ear.offer(path)
    ear.wait(Begun)
    assert "not added" in lab.submit(path)
    assert ear.wait(Ended).outcome is Outcome.DONE
    ear.state("idle")
    assert not any(isinstance(report, Local) for report in ear.heard)


def test_a_running_shot_is_aborted_by_order_and_the_next_runs(
    ear: Ear, lab: AnyLab
) -> None:
    attempt = ear.offer(lab.shot("30"), seconds=30.0)
    ear.wait(Begun)
    ear.channel.send(Abort(attempt=attempt))
    ended = ear.wait(Ended)
    assert (ended.attempt, ended.outcome) == (attempt, Outcome.ABORTED)
    ear.offer(lab.shot())
    assert ear.wait(Ended).outcome is Outcome.DONE


def test_an_abort_leaves_the_operators_own_shot_alone(ear: Ear, lab: AnyLab) -> None:
    lab.submit(lab.shot("1"))
    ear.wait(Local)
    ear.channel.send(Abort(attempt=12345))
    assert ear.wait(Local).what == "done"


def test_nothing_starts_while_it_is_paused(ear: Ear, lab: AnyLab) -> None:
    ear.channel.send(Pause())
    ear.state("paused")
    attempt = ear.offer(lab.shot())
    waiting = ear.wait(State, lambda state: state.offered == attempt)
    assert waiting.blacs == "paused"
    ear.channel.send(Resume())
    assert ear.wait(Taken).attempt == attempt
    assert ear.wait(Ended).outcome is Outcome.DONE


def test_an_offer_can_be_withdrawn_until_it_is_taken(ear: Ear, lab: AnyLab) -> None:
    ear.channel.send(Pause())
    ear.state("paused")
    attempt = ear.offer(lab.shot())
    ear.channel.send(Withdraw(attempt=attempt))
    assert ear.wait(Ended).outcome is Outcome.NOT_STARTED
    ear.channel.send(Resume())
    ear.state("idle")
    assert not any(isinstance(report, Taken) for report in ear.heard)


def test_an_offer_dies_with_its_agent(ear: Ear, lab: AnyLab) -> None:
    ear.channel.send(Pause())
    ear.state("paused")
    attempt = ear.offer(lab.shot())
    ear.wait(State, lambda state: state.offered == attempt)
    ear.close()
    heir = Ear(lab.state)
    found = heir.wait(State)
    assert (found.offered, found.ordered) == (None, True)
    heir.channel.send(Recall(attempts=[attempt]))
    assert heir.wait(Unheard).attempt == attempt
    heir.channel.send(Resume())
    assert not heir.state("idle").ordered
    heir.close()


@pytest.mark.parametrize("step", ["programming", "saving"])
def test_a_device_error_fails_the_shot_which_never_runs_again(
    ear: Ear, lab: AnyLab, step: str
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


def test_an_offer_is_not_started_while_a_device_is_in_error(
    ear: Ear, lab: AnyLab
) -> None:
    lab.mood.write_text("fail programming")
    ear.offer(lab.shot())
    ear.wait(Ended)
    ear.state("error")
    ear.offer(lab.shot())
    ended = ear.wait(Ended)
    assert ended.outcome is Outcome.NOT_STARTED
    assert "moody" in ended.reason


def test_a_shot_that_never_ends_is_ended_by_the_watchdog(ear: Ear, lab: AnyLab) -> None:
    ear.offer(lab.shot("30"), seconds=0.5)
    ended = ear.wait(Ended)
    assert ended.outcome is Outcome.FAILED
    assert "hung" in ended.reason
    assert "hung" in ear.state("error").message
    ear.channel.send(Resume())
    ear.state("idle")
    ear.offer(lab.shot())
    assert ear.wait(Ended).outcome is Outcome.DONE


def test_the_same_attempt_is_never_run_twice(ear: Ear, lab: AnyLab) -> None:
    attempt = ear.offer(lab.shot())
    first = ear.wait(Ended)
    Ear.attempts = iter([attempt, *range(attempt + 1, attempt + 1000)])  # type: ignore[assignment]
    assert ear.offer(lab.shot()) == attempt
    assert ear.wait(Ended) == first
    assert [type(r) for r in ear.heard].count(Taken) == 1
