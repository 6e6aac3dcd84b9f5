"""Turns and booked time as the SDK asks for them, with answers lost and programs stopped."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from tests.fakes.client_hub import FakeHub, problem, reply

from shothub.client import HubUnreachable, Refused, SessionOver
from shothub.client.moments import moment
from shothub.wire.reservations import ReservationView, SessionView

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def session(state: str = "waiting", **changes: Any) -> SessionView:
    known: dict[str, Any] = {
        "id": "s1",
        "apparatus": "sim",
        "owner": "alice",
        "state": state,
        "idle_seconds": 60.0,
        "total_seconds": 600.0,
        "requested": NOON,
    }
    return SessionView.model_validate(known | changes)


@pytest.fixture
def fake() -> FakeHub:
    """A hub whose session opens at the second look."""
    fake = FakeHub()
    looks = iter([session(others=2, notice="BLACS is paused"), session("open")])
    fake.answers |= {
        "POST /sessions": lambda _: reply(session(), 201),
        "GET /sessions": [session("ended", id="s0"), session()],
        "GET /sessions/s1": lambda _: reply(next(looks, session("open"))),
        "DELETE /sessions/s1": session("ended", notice="its owner ended it"),
    }
    return fake


def test_a_turn_waits_runs_and_ends(fake: FakeHub) -> None:
    with fake.hub().apparatus("sim").session(progress=False) as turn:
        assert (turn.id, len(fake.sent("GET", "/sessions/s1"))) == ("s1", 2)
        turn.run(procedure="bec_tof", globals={"tof": 0.01})
    [submitted] = fake.sent("POST", "/jobs")
    assert json.loads(submitted.content)["session"] == "s1"
    assert len(fake.sent("DELETE", "/sessions/s1")) == 1


def test_it_says_what_it_waits_for(
    fake: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    with fake.hub().apparatus("sim").session():
        pass
    said = capsys.readouterr().err
    assert "waits for its turn, 2 other users too, BLACS is paused" in said
    assert "session s1 is open" in said


def test_limits_are_sent_in_seconds(fake: FakeHub) -> None:
    with fake.hub().apparatus("sim").session(minutes=2, idle=5, progress=False):
        pass
    [asked] = fake.sent("POST", "/sessions")
    body = json.loads(asked.content)
    assert (body["total_seconds"], body["idle_seconds"]) == (120.0, 5.0)


def test_one_whose_answer_was_lost_is_found_again(fake: FakeHub) -> None:
    exists = problem(409, "session_exists")
    answers: Iterator[Any] = iter([httpx.ReadError("cut"), exists])

    def ask(_: httpx.Request) -> httpx.Response:
        answer = next(answers)
        if not isinstance(answer, httpx.Response):
            raise answer
        return answer

    fake.answers["POST /sessions"] = ask
    with fake.hub().apparatus("sim").session(progress=False) as turn:
        assert turn.id == "s1"


def test_ones_own_other_session_is_not_taken_for_it(fake: FakeHub) -> None:
    fake.answers["POST /sessions"] = lambda _: problem(409, "session_exists")
    fake.answers["GET /sessions"] = [session("open"), session(idle_seconds=5.0)]
    turn = fake.hub().apparatus("sim").session(progress=False)
    with pytest.raises(Exception, match="No"), turn:
        pass


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_it_ends_however_the_loop_ends(
    fake: FakeHub, error: type[BaseException]
) -> None:
    turn = fake.hub().apparatus("sim").session(progress=False)
    with pytest.raises(error), turn:
        raise error
    assert len(fake.sent("DELETE", "/sessions/s1")) == 1


def test_it_ends_when_the_wait_is_broken_off(fake: FakeHub) -> None:
    def interrupted(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    fake.answers["GET /sessions/s1"] = interrupted
    turn = fake.hub().apparatus("sim").session(progress=False)
    with pytest.raises(KeyboardInterrupt), turn:
        pass
    assert len(fake.sent("DELETE", "/sessions/s1")) == 1


def test_a_hub_that_is_gone_at_the_end_hides_no_error_of_the_loop(
    fake: FakeHub,
) -> None:
    def gone(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("gone")

    fake.answers["DELETE /sessions/s1"] = gone
    turn = fake.hub(patience=1.0).apparatus("sim").session(progress=False)
    with pytest.raises(ZeroDivisionError), turn:
        raise ZeroDivisionError


def test_a_job_after_its_end_says_why_it_ended(fake: FakeHub) -> None:
    over = session("ended", notice="its 600 s are over")
    turn = fake.hub().apparatus("sim").session(progress=False)
    with turn:
        fake.answers["POST /jobs"] = lambda _: problem(422, "no_session")
        fake.answers["GET /sessions/s1"] = over
        with pytest.raises(SessionOver, match="its 600 s are over"):
            turn.run(procedure="bec_tof")
        fake.answers["GET /sessions/s1"] = session("open")
        with pytest.raises(Refused):
            turn.run(procedure="bec_tof")


def test_one_that_was_never_entered_has_no_id(fake: FakeHub) -> None:
    turn = fake.hub().apparatus("sim").session()
    assert "not asked for" in repr(turn)
    with pytest.raises(RuntimeError, match="with apparatus"):
        turn.run(procedure="bec_tof")


def test_a_booking_whose_answer_was_lost_is_not_sent_again() -> None:
    fake = FakeHub()
    fake.answers["POST /reservations"] = lambda _: problem(503, "busy")
    machine = fake.hub(patience=1.0).apparatus("sim")
    fake.troubles.append("lost")
    with pytest.raises(HubUnreachable):
        machine.reserve(NOON, hours=1)
    assert len(fake.sent("POST", "/reservations")) == 1


def test_a_booking_is_sent_with_its_zone_and_kind() -> None:
    fake = FakeHub()
    view = ReservationView(
        id=7,
        apparatus="sim",
        kind="group",
        owner="alice",
        starts=NOON,
        ends=NOON,
        state="coming",
    )
    fake.answers["POST /reservations"] = view
    east = NOON.astimezone(timezone(timedelta(hours=9)))
    fake.hub().apparatus("sim").reserve(east, hours=0.5, group="rydberg", title="x")
    [asked] = fake.sent("POST", "/reservations")
    body = json.loads(asked.content)
    assert (body["kind"], body["group"]) == ("group", "rydberg")
    assert body["starts"] == "2026-01-02T12:00:00Z"
    assert body["ends"] == "2026-01-02T12:30:00Z"


def test_a_time_without_a_zone_is_the_computers() -> None:
    naive = datetime(2026, 7, 1, 10)  # noqa: DTZ001 (that is the point)
    assert moment(naive, now=NOON) == naive.astimezone()
    assert moment("2026-07-01 10:00", now=NOON) == naive.astimezone()
    assert moment("2026-07-01T10:00Z", now=NOON) == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_a_time_of_day_is_the_next_one() -> None:
    here = NOON.astimezone()
    earlier = here - timedelta(minutes=1)
    later = here + timedelta(minutes=1)
    assert moment(f"{later:%H:%M}", now=NOON) == later
    assert moment(f"{earlier:%H:%M}", now=NOON) == earlier + timedelta(days=1)
    assert moment("now", now=NOON) == NOON


@pytest.mark.parametrize("text", ["", "tomorrow", "25:00", "2026-02-30 10:00"])
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(Refused) as refused:
        moment(text, now=NOON)
    assert refused.value.faults[0].hint == "write 2026-12-24 14:30, 14:30 or now"
