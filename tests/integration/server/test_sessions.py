"""Sessions: they wait for their turn, run alone, end by themselves, and are paid by time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Caller

from shothub.runtime import clock
from shothub.server.accounts.services import mint_token
from shothub.server.apparatus.models import Share, Usage
from shothub.server.jobs.models import Event, Job
from shothub.server.jobs.services import turns
from shothub.server.jobs.transitions import Note
from shothub.server.reservations.models import Reservation, Session

Submit = Callable[..., Any]


def _ask(caller: Caller, **changes: object) -> Any:
    return caller("POST", "/sessions", {"apparatus": "sim"} | changes).ok()


def _opened(cast: Cast, caller: Caller, **changes: object) -> str:
    """Return the id of a session whose turn came at the agent's next call."""
    ident = str(_ask(caller, **changes)["id"])
    cast.agent.poll(shots=1)
    assert _state(caller, ident) == "open"
    return ident


def _state(caller: Caller, ident: str) -> str:
    return str(caller("GET", f"/sessions/{ident}").ok()["state"])


def _events() -> list[str]:
    found = Event.objects.filter(what__startswith="session.").order_by("id")
    return [event.what.removeprefix("session.") for event in found]


def _age(ident: str, seconds: float) -> None:
    """Let a session have begun, and been used last, so long ago."""
    span = timedelta(seconds=seconds)
    row = Session.objects.get(pk=ident)
    changes = {
        name: getattr(row, name) - span
        for name in ("requested", "opened", "until", "last_active")
        if getattr(row, name)
    }
    Session.objects.filter(pk=ident).update(**changes)


def test_it_opens_at_once_where_nobody_waits(cast: Cast) -> None:
    ident = str(_ask(cast.alice)["id"])
    assert _state(cast.alice, ident) == "waiting"
    cast.agent.poll(shots=1)
    seen = cast.alice("GET", f"/sessions/{ident}").ok()
    assert seen["state"] == "open"
    assert seen["until"] is not None
    assert _events() == ["asked", "opened"]


def test_while_it_is_open_only_its_own_jobs_run(cast: Cast, submit: Submit) -> None:
    submit(cast.bob)
    submit(cast.alice)
    ident = _ask(cast.alice)["id"]
    Session.objects.filter(pk=ident).update(
        state="open",
        opened=clock.now(),
        until=clock.now() + timedelta(minutes=10),
    )
    cast.agent.compile_one()
    cast.agent.compile_one()
    assert cast.agent.lease() == []
    mine = submit(cast.alice, session=ident)["id"]
    assert cast.agent.compile_one() == mine
    [lease] = cast.agent.lease()
    assert lease["job"] == mine


def test_leases_of_others_return_when_it_opens(cast: Cast, submit: Submit) -> None:
    submit(cast.bob)
    cast.agent.compile_one(shots=2)
    [lease] = cast.agent.lease()
    ident = _ask(cast.alice)["id"]
    row = Session.objects.select_related("apparatus").get(pk=ident)
    note = Note(now=clock.now(), actor="hub")
    assert turns.open_now(row, row.apparatus, note)
    assert cast.agent.start(lease).body["code"] == "lease_lost"
    assert not turns.open_now(row, row.apparatus, note)


def test_its_jobs_compile_before_it_opens_and_before_those_of_others(
    cast: Cast, submit: Submit
) -> None:
    ident = _opened(cast, cast.alice)
    submit(cast.bob)
    mine = submit(cast.alice, session=ident)["id"]
    [task] = cast.agent.poll(compile=1).ok()["compile"]
    assert task["job"] == mine


def test_a_job_of_a_session_that_waits_is_barred_until_its_turn(
    cast: Cast, submit: Submit
) -> None:
    ident = _ask(cast.alice)["id"]
    job = submit(cast.alice, session=ident)["id"]
    assert cast.agent.compile_one() == job
    assert Job.objects.get(pk=job).barred == "session"
    cast.agent.poll(shots=1)
    assert Job.objects.get(pk=job).barred == ""


def test_it_waits_for_its_fair_turn(cast: Cast, submit: Submit) -> None:
    submit(cast.bob)
    cast.agent.compile_one(shots=40)
    for _ in range(3):
        cast.agent.run_one()
    ident = _ask(cast.alice)["id"]
    for _ in range(40):
        cast.agent.poll(shots=0)
        if _state(cast.alice, ident) == "open":
            break
        [lease] = cast.agent.lease() or [None]
        if lease:
            cast.agent.finish(cast.agent.start(lease).ok()["attempt"]).ok()
    assert _state(cast.alice, ident) == "open"


def test_one_has_one_session_on_an_apparatus(cast: Cast) -> None:
    ident = _ask(cast.alice)["id"]
    again = cast.alice("POST", "/sessions", {"apparatus": "sim"})
    assert (again.status, again.body["code"]) == (409, "session_exists")
    assert ident in again.body["detail"]
    assert cast.bob("POST", "/sessions", {"apparatus": "sim"}).status == 201


@pytest.mark.parametrize(
    ("name", "value"), [("idle_seconds", 301), ("total_seconds", 3601)]
)
def test_limits_beyond_the_labs_are_refused(
    cast: Cast, name: str, value: float
) -> None:
    refused = cast.alice("POST", "/sessions", {"apparatus": "sim", name: value})
    assert (refused.status, refused.body["code"]) == (422, "too_long")
    assert str(value) in refused.body["detail"]


def test_a_lab_may_allow_none(cast: Cast) -> None:
    cast.agent.open(reservations={"session_total": 0.0})
    refused = cast.alice("POST", "/sessions", {"apparatus": "sim"})
    assert (refused.status, refused.body["code"]) == (403, "sessions_not_allowed")


def test_a_session_is_its_owners(cast: Cast, submit: Submit) -> None:
    ident = _opened(cast, cast.alice)
    assert cast.bob("GET", f"/sessions/{ident}").status == 404
    assert cast.bob("DELETE", f"/sessions/{ident}").status == 404
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    refused = cast.bob("POST", "/jobs", body | {"session": ident})
    assert refused.status == 422
    assert refused.body["where"].endswith("session")
    assert cast.bob("GET", "/sessions").ok() == []
    assert [s["id"] for s in cast.alice("GET", "/sessions").ok()] == [ident]


def test_an_operator_may_end_anybodys(cast: Cast) -> None:
    ident = _opened(cast, cast.alice)
    operator = Caller(mint_token(user=cast.users["olga"], now=clock.now()))
    assert operator("DELETE", f"/sessions/{ident}").ok()["state"] == "ended"


def test_jobs_for_a_session_that_has_ended_are_refused(
    cast: Cast, submit: Submit
) -> None:
    ident = _opened(cast, cast.alice)
    cast.alice("DELETE", f"/sessions/{ident}").ok()
    cast.alice("DELETE", f"/sessions/{ident}").ok()
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    refused = cast.alice("POST", "/jobs", body | {"session": ident})
    assert refused.status == 422
    assert "over" in refused.body["detail"]
    assert _events() == ["asked", "opened", "ended"]


def test_one_who_has_crashed_blocks_nobody_longer_than_his_idle_limit(
    cast: Cast, submit: Submit
) -> None:
    ident = _opened(cast, cast.alice, idle_seconds=30)
    submit(cast.bob)
    cast.agent.compile_one()
    _age(ident, 29)
    turns.attend_all(clock.now())
    assert cast.agent.lease() == []
    _age(ident, 1.5)
    turns.attend_all(clock.now())
    assert len(cast.agent.lease()) == 1
    seen = cast.alice("GET", f"/sessions/{ident}").ok()
    assert seen["notice"] == "nothing of it waited or ran for 30 s"


def test_a_shot_that_waits_or_runs_keeps_it_alive(cast: Cast, submit: Submit) -> None:
    ident = _opened(cast, cast.alice, idle_seconds=30)
    submit(cast.alice, session=ident)
    _age(ident, 40)
    turns.attend_all(clock.now())
    cast.agent.compile_one()
    [lease] = cast.agent.lease()
    cast.agent.start(lease).ok()
    _age(ident, 40)
    turns.attend_all(clock.now())
    assert _state(cast.alice, ident) == "open"


def test_it_ends_when_its_time_is_over_however_busy(cast: Cast, submit: Submit) -> None:
    ident = _opened(cast, cast.alice, total_seconds=60)
    submit(cast.alice, session=ident)
    cast.agent.compile_one(shots=5)
    [lease] = cast.agent.lease()
    attempt = cast.agent.start(lease).ok()["attempt"]
    _age(ident, 61)
    turns.attend_all(clock.now())
    assert _state(cast.alice, ident) == "ended"
    cast.agent.finish(attempt).ok()  # what runs is never cut


def test_what_it_has_not_started_goes_on_in_the_queue(
    cast: Cast, submit: Submit
) -> None:
    ident = _opened(cast, cast.alice)
    job = submit(cast.alice, session=ident)["id"]
    cast.agent.compile_one(shots=2)
    cast.agent.run_one()
    cast.alice("DELETE", f"/sessions/{ident}").ok()
    assert cast.alice("GET", f"/jobs/{job}").ok()["session"] == ""
    cast.agent.run_one()
    assert cast.alice("GET", f"/jobs/{job}").ok()["shots_done"] == 2


def test_what_was_submitted_while_it_ended_is_not_stuck(
    cast: Cast, submit: Submit
) -> None:
    ident = _opened(cast, cast.alice)
    job = submit(cast.alice)["id"]
    cast.alice("DELETE", f"/sessions/{ident}").ok()
    Job.objects.filter(pk=job).update(session=ident)
    cast.agent.compile_one()
    turns.attend_all(clock.now())
    assert [lease["job"] for lease in cast.agent.lease()] == [job]


def test_it_is_paid_by_the_clock_and_its_shots_are_not_paid_again(
    cast: Cast, submit: Submit
) -> None:
    ident = _opened(cast, cast.alice, total_seconds=600)
    submit(cast.alice, session=ident)
    cast.agent.compile_one()
    cast.agent.run_one()
    assert _used(cast, "alice") == 0.0
    _age(ident, 100)
    ended = cast.alice("DELETE", f"/sessions/{ident}").ok()
    assert ended["charged"] == pytest.approx(100.0, abs=3.0)
    assert _used(cast, "alice") == pytest.approx(ended["charged"])
    share = Share.objects.get(user=cast.users["alice"])
    assert share.tag == pytest.approx(ended["charged"])


def _used(cast: Cast, user: str) -> float:
    rows = Usage.objects.filter(user=cast.users[user])
    return sum(row.seconds for row in rows)


def test_one_that_never_opened_costs_nothing(cast: Cast) -> None:
    ident = _ask(cast.alice)["id"]
    _age(ident, 30)
    assert cast.alice("DELETE", f"/sessions/{ident}").ok()["charged"] == 0.0


def test_nobody_waits_for_an_owner_who_has_gone(cast: Cast) -> None:
    ident = _ask(cast.alice)["id"]
    _age(ident, 110)
    turns.attend_all(clock.now())
    assert _state(cast.alice, ident) == "waiting"  # and this asked for it
    _age(ident, 110)
    turns.attend_all(clock.now())
    assert _state(cast.alice, ident) == "waiting"
    _age(ident, 121)
    turns.attend_all(clock.now())
    assert _state(cast.alice, ident) == "ended"


def test_it_ends_where_a_reservation_of_others_begins(cast: Cast) -> None:
    soon = clock.now() + timedelta(minutes=5)
    apparatus = Session.objects.get(pk=_ask(cast.bob)["id"]).apparatus
    cast.bob("DELETE", f"/sessions/{Session.objects.get().pk}").ok()
    Reservation.objects.create(
        apparatus=apparatus,
        kind="exclusive",
        owner=cast.users["olga"],
        starts=soon,
        ends=soon + timedelta(hours=1),
        created=soon,
    )
    ident = _opened(cast, cast.alice, total_seconds=600)
    assert Session.objects.get(pk=ident).until == soon


def test_one_says_what_it_waits_for(cast: Cast, submit: Submit) -> None:
    submit(cast.bob)
    cast.agent.compile_one(shots=3)
    cast.agent.lease()
    seen = _ask(cast.alice)
    assert seen["others"] == 1
    cast.agent.poll(blacs="error", message="camera")
    ident = seen["id"]
    assert "camera" in cast.alice("GET", f"/sessions/{ident}").ok()["notice"]


def test_looking_after_none_asks_the_database_twice(
    cast: Cast, django_assert_num_queries: Callable[..., Any]
) -> None:
    with django_assert_num_queries(2):
        turns.attend_all(clock.now())


def _book(caller: Caller, **changes: object) -> Any:
    now = clock.now()
    span = {"starts": now.isoformat(), "ends": (now + timedelta(hours=1)).isoformat()}
    return caller("POST", "/reservations", {"apparatus": "sim"} | span | changes)


def test_nobody_books_the_time_of_an_open_session_of_others(cast: Cast) -> None:
    ident = _opened(cast, cast.alice)
    operator = Caller(mint_token(user=cast.users["olga"], now=clock.now()))
    refused = _book(operator)
    assert (refused.status, refused.body["code"]) == (409, "overlap")
    assert "session of alice" in refused.body["detail"]
    cast.alice("DELETE", f"/sessions/{ident}").ok()
    _book(operator).ok()


def test_maintenance_ends_an_open_session(cast: Cast) -> None:
    ident = _opened(cast, cast.alice)
    operator = Caller(mint_token(user=cast.users["olga"], now=clock.now()))
    _book(operator, kind="maintenance").ok()
    turns.attend_all(clock.now())
    seen = cast.alice("GET", f"/sessions/{ident}").ok()
    assert (seen["state"], seen["notice"]) == ("ended", "a reservation begins")
