"""Shots granted ahead: maybe started from the first moment, resolved by evidence alone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Answer

from shothub.runtime import clock
from shothub.server.jobs.models import Attempt, Shot
from shothub.server.jobs.services.returns import return_all_lapsed

Submit = Callable[..., Any]


class Block:
    """An agent of a lab that allows three seconds of work without the hub."""

    def __init__(self, cast: Cast) -> None:
        self.agent = cast.agent
        self.agent.open(offline_seconds=3.0)
        self.serial = 0

    def ask(self, *attempts: int, seconds: float = 3.0, **more: object) -> Any:
        self.serial += 1
        holding = {"kind": "shots", "serial": self.serial, "attempts": list(attempts)}
        asked = {
            "epoch": self.agent.epoch,
            "wait": 0.0,
            "capacity": {"shots": 4, "ahead": seconds},
            "holding": holding | more,
            "status": {"blacs": "idle"},
        }
        return self.agent.call("POST", "/agent/poll", asked).ok()


@pytest.fixture
def block(cast: Cast, submit: Submit) -> Block:
    block = Block(cast)
    submit()
    cast.agent.compile_one(shots=8)
    return block


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body.get("code", "") if answer.status >= 400 else ""


def states(cast: Cast) -> list[str]:
    return list(Shot.objects.order_by("index").values_list("state", flat=True))


def test_strict_is_the_rule_and_gives_leases_only(cast: Cast, submit: Submit) -> None:
    submit()
    cast.agent.compile_one(shots=3)
    block = Block(cast)
    cast.agent.open()
    work = block.ask()
    assert work["ahead"] == []
    assert len(work["shots"]) == 3
    assert not Attempt.objects.exists()


def test_a_lab_that_allows_it_gets_grants_and_never_leases(
    cast: Cast, block: Block
) -> None:
    work = block.ask()
    assert work["shots"] == []
    assert [grant["index"] for grant in work["ahead"]] == [0, 1, 2]
    assert states(cast) == ["started"] * 3 + ["compiled"] * 5
    attempts = Attempt.objects.order_by("id")
    assert [a.pk for a in attempts] == [grant["attempt"] for grant in work["ahead"]]
    assert all(a.ahead and a.outcome == "" for a in attempts)


def test_no_more_is_granted_than_the_lab_allows(block: Block) -> None:
    first = [g["attempt"] for g in block.ask(seconds=60.0)["ahead"]]
    assert len(first) == 3
    assert block.ask(*first, seconds=60.0)["ahead"] == []
    block.agent.finish(first[0]).ok()
    assert len(block.ask(*first[1:], seconds=60.0)["ahead"]) == 1


def test_what_was_granted_never_returns_by_time(cast: Cast, block: Block) -> None:
    given = [g["attempt"] for g in block.ask()["ahead"]]
    Shot.objects.update(lease_expires=clock.now() - timedelta(days=1))
    return_all_lapsed(clock.now())
    work = block.ask(*given)
    assert (work["ahead"], work["missed"]) == ([], [])
    assert states(cast)[:3] == ["started"] * 3


def test_a_lease_lapses_where_a_grant_does_not(cast: Cast, submit: Submit) -> None:
    """The control of the test above."""
    submit()
    cast.agent.compile_one()
    cast.agent.lease()
    Shot.objects.update(lease_expires=clock.now() - timedelta(days=1))
    return_all_lapsed(clock.now())
    assert states(cast) == ["compiled"]


def test_grants_lost_with_their_answer_are_asked_about_not_taken_back(
    cast: Cast, block: Block
) -> None:
    lost = [g["attempt"] for g in block.ask()["ahead"]]
    work = block.ask()
    assert (work["missed"], work["ahead"]) == (lost, [])
    assert states(cast)[:3] == ["started"] * 3
    for attempt in lost:
        block.agent.finish(attempt, "not_started").ok()
    again = block.ask()["ahead"]
    assert [grant["index"] for grant in again] == [0, 1, 2]
    assert Attempt.objects.get(pk=again[0]["attempt"]).number == 2


def test_a_repeated_poll_is_granted_nothing_more(block: Block) -> None:
    given = block.ask(seconds=1.0)["ahead"]
    assert len(given) == 1
    block.serial -= 1
    assert block.ask(seconds=3.0)["void"]
    assert Attempt.objects.count() == 1


def test_start_is_refused_for_what_was_granted_ahead(block: Block) -> None:
    """A shot is started by one rule only."""
    [grant] = block.ask(seconds=1.0)["ahead"]
    assert code(block.agent.start(grant)) == (409, "lease_lost")
    assert Attempt.objects.count() == 1


def test_a_new_session_is_told_of_the_block_and_gives_none_of_it_out_again(
    cast: Cast, block: Block
) -> None:
    given = [g["attempt"] for g in block.ask()["ahead"]]
    opened = cast.agent.open(offline_seconds=3.0)
    assert opened["started"] == given
    block.serial = 0
    assert [g["index"] for g in block.ask()["ahead"]] == [3, 4, 5]
    cast.agent.finish(given[0], "unknown", reason="neither journal knows").ok()
    assert states(cast)[0] == "unknown"


def test_what_ran_during_the_cut_is_accepted_afterwards_with_its_times(
    cast: Cast, block: Block
) -> None:
    given = [g["attempt"] for g in block.ask()["ahead"]]
    began = clock.now() - timedelta(minutes=50)
    for attempt in given:
        block.agent.finish(
            attempt,
            began=began.isoformat(),
            ended=(began + timedelta(seconds=1)).isoformat(),
        ).ok()
    assert states(cast)[:3] == ["done"] * 3
    assert Shot.objects.get(index=0).started == began


def test_evidence_from_a_session_cut_off_resolves_what_a_new_one_called_unknown(
    cast: Cast, block: Block
) -> None:
    [grant] = block.ask(seconds=1.0)["ahead"]
    old = block.agent.epoch
    cast.agent.open(offline_seconds=3.0)
    cast.agent.finish(grant["attempt"], "unknown").ok()
    answer = cast.agent.finish(grant["attempt"], "done", epoch=old).ok()
    assert answer["late"] is True
    assert states(cast)[0] == "done"


def test_nothing_is_granted_ahead_while_paused(cast: Cast, block: Block) -> None:
    cast.olga("POST", "/apparatus/sim/pause", {"message": "vacuum"}).ok()
    assert block.ask()["ahead"] == []


def test_what_a_cancelled_job_gives_back_is_cancelled(cast: Cast, block: Block) -> None:
    [grant] = block.ask(seconds=1.0)["ahead"]
    cast.alice("POST", f"/jobs/{grant['job']}/cancel").ok()
    assert grant["job"] in block.ask(grant["attempt"])["cancelled"]
    block.agent.finish(grant["attempt"], "not_started").ok()
    assert cast.alice("GET", f"/jobs/{grant['job']}").ok()["state"] == "cancelled"
