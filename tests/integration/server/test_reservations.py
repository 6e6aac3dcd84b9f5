"""The calendar through the hub's interface: bookings never overlap, and edges are kept."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from django.db import connection, connections
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Answer, Caller

from shothub.runtime import clock
from shothub.server.accounts.models import Group, Membership, Quota
from shothub.server.accounts.queries import principal_of_session
from shothub.server.accounts.services import mint_token
from shothub.server.jobs.models import Event
from shothub.server.jobs.services import bookings, edges
from shothub.server.refusals import Refused
from shothub.server.reservations import services
from shothub.server.reservations.models import Reservation
from shothub.server.reservations.services import Wish

MONDAY = datetime(2027, 1, 4, tzinfo=UTC)
Book = Callable[..., Answer]


def _book(
    caller: Caller, starts: datetime, hours: float = 1.0, **changes: object
) -> Answer:
    ends = starts + timedelta(hours=hours)
    span = {"starts": starts.isoformat(), "ends": ends.isoformat()}
    return caller("POST", "/reservations", {"apparatus": "sim"} | span | changes)


def _soon(hours: float = 0.0) -> datetime:
    return clock.now().replace(microsecond=0) + timedelta(days=2, hours=hours)


@pytest.fixture
def operator(cast: Cast) -> Caller:
    return Caller(mint_token(user=cast.users["olga"], now=clock.now()))


@pytest.fixture
def generous(cast: Cast) -> Cast:
    """A lab that lets each user and group book four hours a week."""
    cast.agent.open(reservations={"hours_per_week": 4.0, "longest_hours": 3.0})
    return cast


def _events(prefix: str = "reservation.") -> list[str]:
    found = Event.objects.filter(what__startswith=prefix).order_by("id")
    return [event.what.removeprefix(prefix) for event in found]


def test_a_reservation_is_seen_by_everybody(cast: Cast, operator: Caller) -> None:
    booked = _book(operator, _soon(), title="alignment").ok()
    [seen] = cast.bob("GET", "/reservations?apparatus=sim").ok()
    assert (seen["id"], seen["owner"], seen["title"]) == (
        booked["id"],
        "olga",
        "alignment",
    )
    assert (seen["mine"], seen["may_change"], seen["state"]) == (False, False, "coming")
    assert booked["mine"]
    assert booked["may_change"]
    assert _events() == ["booked"]


def test_an_overlap_is_refused_by_name_with_the_next_free_time(
    cast: Cast, operator: Caller
) -> None:
    start = _soon()
    first = _book(operator, start, 2).ok()
    refused = _book(operator, start + timedelta(hours=1), 1)
    assert refused.status == 409
    assert refused.body["code"] == "overlap"
    assert f"reservation {first['id']}" in refused.body["detail"]
    assert "reserved for olga" in refused.body["detail"]
    free = start + timedelta(hours=2)
    assert f"{free:%Y-%m-%d %H:%M} UTC" in refused.body["hint"]


def test_the_end_of_one_may_be_the_begin_of_the_next(operator: Caller) -> None:
    start = _soon()
    _book(operator, start, 1).ok()
    _book(operator, start + timedelta(hours=1), 1).ok()
    _book(operator, start - timedelta(hours=1), 1).ok()


def test_two_apparatus_have_two_calendars(cast: Cast, operator: Caller) -> None:
    cast.users["olga"].is_staff = True
    cast.users["olga"].save()
    start = _soon()
    _book(operator, start).ok()
    _book(operator, start, apparatus="other").ok()


def test_one_offset_or_another_is_the_same_moment(operator: Caller) -> None:
    start = _soon()
    _book(operator, start).ok()
    west = start.astimezone(tz=None).isoformat()
    same = {"starts": west, "ends": (start + timedelta(hours=1)).isoformat()}
    assert operator("POST", "/reservations", {"apparatus": "sim"} | same).status == 409


def test_a_time_without_zone_is_refused(operator: Caller) -> None:
    body = {
        "apparatus": "sim",
        "starts": "2026-12-01T10:00",
        "ends": "2026-12-01T11:00",
    }
    assert operator("POST", "/reservations", body).status == 422


def test_users_book_nothing_unless_the_lab_lets_them(cast: Cast) -> None:
    refused = _book(cast.alice, _soon())
    assert (refused.status, refused.body["code"]) == (403, "reservations_not_granted")


def test_users_book_within_their_hours_of_the_week(generous: Cast) -> None:
    start = MONDAY + timedelta(hours=8)
    _book(generous.alice, start, 3).ok()
    refused = _book(generous.alice, start + timedelta(days=1), 2)
    assert (refused.status, refused.body["code"]) == (409, "over_budget")
    assert "3.00 of 4 hours" in refused.body["detail"]
    assert "book 1.00 hours" in refused.body["hint"]
    _book(generous.alice, start + timedelta(days=1), 1).ok()
    _book(generous.bob, start + timedelta(days=2), 3).ok()


def test_a_span_over_midnight_of_sunday_counts_in_both_weeks(generous: Cast) -> None:
    _book(generous.alice, MONDAY + timedelta(days=1), 3).ok()
    sunday = MONDAY + timedelta(days=6, hours=23)
    _book(generous.alice, sunday, 2).ok()
    assert _book(generous.alice, MONDAY + timedelta(days=2), 0.5).status == 409
    _book(generous.alice, MONDAY + timedelta(days=8), 3).ok()


def test_a_quota_wins_over_the_labs_policy(generous: Cast) -> None:
    Quota.objects.create(user=generous.users["bob"], reserved_week=3600.0)
    assert _book(generous.bob, MONDAY, 2).body["code"] == "over_budget"
    _book(generous.bob, MONDAY, 1).ok()
    Quota.objects.create(user=generous.users["bob"], apparatus="sim", reserved_week=0)
    refused = _book(generous.bob, MONDAY + timedelta(days=9), 1)
    assert refused.body["code"] == "reservations_not_granted"


def test_too_long_too_far_ahead_and_in_the_past_are_refused(generous: Cast) -> None:
    now = clock.now()
    for starts, hours, code in (
        (_soon(), 3.1, "too_long"),
        (now + timedelta(days=61), 1, "too_far_ahead"),
        (now - timedelta(hours=1), 2, "past"),
        (_soon(), 0, "bad_span"),
        (_soon(), -1, "bad_span"),
    ):
        refused = _book(generous.alice, starts, hours)
        assert (refused.status, refused.body["code"]) == (422, code)


def test_a_group_books_for_its_members_alone(generous: Cast) -> None:
    group = Group.objects.create(name="rydberg", created=clock.now())
    Membership.objects.create(user=generous.users["alice"], group=group)
    start = _soon()
    asked: dict[str, Any] = {"kind": "group", "group": "rydberg"}
    assert _book(generous.bob, start, **asked).body["code"] == "not_in_group"
    assert _book(generous.alice, start, **asked).ok()["mine"]
    [seen] = generous.bob("GET", "/reservations").ok()
    assert (seen["group"], seen["mine"]) == ("rydberg", False)


def test_only_operators_close_the_machine(generous: Cast, operator: Caller) -> None:
    asked: dict[str, Any] = {"kind": "maintenance", "title": "new ovens"}
    assert _book(generous.alice, _soon(), **asked).status == 403
    _book(operator, _soon(), **asked).ok()


def test_a_reservation_is_shortened_extended_and_renamed(generous: Cast) -> None:
    start = _soon()
    booked = _book(generous.alice, start, 1).ok()
    _book(generous.bob, start + timedelta(hours=2), 1).ok()
    path = f"/reservations/{booked['id']}"
    longer = {"ends": (start + timedelta(hours=2)).isoformat(), "title": "Rabi"}
    changed = generous.alice("PATCH", path, longer).ok()
    assert changed["title"] == "Rabi"
    too_long = {"ends": (start + timedelta(hours=2.1)).isoformat()}
    assert generous.alice("PATCH", path, too_long).body["code"] == "overlap"
    assert generous.bob("PATCH", path, {"title": "mine"}).body["code"] == "not_yours"
    assert _events() == ["booked", "booked", "changed"]


def test_a_cancelled_one_makes_room_and_can_be_cancelled_again(generous: Cast) -> None:
    start = _soon()
    booked = _book(generous.alice, start, 3).ok()
    path = f"/reservations/{booked['id']}"
    assert generous.bob("DELETE", path).status == 403
    assert generous.alice("DELETE", path).ok()["state"] == "cancelled"
    assert generous.alice("DELETE", path).ok()["state"] == "cancelled"
    assert generous.bob("GET", "/reservations").ok() == []
    _book(generous.bob, start, 3).ok()
    _book(generous.alice, start + timedelta(hours=4), 3).ok()
    assert _events().count("cancelled") == 1


def test_an_operator_may_cancel_anybodys(generous: Cast, operator: Caller) -> None:
    booked = _book(generous.alice, _soon(), 1).ok()
    assert operator("DELETE", f"/reservations/{booked['id']}").ok()


def test_what_is_not_there_is_not_found(cast: Cast) -> None:
    assert cast.alice("GET", "/reservations/77").status == 404
    assert cast.alice("DELETE", "/reservations/77").status == 404
    assert cast.alice("GET", "/reservations?apparatus=nothing").status == 404
    assert _book(cast.alice, _soon(), apparatus="nothing").status == 404


def test_the_calendar_is_read_by_spans(generous: Cast) -> None:
    start = _soon()
    _book(generous.alice, start, 1).ok()

    def seen(from_: float, to: float) -> int:
        names = (("from", from_), ("to", to))
        query = "&".join(
            f"{n}={start + timedelta(hours=h):%Y-%m-%dT%H:%M:%S}Z" for n, h in names
        )
        return len(generous.bob("GET", f"/reservations?{query}").ok())

    assert seen(-1, 0) == 0
    assert seen(1, 2) == 0
    assert seen(0.5, 0.6) == 1


@pytest.mark.parametrize("_again", range(3))
def test_of_two_who_book_at_once_one_gets_it(lasting_cast: Cast, _again: int) -> None:
    lasting_cast.agent.open(reservations={"hours_per_week": 4.0})
    start, answers = _soon(), []
    gate = threading.Barrier(2)

    def ask(caller: Caller, hours: float) -> None:
        gate.wait(10)
        answers.append(_book(caller, start + timedelta(hours=hours), 2).status)
        connections.close_all()

    threads = [
        threading.Thread(target=ask, args=(lasting_cast.alice, 0)),
        threading.Thread(target=ask, args=(lasting_cast.bob, 1)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201, 409]
    assert Reservation.objects.count() == 1


# What becomes of one as time passes.


def _now_for(cast: Cast, caller: Caller, **changes: object) -> Reservation:
    booked = _book(caller, clock.now(), 1, **changes).ok()
    return Reservation.objects.get(pk=booked["id"])


def test_nobody_else_starts_a_shot_in_reserved_time(
    generous: Cast, submit: Callable[..., Any]
) -> None:
    _now_for(generous, generous.alice)
    submit(generous.bob)
    generous.agent.compile_one()
    assert generous.agent.lease() == []
    submit(generous.alice)
    mine = generous.agent.compile_one()
    [lease] = generous.agent.lease()
    assert lease["job"] == mine
    generous.agent.start(lease).ok()


def test_what_was_leased_before_it_begins_returns(
    generous: Cast, submit: Callable[..., Any]
) -> None:
    submit(generous.bob)
    generous.agent.compile_one()
    [lease] = generous.agent.lease()
    _now_for(generous, generous.alice)
    assert generous.agent.start(lease).body["code"] == "lease_lost"
    assert _events() == ["booked", "began"]


def test_a_running_shot_is_never_cut(
    generous: Cast, submit: Callable[..., Any]
) -> None:
    submit(generous.bob)
    generous.agent.compile_one()
    [lease] = generous.agent.lease()
    attempt = generous.agent.start(lease).ok()["attempt"]
    _now_for(generous, generous.alice)
    assert generous.agent.poll(shots=1).ok()["abort"] == []
    generous.agent.finish(attempt).ok()


def test_a_shot_that_could_not_end_in_time_waits(
    generous: Cast, submit: Callable[..., Any]
) -> None:
    submit(generous.bob)
    generous.agent.compile_one()
    [lease] = generous.agent.lease()
    soon = clock.now() + timedelta(seconds=2)
    Reservation.objects.create(
        apparatus_id=Event.objects.filter(job=lease["job"])[0].apparatus_id,
        kind="exclusive",
        owner=generous.users["alice"],
        starts=soon,
        ends=soon + timedelta(hours=1),
        created=soon,
    )
    assert generous.agent.start(lease).body["code"] == "reservation_ahead"


def test_maintenance_keeps_its_owner_out_too(
    generous: Cast, operator: Caller, submit: Callable[..., Any]
) -> None:
    _now_for(generous, operator, kind="maintenance")
    submit(operator)
    generous.agent.compile_one()
    assert generous.agent.lease() == []


def test_idle_time_is_lent_and_regained_by_submitting(
    generous: Cast, submit: Callable[..., Any]
) -> None:
    row = _now_for(generous, generous.alice)
    submit(generous.bob)
    generous.agent.compile_one(shots=3)
    Reservation.objects.filter(pk=row.pk).update(
        idle_since=clock.now() - timedelta(minutes=5)
    )
    edges.attend_all(clock.now())
    [first] = generous.agent.lease()
    generous.agent.start(first).ok()
    [second] = generous.agent.lease()
    assert generous.bob("GET", f"/reservations/{row.pk}").ok()["state"] == "lent"
    submit(generous.alice)
    mine = generous.agent.compile_one()
    edges.attend_all(clock.now())
    assert generous.agent.start(second).body["code"] == "lease_lost"
    [lease] = generous.agent.lease()
    assert lease["job"] == mine
    assert _events() == ["booked", "began", "lent", "regained"]


def test_the_idle_time_begins_when_there_is_no_work_left(
    generous: Cast, submit: Callable[..., Any]
) -> None:
    row = _now_for(generous, generous.alice)
    row.refresh_from_db()
    assert row.idle_since is not None
    submit(generous.alice)
    edges.attend_all(clock.now())
    row.refresh_from_db()
    assert row.idle_since is None


def test_its_end_is_noted_once(generous: Cast) -> None:
    row = _now_for(generous, generous.alice)
    later = row.ends + timedelta(seconds=1)
    edges.attend_all(later)
    edges.attend_all(later)
    assert _events() == ["booked", "began", "over"]


def test_looking_after_nothing_asks_the_database_once(
    cast: Cast, django_assert_num_queries: Callable[..., Any]
) -> None:
    with django_assert_num_queries(1):
        edges.attend_all(clock.now())
    assert connection.queries is not None


def test_a_waiting_job_says_whose_time_it_is(
    generous: Cast, submit: Callable[..., Any]
) -> None:
    generous.agent.poll()
    _now_for(generous, generous.alice)
    job = submit(generous.bob)["id"]
    generous.agent.compile_one()
    notice = generous.bob("GET", f"/jobs/{job}").ok()["notice"]
    assert "is reserved for alice" in notice


@pytest.mark.parametrize("seed", range(2))
def test_no_sequence_of_bookings_changes_and_cancellations_overlaps(
    cast: Cast, seed: int
) -> None:
    """What stands never overlaps, whoever asked for what in whichever order."""
    cast.agent.open(reservations={"hours_per_week": 168.0, "longest_hours": 100.0})
    random = Random(seed)
    people = [principal_of_session(cast.users[n]) for n in ("alice", "bob", "olga")]
    start, now = _soon(), clock.now()
    taken, refused = 0, 0
    for _ in range(60):
        who = random.choice(people)
        first = start + timedelta(minutes=15 * random.randrange(200))
        last = first + timedelta(minutes=15 * random.randint(1, 24))
        rows = list(Reservation.objects.filter(cancelled=None))
        try:
            if not rows or random.random() < 0.5:
                wish = Wish(kind="exclusive", starts=first, ends=last)
                bookings.book(who, "sim", wish, now=now)
            elif random.random() < 0.7:
                pk = random.choice(rows).pk
                bookings.change(who, pk, starts=first, ends=last, now=now)
            else:
                bookings.cancel(who, random.choice(rows).pk, now=now)
            taken += 1
        except Refused:
            refused += 1
        spans = Reservation.objects.filter(cancelled=None).order_by("starts")
        times = list(spans.values_list("starts", "ends"))
        assert all(a[1] <= b[0] for a, b in pairwise(times))
    assert taken > 10
    assert refused > 10


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "1999-12-31T00:00Z"]
)
def test_a_moment_out_of_all_reach_is_refused(operator: Caller, moment: str) -> None:
    body = {"apparatus": "sim", "starts": moment, "ends": moment}
    assert operator("POST", "/reservations", body).status == 422
    encoded = moment.replace("+", "%2B")
    assert operator("GET", f"/reservations?from={encoded}").status == 422


def test_operators_too_book_two_years_ahead_at_most(operator: Caller) -> None:
    refused = _book(operator, clock.now() + timedelta(days=800))
    assert refused.body["code"] == "too_far_ahead"


def test_the_control_overlaps_where_nothing_is_checked(
    generous: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = _soon()
    _book(generous.alice, start).ok()
    assert _book(generous.bob, start).status == 409
    monkeypatch.setattr(services, "_require_free", lambda *_, **__: None)
    _book(generous.bob, start).ok()
    assert Reservation.objects.filter(starts=start).count() == 2
