"""How long a session lives, and what it costs."""

from datetime import UTC, datetime, timedelta

from shothub.domain.turns import ABANDONED, Life, seconds_to_charge, why_over

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def life(*, active: float = 0.0, until: float | None = 600.0) -> Life:
    return Life(
        opened=T0 if until is not None else None,
        until=at(until) if until is not None else None,
        idle=timedelta(seconds=60),
        total=timedelta(seconds=600),
        last_active=at(active),
    )


def test_it_ends_after_its_idle_time_and_not_before() -> None:
    assert why_over(life(), at(59.9)) == ""
    assert why_over(life(), at(60)) == "nothing of it waited or ran for 60 s"


def test_use_keeps_it_alive() -> None:
    assert why_over(life(active=500), at(559)) == ""


def test_it_ends_after_its_total_time_however_busy() -> None:
    assert why_over(life(active=599), at(599.9)) == ""
    assert why_over(life(active=600), at(600)) == "its 600 s are over"


def test_it_says_so_when_a_reservation_cuts_it() -> None:
    assert why_over(life(active=99, until=100), at(100)) == "a reservation begins"


def test_nobody_waits_for_one_who_has_gone() -> None:
    waiting = life(until=None)
    assert why_over(waiting, T0 + ABANDONED - timedelta(seconds=1)) == ""
    assert "nobody asked" in why_over(waiting, T0 + ABANDONED)


def test_it_pays_by_the_clock() -> None:
    assert seconds_to_charge(T0, at(90), None) == 90.0


def test_a_shot_that_outlives_it_is_paid_by_itself() -> None:
    assert seconds_to_charge(T0, at(90), at(80)) == 80.0
    assert seconds_to_charge(T0, at(90), at(-5)) == 0.0
