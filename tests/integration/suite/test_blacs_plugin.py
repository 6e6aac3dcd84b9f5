"""The plugin in the stock BLACS."""

from collections.abc import Callable
from itertools import pairwise

from tests.fakes.suite_lab import Ear, Lab

from shothub.domain.states import Outcome
from shothub.runtime.clock import monotonic
from shothub.wire.plugin import Begun, Ended, Ending, State, Taken


def test_it_runs_a_shot_and_says_so_step_by_step(ear: Ear, lab: Lab) -> None:
    attempt = ear.offer(lab.shot())
    ended = ear.wait(Ended)
    steps = [r for r in ear.heard if not isinstance(r, State)]
    assert [type(step) for step in steps] == [Taken, Begun, Ending, Ended]
    assert {getattr(step, "attempt", None) for step in steps} == {attempt}
    assert ended.outcome is Outcome.DONE
    assert ended.began is not None
    assert 0.2 <= (ended.at - ended.began).total_seconds() < 5.0


def test_shots_run_in_the_order_offered_without_a_polling_gap(
    ear: Ear, lab: Lab, record_property: Callable[[str, object], None]
) -> None:
    attempts, begins = [ear.offer(lab.shot())], []
    for _ in range(7):
        ear.wait(Ending)
        attempts.append(ear.offer(lab.shot()))
        ear.wait(Begun)
        begins.append(monotonic())
    ended = [r for r in ear.heard if isinstance(r, Ended)] + [ear.wait(Ended)]
    assert [e.attempt for e in ended] == attempts
    assert {e.outcome for e in ended} == {Outcome.DONE}
    cycles = sorted(b - a for a, b in pairwise(begins))
    record_property("median_cycle_s", cycles[len(cycles) // 2])


def test_an_idle_blacs_takes_an_offer_at_once(
    ear: Ear, lab: Lab, record_property: Callable[[str, object], None]
) -> None:
    for _ in range(3):
        begin = monotonic()
        ear.offer(lab.shot())
        ear.wait(Taken)
        taken = monotonic()
        ear.wait(Begun)
        record_property("taken_after_s", taken - begin)
        record_property("begun_after_s", monotonic() - begin)
        ear.wait(Ended)
        ear.state("idle")
