"""Rules of telling: when to try again, and how many mails."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shothub.domain.notices import (
    ALWAYS,
    CHOOSABLE,
    LONGEST_DELAY,
    MAIL_WINDOW,
    MAILED,
    OCCASIONS,
    Mails,
    next_mail,
    seconds_to_retry,
)

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_retries_grow_to_an_hour_with_full_jitter() -> None:
    longest = [seconds_to_retry(n, lambda: 1.0) for n in range(1, 40)]
    assert longest == sorted(longest)
    assert (longest[0], longest[-1]) == (5.0, LONGEST_DELAY)
    assert seconds_to_retry(10_000, lambda: 1.0) == LONGEST_DELAY
    assert seconds_to_retry(20, lambda: 0.0) == 1.0


def test_every_occasion_can_be_chosen_or_is_always_told() -> None:
    assert set(CHOOSABLE) | ALWAYS == set(OCCASIONS)
    assert set(MAILED) <= set(CHOOSABLE)


def test_messages_go_alone_until_the_last_mail_of_the_hour_takes_all() -> None:
    sent: list[datetime] = []
    assert next_mail(9, sent, most=3, now=NOON) == Mails(take=1)
    assert next_mail(9, [NOON], most=3, now=NOON) == Mails(take=1)
    assert next_mail(7, [NOON, NOON], most=3, now=NOON) == Mails(take=7)
    waiting = next_mail(7, [NOON, NOON, NOON], most=3, now=NOON)
    assert waiting == Mails(wait_until=NOON + MAIL_WINDOW)
    later = NOON + MAIL_WINDOW
    assert next_mail(7, [NOON, NOON, NOON], most=3, now=later) == Mails(take=1)


def test_nothing_waiting_sends_nothing() -> None:
    assert next_mail(0, [], most=3, now=NOON) == Mails()


@given(
    gaps=st.lists(st.floats(0, 900), min_size=1, max_size=60),
    most=st.integers(1, 5),
)
def test_no_hour_ever_sees_more_mails_than_allowed(
    gaps: list[float], most: int
) -> None:
    now, waiting, left = NOON, 0, 0
    sent: list[datetime] = []
    for gap in gaps:
        now += timedelta(seconds=gap)
        waiting += 1
        plan = next_mail(waiting, sent, most=most, now=now)
        if plan.take:
            sent.append(now)
            waiting -= plan.take
            left += plan.take
        else:
            assert plan.wait_until is not None
            assert plan.wait_until > now
    assert left + waiting == len(gaps)
    for at in sent:
        assert sum(at <= other < at + MAIL_WINDOW for other in sent) <= most
