"""Answers that get lost, come late or twice: what was in them heals at the next poll."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Answer, ScriptedAgent

from shothub.runtime import clock
from shothub.server.accounts.principals import Principal
from shothub.server.jobs.models import Event, Job, Shot
from shothub.server.jobs.services import agents
from shothub.wire.agents import Poll

Submit = Callable[..., Any]


class Speaker:
    """An agent that says in each poll what it holds, as the real one does."""

    def __init__(self, agent: ScriptedAgent) -> None:
        self.agent = agent
        self.serial = dict.fromkeys(("compile", "shots", "analyse"), 0)

    def poll(self, kind: str, *held: object, room: int = 1, serial: int = 0) -> Answer:
        self.serial[kind] = serial or self.serial[kind] + 1
        holding = {"kind": kind, "serial": self.serial[kind]}
        holding |= {"fences" if kind == "shots" else "jobs": list(held)}
        return self.agent.call("POST", "/agent/poll", self.body(kind, room, holding))

    def body(self, kind: str, room: int, holding: Any) -> dict[str, Any]:
        return {
            "epoch": self.agent.epoch,
            "wait": 0.0,
            "capacity": {kind: room},
            "holding": holding,
            "status": {"blacs": "idle"},
        }

    def leases(self, *held: int, room: int = 1) -> list[Any]:
        return list(self.poll("shots", *held, room=room).ok()["shots"])


@pytest.fixture
def speaker(cast: Cast, submit: Submit) -> Speaker:
    submit()
    cast.agent.compile_one(shots=3)
    return Speaker(cast.agent)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body.get("code", "") if answer.status >= 400 else ""


def test_a_lease_lost_with_its_answer_is_given_again_at_once(speaker: Speaker) -> None:
    [lost] = speaker.leases()
    [again] = speaker.leases()
    assert again["shot"] == lost["shot"]
    assert again["fence"] > lost["fence"]
    assert code(speaker.agent.start(lost)) == (409, "lease_lost")
    assert code(speaker.agent.start(again)) == (200, "")


def test_a_lease_that_the_agent_names_stays_its_own(speaker: Speaker) -> None:
    [held] = speaker.leases()
    [more] = speaker.leases(held["fence"])
    assert more["shot"] != held["shot"]
    assert code(speaker.agent.start(held)) == (200, "")


def test_a_lease_dropped_without_a_start_returns(speaker: Speaker) -> None:
    [lease] = speaker.leases()
    speaker.leases(room=0)
    assert Shot.objects.get(pk=lease["shot"]).state == "compiled"
    said = Event.objects.filter(what="shot.compiled").last()
    assert said is not None
    assert "answer with it was lost" in said.detail


def test_a_started_shot_is_never_taken_back(speaker: Speaker) -> None:
    [lease] = speaker.leases()
    speaker.agent.start(lease).ok()
    [other] = speaker.leases()
    assert other["shot"] != lease["shot"]
    assert Shot.objects.get(pk=lease["shot"]).state == "started"


def test_a_poll_that_was_delayed_is_void(speaker: Speaker) -> None:
    """It was sent before the newer one and would take back what that one was given."""
    [lease] = speaker.poll("shots", serial=2).ok()["shots"]
    late = speaker.poll("shots", serial=1, room=2).ok()
    assert (late["void"], late["shots"]) == (True, [])
    assert Shot.objects.get(pk=lease["shot"]).fence == lease["fence"]
    assert code(speaker.agent.start(lease)) == (200, "")


def test_a_poll_that_came_twice_is_answered_once(speaker: Speaker) -> None:
    [lease] = speaker.poll("shots", serial=1).ok()["shots"]
    second = speaker.poll("shots", serial=1, room=2).ok()
    assert (second["void"], second["shots"]) == (True, [])
    assert code(speaker.agent.start(lease)) == (200, "")


def test_if_only_the_second_answer_arrives_the_next_poll_heals_it(
    speaker: Speaker,
) -> None:
    [lost] = speaker.poll("shots", serial=1).ok()["shots"]
    assert speaker.poll("shots", serial=1).ok()["void"]
    [again] = speaker.poll("shots", serial=2).ok()["shots"]
    assert again["shot"] == lost["shot"]


def test_a_waiting_poll_is_given_nothing_once_a_newer_one_came(
    cast: Cast, speaker: Speaker
) -> None:
    """The connection on which it waits may be dead for long."""
    principal = principal_of(cast)
    older = Poll.model_validate(
        speaker.body("shots", 0, {"kind": "shots", "serial": 1})
    )
    assert not agents.poll(principal, older, now=clock.now()).void
    assert not agents.poll(principal, older, now=clock.now(), again=True).void
    speaker.poll("shots", serial=2, room=0).ok()
    assert agents.poll(principal, older, now=clock.now(), again=True).void


def principal_of(cast: Cast) -> Principal:
    return Principal(
        user=cast.users["robot"].pk,
        username="robot",
        key="robot",
        scopes=frozenset({"agent:run"}),
        apparatus="sim",
    )


def test_a_new_session_counts_its_polls_anew(cast: Cast, speaker: Speaker) -> None:
    speaker.poll("shots", serial=7, room=0).ok()
    cast.agent.open()
    assert not speaker.poll("shots", serial=1, room=0).ok()["void"]


def test_each_kind_of_poll_speaks_of_its_own_work_only(
    cast: Cast, speaker: Speaker, submit: Submit
) -> None:
    [lease] = speaker.leases()
    submit()
    assert speaker.poll("compile").ok()["compile"]
    speaker.poll("analyse").ok()
    assert speaker.leases(lease["fence"], room=0) == []
    assert Shot.objects.get(pk=lease["shot"]).state == "leased"
    assert Job.objects.filter(state="compiling").count() == 1


def test_a_compilation_lost_with_its_answer_is_given_again_at_once(
    cast: Cast, submit: Submit
) -> None:
    submit()
    speaker = Speaker(cast.agent)
    [task] = speaker.poll("compile").ok()["compile"]
    assert speaker.poll("compile", task["job"]).ok()["compile"] == []
    [again] = speaker.poll("compile").ok()["compile"]
    assert again["job"] == task["job"]


def test_an_analysis_lost_with_its_answer_is_given_again_at_once(
    cast: Cast, submit: Submit
) -> None:
    submit()
    cast.agent.compile_one()
    cast.agent.run_one(atoms=1)
    speaker = Speaker(cast.agent)
    [task] = speaker.poll("analyse").ok()["analyse"]
    assert speaker.poll("analyse", task["job"]).ok()["analyse"] == []
    assert speaker.poll("analyse").ok()["analyse"] == [task]


def test_an_analysis_still_to_be_delivered_is_not_asked_for_again(
    cast: Cast, submit: Submit
) -> None:
    submit()
    cast.agent.compile_one()
    cast.agent.run_one(atoms=1)
    [task] = cast.agent.poll(analyse=1).ok()["analyse"]
    old = cast.agent.epoch
    cast.agent.open()
    speaker = Speaker(cast.agent)
    assert speaker.poll("analyse", task["job"]).ok()["analyse"] == []
    report = {"epoch": old, "routines": []}
    answer = cast.agent.call("POST", f"/agent/jobs/{task['job']}/analysed", report)
    assert answer.ok()["late"] is True
    assert cast.alice("GET", f"/jobs/{task['job']}").ok()["state"] == "done"


def test_results_of_an_old_session_wait_for_those_of_the_present_one(
    cast: Cast, submit: Submit
) -> None:
    submit()
    cast.agent.compile_one()
    cast.agent.run_one(atoms=1)
    old = cast.agent.epoch
    cast.agent.open()
    [task] = cast.agent.poll(analyse=1).ok()["analyse"]
    report = {"epoch": old, "routines": []}
    route = f"/agent/jobs/{task['job']}/analysed"
    assert code(cast.agent.call("POST", route, report)) == (409, "fenced")


def test_the_owner_reads_which_file_was_not_taken(cast: Cast, submit: Submit) -> None:
    job = submit()["id"]
    report = {"name": "images/side/0.npy", "reason": "A file may have 9 bytes."}
    for _ in range(2):
        cast.agent.call("POST", f"/agent/jobs/{job}/undelivered", report).ok()
    events = cast.alice("GET", f"/jobs/{job}/events").ok()
    [told] = [event for event in events if event["what"] == "file.undelivered"]
    assert "images/side/0.npy" in told["detail"]
    assert "9 bytes" in told["detail"]
