"""The calendar page: what is reserved, booked and given up, in the browser's zone."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from tests.integration.server.hub_cast import Cast

from shothub.runtime import clock
from shothub.server.apparatus.models import Apparatus
from shothub.server.reservations.models import Reservation, Session

PAGE = "/apparatus/sim/calendar"


@pytest.fixture(autouse=True)
def generous(cast: Cast) -> None:
    cast.agent.open(reservations={"hours_per_week": 8.0})


@pytest.fixture
def booked(cast: Cast) -> Reservation:
    """An hour of Alice, tomorrow."""
    starts = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    return Reservation.objects.create(
        apparatus=Apparatus.objects.get(name="sim"),
        kind="exclusive",
        owner=cast.users["alice"],
        title="<script>Rabi</script>",
        starts=starts,
        ends=starts + timedelta(hours=1),
        created=starts,
    )


def _week(moment: datetime) -> str:
    return f"{PAGE}?week={moment:%G-W%V}"


def _form(starts: datetime, hours: float = 1.0, **changes: str) -> dict[str, str]:
    form = "%Y-%m-%dT%H:%M"
    ends = starts + timedelta(hours=hours)
    span = {"starts": f"{starts:{form}}", "ends": f"{ends:{form}}"}
    return {"whose": "me", "title": "", **span, **changes}


def test_everybody_sees_what_is_reserved_and_only_owners_may_cancel(
    alice: Client, bob: Client, booked: Reservation
) -> None:
    mine = alice.get(_week(booked.starts)).content.decode()
    theirs = bob.get(_week(booked.starts)).content.decode()
    assert "&lt;script&gt;Rabi" in mine
    assert "<script>Rabi" not in mine
    assert f"/calendar/{booked.pk}/cancel" in mine
    assert "<strong>you</strong>" in mine
    assert f"/calendar/{booked.pk}/cancel" not in theirs
    assert "<code>alice</code>" in theirs


def test_the_apparatus_leads_to_it(alice: Client) -> None:
    assert f'href="{PAGE}"' in alice.get("/apparatus/sim").content.decode()


def test_times_are_in_the_zone_that_the_browser_told(
    alice: Client, booked: Reservation
) -> None:
    at = f"{booked.starts:%H:%M}"
    page = alice.get(_week(booked.starts)).content.decode()
    assert "<strong>UTC</strong>" in page
    assert f", {at} –" in page
    alice.cookies["zone"] = "Asia/Tokyo"
    page = alice.get(_week(booked.starts + timedelta(hours=9))).content.decode()
    assert "<strong>Asia/Tokyo</strong>" in page
    assert f", {booked.starts + timedelta(hours=9):%H:%M} –" in page


@pytest.mark.parametrize("zone", ["../../etc/passwd", "Nowhere/At_all", "x" * 5000])
def test_a_zone_that_is_none_is_taken_for_utc(alice: Client, zone: str) -> None:
    alice.cookies["zone"] = zone
    assert "<strong>UTC</strong>" in alice.get(PAGE).content.decode()


def test_time_is_booked_in_the_zone_of_the_page(alice: Client) -> None:
    alice.cookies["zone"] = "Asia/Tokyo"
    starts = clock.now().replace(second=0, microsecond=0) + timedelta(days=2)
    answer = alice.post(PAGE, _form(starts + timedelta(hours=9), title="Rabi"))
    assert answer.status_code == 302
    made = Reservation.objects.get()
    assert (made.starts, made.title) == (starts, "Rabi")


def test_a_refusal_is_shown_with_what_was_filled_in(
    bob: Client, booked: Reservation
) -> None:
    answer = bob.post(PAGE, _form(booked.starts, 2, title="mine"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "it is reserved for alice" in page
    assert "So long a time is free from" in page
    assert 'value="mine"' in page
    assert Reservation.objects.count() == 1


def test_a_time_that_is_none_is_refused(alice: Client) -> None:
    answer = alice.post(PAGE, _form(clock.now()) | {"starts": "soon"})
    assert answer.status_code == 422
    assert "This is no time." in answer.content.decode()


def test_one_cancels_ones_own_only(
    alice: Client, bob: Client, booked: Reservation
) -> None:
    target = f"{PAGE}/{booked.pk}/cancel"
    assert bob.post(target).status_code == 403
    assert alice.get(target).status_code == 405
    assert alice.post(target, {"week": "2026-W48"}).status_code == 302
    booked.refresh_from_db()
    assert booked.cancelled is not None


def test_operators_may_close_the_machine_and_users_may_not(
    alice: Client, browser: Callable[[str], Client]
) -> None:
    starts = clock.now() + timedelta(days=2)
    form = _form(starts, whose="maintenance")
    assert "maintenance: nobody runs" not in alice.get(PAGE).content.decode()
    assert alice.post(PAGE, form).status_code == 422
    olga = browser("olga")
    assert "maintenance: nobody runs" in olga.get(PAGE).content.decode()
    assert olga.post(PAGE, form).status_code == 302


def test_who_may_book_nothing_is_told_whom_to_ask(cast: Cast, alice: Client) -> None:
    cast.agent.open(reservations={"hours_per_week": 0.0})
    page = alice.get(PAGE).content.decode()
    assert 'name="starts"' not in page
    assert "operators book time" in page


def test_a_session_is_seen_by_all_and_ended_by_its_owner(
    cast: Cast, alice: Client, bob: Client
) -> None:
    ident = cast.alice("POST", "/sessions", {"apparatus": "sim"}).ok()["id"]
    target = f"/apparatus/sim/sessions/{ident}/end"
    assert "waits for its turn" in bob.get(PAGE).content.decode()
    assert target not in bob.get(PAGE).content.decode()
    assert bob.post(target).status_code == 404
    assert target in alice.get(PAGE).content.decode()
    assert alice.post(target).status_code == 302
    assert Session.objects.get(pk=ident).state == "ended"


def test_the_page_asks_the_database_a_bounded_number_of_times(
    cast: Cast,
    alice: Client,
    booked: Reservation,
    django_assert_max_num_queries: object,
) -> None:
    for n in range(1, 40):
        booked.pk = None
        booked.starts += timedelta(hours=2)
        booked.ends += timedelta(hours=2)
        booked.title = str(n)
        booked.save(force_insert=True)
    assert callable(django_assert_max_num_queries)
    with django_assert_max_num_queries(16):
        alice.get(_week(booked.starts))


def test_an_empty_queue_promises_nothing_while_the_time_is_anothers(
    cast: Cast, bob: Client, booked: Reservation
) -> None:
    cast.agent.poll()
    promise = "A job submitted now runs as soon as it is compiled."
    assert promise in bob.get("/apparatus/sim").content.decode()
    now = clock.now()
    span = {"starts": now - timedelta(minutes=1), "ends": now + timedelta(hours=1)}
    Reservation.objects.filter(pk=booked.pk).update(**span)
    assert promise not in bob.get("/apparatus/sim").content.decode()
