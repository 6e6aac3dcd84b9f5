"""Two agents for one apparatus: the newer is served, people are told, a fight is stopped."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import DESCRIPTION, Answer, ScriptedAgent

from shothub.runtime import clock
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.models import Event
from shothub.server.outbox.models import Message, Preference

Submit = Callable[..., Any]


@pytest.fixture(autouse=True)
def _mailed(cast: Cast, configured: Callable[..., None]) -> None:
    """Olga wants to be told of holds and of second agents."""
    configured(smtp_host="mail.example.org", smtp_from="shots@example.org")
    olga = cast.users["olga"]
    olga.email = "olga@example.org"
    olga.save(update_fields=["email"])
    Preference.objects.update_or_create(
        user=olga, defaults={"email": ["hold", "second_agent"]}
    )


def open_as(cast: Cast, agent: str) -> ScriptedAgent:
    one = ScriptedAgent(cast.agent.call)
    opening = {
        "apparatus": "sim",
        "agent_version": "1",
        "host": f"pc-{agent}",
        "agent": agent,
        "description": DESCRIPTION,
    }
    one.epoch = one.call("POST", "/agent/sessions", opening).ok()["epoch"]
    return one


def told(cast: Cast) -> list[str]:
    messages = Message.objects.filter(user=cast.users["olga"]).order_by("id")
    return [message.subject for message in messages]


def whats() -> list[str]:
    rows = Event.objects.filter(what__startswith="apparatus.").order_by("id")
    return list(rows.values_list("what", flat=True))


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body.get("code", "") if answer.status >= 400 else ""


def test_the_newer_agent_is_served_and_the_older_is_told_whose_turn_it_is(
    cast: Cast,
) -> None:
    old, new = open_as(cast, "a"), open_as(cast, "b")
    refused = old.poll()
    assert code(refused) == (409, "fenced")
    assert "pc-b" in refused.body["detail"]
    new.poll().ok()


def test_staff_are_told_of_a_takeover(cast: Cast) -> None:
    open_as(cast, "a")
    assert told(cast) == []
    open_as(cast, "b")
    assert told(cast) == ["sim: a second agent has taken over"]
    assert "apparatus.taken_over" in whats()


def test_an_agent_that_replaces_a_silent_one_is_nothing_to_tell(cast: Cast) -> None:
    open_as(cast, "a")
    Apparatus.objects.update(last_seen=clock.now() - timedelta(minutes=2))
    open_as(cast, "b")
    assert told(cast) == []


def test_a_fight_latches_the_hold_and_nothing_starts(
    cast: Cast, submit: Submit
) -> None:
    submit()
    cast.agent.compile_one(shots=2)
    open_as(cast, "a")
    open_as(cast, "b")
    agent = open_as(cast, "a")
    assert "fight" in Apparatus.objects.get(name="sim").hold
    assert told(cast)[-1] == "sim: held, two agents fight"
    work = agent.poll(shots=1).ok()
    assert (work["shots"], work["paused"]) == ([], True)


def test_what_was_leased_before_a_hold_is_not_started(
    cast: Cast, submit: Submit
) -> None:
    submit()
    cast.agent.compile_one()
    [lease] = cast.agent.lease()
    Apparatus.objects.update(hold="Two agents fight.")
    refused = cast.agent.start(lease)
    assert code(refused) == (409, "held")
    assert "Two agents fight." in refused.body["detail"]
    Apparatus.objects.update(hold="")
    assert code(cast.agent.start(lease)) == (200, "")


def test_a_restart_loop_of_one_agent_is_no_fight(cast: Cast) -> None:
    for _ in range(8):
        agent = open_as(cast, "a")
    assert Apparatus.objects.get(name="sim").hold == ""
    assert told(cast) == []
    agent.poll().ok()


def test_a_hold_is_latched_once(cast: Cast) -> None:
    for letter in "ababab":
        open_as(cast, letter)
    assert whats().count("apparatus.held") == 1
    assert told(cast).count("sim: held, two agents fight") == 1


def test_after_an_operator_lifted_the_hold_the_one_that_stays_may_restart(
    cast: Cast, submit: Submit
) -> None:
    submit()
    cast.agent.compile_one()
    for letter in "aba":
        open_as(cast, letter)
    cast.olga("POST", "/apparatus/sim/lift-hold").ok()
    agent = open_as(cast, "a")
    assert Apparatus.objects.get(name="sim").hold == ""
    [lease] = agent.poll(shots=1).ok()["shots"]
    assert code(agent.start(lease)) == (200, "")
