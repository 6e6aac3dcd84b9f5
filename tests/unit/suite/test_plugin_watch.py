"""When the watchdog bites, and when it does not."""

from datetime import UTC, datetime, timedelta

import pytest

from shothub.suite.plugin.in_hand import InHand, Phase
from shothub.suite.plugin.watch import Facts, Patience, Remedy, remedy

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DEAD = Facts(dead=frozenset({"camera"}), faults={"camera": "dead"})
P, R, S = Phase.PROGRAMMING, Phase.RUNNING, Phase.SAVING


def cure(
    phase: Phase, after: float, facts: Facts, *, attempt: int | None = 1
) -> Remedy:
    shot = InHand(path="a", attempt=attempt, seconds=10.0, since=BEGIN, phase=phase)
    return remedy(shot, facts, BEGIN + timedelta(seconds=after), Patience())


@pytest.mark.parametrize(
    ("phase", "after", "facts", "expected"),
    [
        (P, 300.0, Facts(), Remedy.NONE),
        (P, 361.0, Facts(), Remedy.GIVE_UP),
        (R, 20.9, Facts(), Remedy.NONE),
        (R, 21.1, Facts(), Remedy.CONDEMN),
        (R, 1.0, DEAD, Remedy.LOOK),
        (S, 1.0, Facts(), Remedy.NONE),
        (S, 1.0, DEAD, Remedy.UNBLOCK),
        (S, 301.0, Facts(), Remedy.UNBLOCK),
        (S, 316.0, Facts(), Remedy.GIVE_UP),
        (P, 0.0, Facts(alive=False), Remedy.GIVE_UP),
    ],
)
def test_the_remedy_fits_the_phase_and_the_time(
    phase: Phase, after: float, facts: Facts, expected: Remedy
) -> None:
    assert cure(phase, after, facts) is expected


def test_the_operators_shots_may_run_as_long_as_they_like() -> None:
    assert cure(R, 9999.0, Facts(), attempt=None) is Remedy.NONE


@pytest.mark.parametrize(("after", "expected"), [(1, "abort"), (16, "give up")])
def test_an_abort_is_repeated_until_patience_ends(after: int, expected: str) -> None:
    shot = InHand(path="a", attempt=1, seconds=1.0, since=BEGIN, condemned=BEGIN)
    now = BEGIN + timedelta(seconds=after)
    assert remedy(shot, Facts(), now, Patience()) == expected
