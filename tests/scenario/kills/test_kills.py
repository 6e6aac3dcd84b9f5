"""Everything is killed at random, and still each shot begins once and each result arrives.

The long run of the same harness is ``make soak``.
"""

from pathlib import Path

import pytest
from tests.scenario.kills.soak import Settings, run

QUICK = Settings(shots=120, kills=8, machines=2, users=2, ahead=20, trouble=0.005)
WITHOUT_FENCES = Settings(
    shots=2000,
    kills=100,
    machines=2,
    users=2,
    trouble=0.0,
    take_overs=200.0,
    fenced=False,
    seconds=120.0,
)


@pytest.mark.timeout(280)
def test_kills_begin_no_shot_twice_and_lose_nothing(tmp_path: Path) -> None:
    report, figures = run(QUICK, tmp_path)
    assert report.faults == []
    assert report.figures["shots"] == QUICK.shots
    assert report.figures["unknown"] <= figures["kills"]  # type: ignore[operator]
    assert figures["kills"]


@pytest.mark.timeout(280)
def test_without_fences_the_same_harness_sees_shots_begin_twice(tmp_path: Path) -> None:
    report, _ = run(WITHOUT_FENCES, tmp_path)
    assert report.double_starts + report.restarts
