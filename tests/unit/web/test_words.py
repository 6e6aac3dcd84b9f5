"""What the pages say about jobs and apparatus."""

from datetime import UTC, datetime

import pytest

from shothub.domain.states import JobState
from shothub.server.web import words
from shothub.wire.apparatus import ApparatusStatus, ApparatusView
from shothub.wire.jobs import EventView, JobView

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def job(state: JobState, **changes: object) -> JobView:
    plain = JobView(
        id="j",
        rev=1,
        apparatus="sim",
        kind="procedure",
        source="bec",
        name="",
        tags=[],
        priority=0,
        owner="alice",
        state=state,
        submitted=NOON,
    )
    return plain.model_copy(update=changes)


@pytest.mark.parametrize("state", list(JobState))
def test_every_state_has_a_sentence_and_a_time_line(state: JobState) -> None:
    assert words.sentence(job(state, shots=2))
    steps = words.timeline(job(state), moved("submitted", state))
    assert steps[0].name == "Submitted"


def test_a_job_with_missing_shots_is_never_simply_done() -> None:
    done = job(JobState.DONE, shots=3, shots_done=2, shots_failed=1)
    assert words.job_chip(done).text == "done, 1 missing"
    assert words.sentence(done) == "2 of 3 shots are done; 1 failed."


def test_a_waiting_job_says_what_it_waits_for() -> None:
    queued = job(JobState.QUEUED, shots=3, position=2, shots_ahead=7)
    assert "7 shots are foreseen to run before" in words.sentence(queued)
    held = queued.model_copy(update={"notice": "the apparatus is offline"})
    assert words.sentence(held) == "It waits: the apparatus is offline"


def moved(*names: str) -> list[EventView]:
    return [EventView(id=i, at=NOON, what=f"job.{n}") for i, n in enumerate(names)]


def test_the_time_line_of_a_failed_job_ends_with_its_failure() -> None:
    steps = words.timeline(job(JobState.FAILED), moved("submitted", "failed"))
    assert [(s.name, s.kind) for s in steps] == [
        ("Submitted", "past"),
        ("Failed", "bad"),
    ]


def test_the_time_line_shows_what_comes_next() -> None:
    moves = moved("submitted", "compiling", "queued")
    steps = words.timeline(job(JobState.QUEUED), moves)
    assert [s.name for s in steps][2:] == ["Queued", "Running", "Analysing", "Done"]
    assert [s.kind for s in steps] == ["past"] * 2 + ["present"] + ["future"] * 3


def test_a_state_that_came_twice_stands_at_its_last_place() -> None:
    moves = moved("submitted", "compiling", "submitted", "touched")
    steps = words.timeline(job(JobState.SUBMITTED), moves)
    assert [s.name for s in steps][:2] == ["Compiling", "Submitted"]


@pytest.mark.parametrize(
    ("changes", "chip", "said"),
    [
        ({"online": False}, "offline", "agent is not connected"),
        ({"paused": True}, "paused", "operator has paused"),
        ({"status": ApparatusStatus(blacs="idle", hold="door")}, "on hold", "door"),
        ({"status": ApparatusStatus(blacs="absent")}, "BLACS is not running", "BLACS"),
        ({"status": ApparatusStatus(blacs="idle")}, "idle", ""),
        ({"status": ApparatusStatus(blacs="running")}, "running", ""),
    ],
)
def test_an_apparatus_that_does_not_run_says_why(
    changes: dict[str, object], chip: str, said: str
) -> None:
    view = ApparatusView(name="sim", online=True).model_copy(update=changes)
    assert words.apparatus_chip(view).text == chip
    assert said in words.hold(view)
    assert bool(said) is bool(words.hold(view))
