"""When the computer's clock is not believed."""

from datetime import UTC, datetime, timedelta

import pytest

from shothub.agent.clock_watch import STEADY_SECONDS, ClockWatch


class Clocks:
    def __init__(self) -> None:
        self.seconds, self.off = 100.0, 0.0
        self.watch = ClockWatch(self.wall, lambda: self.seconds)

    def wall(self) -> datetime:
        passed = timedelta(seconds=self.seconds + self.off)
        return datetime(2026, 1, 1, tzinfo=UTC) + passed

    def after(self, seconds: float, jump: float = 0.0) -> str:
        self.seconds += seconds
        self.off += jump
        return self.watch()


@pytest.mark.parametrize("jump", [5.5, -5.5, 3600.0, -86400.0])
def test_a_jump_holds_until_the_clock_has_run_evenly(jump: float) -> None:
    clocks = Clocks()
    assert f"jumped by {jump:+,.0f} s" in clocks.after(1.0, jump)
    assert clocks.after(STEADY_SECONDS - 1)
    assert clocks.after(1.0) == ""


@pytest.mark.parametrize("drift", [4.9, -4.9])
def test_a_slow_correction_holds_nothing(drift: float) -> None:
    clocks = Clocks()
    assert {clocks.after(1.0, drift) for _ in range(20)} == {""}


def test_another_jump_holds_anew() -> None:
    clocks = Clocks()
    clocks.after(1.0, 60.0)
    assert clocks.after(STEADY_SECONDS - 1, -60.0)
    assert clocks.after(STEADY_SECONDS - 1)
    assert clocks.after(2.0) == ""
