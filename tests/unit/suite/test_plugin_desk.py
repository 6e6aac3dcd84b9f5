"""What the plugin decides, without BLACS."""

from datetime import UTC, datetime, timedelta

import pytest

from shothub.domain.states import Outcome
from shothub.suite.plugin import decisions
from shothub.suite.plugin.decisions import SAVING_STATUS, Desk
from shothub.suite.plugin.in_hand import LEAD
from shothub.suite.plugin.journal import Entry, NotJournalled
from shothub.wire.plugin import (
    Begun,
    Ended,
    Ending,
    Local,
    Offer,
    Report,
    Taken,
    Unheard,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OFFER = Offer(attempt=7, path="/shots/a.h5", seconds=1.0)


class Ledger:
    """A journal in memory whose disk may be full from a given step on."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.full_at = ""

    def append(self, entry: Entry) -> None:
        if self.full_at == entry.what:
            raise NotJournalled("No space left on device")
        self.entries.append(entry)


class Bench:
    """A desk with what it wrote and said."""

    def __init__(self, entries: list[Entry] | None = None) -> None:
        self.ledger = Ledger()
        self.told: list[Report] = []
        self.desk = Desk(boot="now", ledger=self.ledger, tell=self.told.append)
        self.desk.read(entries or [], NOW)

    def run(self) -> None:
        self.desk.offer(OFFER, None, NOW)
        assert self.desk.take(NOW) == OFFER.path
        self.desk.programming(OFFER.path, NOW)
        self.desk.starting(NOW)


def ended(bench: Bench) -> Ended:
    report = bench.told[-1]
    assert isinstance(report, Ended)
    return report


def test_each_step_is_journalled_before_it_is_told() -> None:
    bench = Bench()
    bench.run()
    bench.desk.science_over(OFFER.path, SAVING_STATUS, NOW)
    bench.desk.completed(OFFER.path, NOW)
    assert [e.what for e in bench.ledger.entries] == ["taken", "begun", "ended"]
    assert ended(bench).outcome is Outcome.DONE


@pytest.mark.parametrize(("before", "told"), [(0.01, 0), (0.0, 1), (-0.1, 1)])
def test_the_next_shot_is_asked_for_shortly_before_the_end(
    before: float, told: int
) -> None:
    bench = Bench()
    bench.run()
    when = NOW + timedelta(seconds=OFFER.seconds) - LEAD - timedelta(seconds=before)
    for _ in range(2):
        bench.desk.nearly_over(when)
    assert bench.told.count(Ending(attempt=OFFER.attempt)) == told
    bench.desk.science_over(OFFER.path, SAVING_STATUS, NOW)
    assert bench.told.count(Ending(attempt=OFFER.attempt)) == 1


def test_the_next_shot_is_not_asked_for_before_this_one_has_begun() -> None:
    bench = Bench()
    bench.desk.offer(OFFER, None, NOW)
    bench.desk.take(NOW)
    bench.desk.nearly_over(NOW + timedelta(seconds=60))
    assert Ending(attempt=OFFER.attempt) not in bench.told


def test_a_shot_is_not_handed_out_when_the_disk_is_full() -> None:
    bench = Bench()
    bench.ledger.full_at = "taken"
    bench.desk.offer(OFFER, None, NOW)
    assert bench.desk.take(NOW) is None
    assert ended(bench).outcome is Outcome.NOT_STARTED
    assert "No space left" in bench.desk.trouble


def test_a_shot_is_not_started_when_the_disk_is_full() -> None:
    bench = Bench()
    bench.desk.offer(OFFER, None, NOW)
    bench.desk.take(NOW)
    bench.ledger.full_at = "begun"
    with pytest.raises(NotJournalled):
        bench.desk.starting(NOW)
    bench.desk.science_over(OFFER.path, "Error in queue manager\nQueue paused", NOW)
    assert ended(bench).outcome is Outcome.NOT_STARTED
    assert not any(isinstance(report, Begun) for report in bench.told)


def test_the_end_of_a_shot_is_told_even_when_the_disk_is_full() -> None:
    bench = Bench()
    bench.run()
    bench.ledger.full_at = "ended"
    bench.desk.science_over(OFFER.path, SAVING_STATUS, NOW)
    bench.desk.completed(OFFER.path, NOW)
    assert ended(bench).outcome is Outcome.DONE
    assert bench.desk.trouble


def test_nothing_is_handed_out_in_trouble() -> None:
    bench = Bench()
    bench.desk.trouble = "something"
    bench.desk.offer(OFFER, None, NOW)
    assert bench.desk.take(NOW) is None
    bench.desk.trouble = ""
    assert bench.desk.take(NOW) == OFFER.path


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [(["taken"], Outcome.NOT_STARTED), (["taken", "begun"], Outcome.UNKNOWN)],
)
def test_what_an_earlier_blacs_left_open_is_ended(
    steps: list[str], outcome: Outcome
) -> None:
    entries = [
        Entry.model_validate({"at": NOW, "boot": "old", "attempt": 7, "what": step})
        for step in steps
    ]
    bench = Bench(entries)
    bench.told.clear()
    bench.desk.recall([7, 8])
    first, second = bench.told
    assert isinstance(first, Ended)
    assert first.outcome is outcome
    assert second == Unheard(attempt=8)


def test_an_attempt_in_the_journal_is_never_taken_again() -> None:
    bench = Bench()
    bench.run()
    bench.desk.offer(OFFER, None, NOW)
    assert bench.desk.offered is None
    bench.desk.lose("lost", NOW)
    bench.desk.offer(OFFER, None, NOW)
    assert bench.desk.offered is None
    assert ended(bench).outcome is Outcome.FAILED


def test_a_waiting_offer_is_not_called_unheard() -> None:
    bench = Bench()
    bench.desk.offer(OFFER, None, NOW)
    bench.desk.recall([7])
    assert bench.told == []
    bench.desk.forget_offer()
    bench.desk.recall([7])
    assert bench.told == [Unheard(attempt=7)]


def test_a_shot_of_ours_never_goes_back_into_the_queue() -> None:
    bench = Bench()
    bench.run()
    bench.desk.science_over(OFFER.path, SAVING_STATUS, NOW)
    assert bench.desk.put_back("/shots/a_retry.h5", "Error in queue manager", NOW)
    assert ended(bench).outcome is Outcome.FAILED
    assert bench.desk.put_back(OFFER.path, "", NOW)
    assert not bench.desk.put_back("/shots/the_operators.h5", "", NOW)


def test_an_abort_applies_to_its_own_attempt_only() -> None:
    bench = Bench()
    bench.run()
    assert not bench.desk.condemn(8, "wrong", Outcome.ABORTED, NOW)
    assert bench.desk.condemn(7, "by order", Outcome.ABORTED, NOW)
    bench.desk.science_over(OFFER.path, "Aborted", NOW)
    assert (ended(bench).outcome, ended(bench).reason) == (Outcome.ABORTED, "by order")


def test_an_abort_of_a_waiting_offer_ends_it() -> None:
    bench = Bench()
    bench.desk.offer(OFFER, None, NOW)
    assert not bench.desk.condemn(7, "by order", Outcome.ABORTED, NOW)
    assert ended(bench).outcome is Outcome.ABORTED
    assert bench.desk.take(NOW) is None


def test_a_shot_that_comes_back_after_it_was_given_up_changes_nothing() -> None:
    bench = Bench()
    bench.run()
    bench.desk.lose("BLACS does not come back", NOW)
    bench.desk.science_over(OFFER.path, SAVING_STATUS, NOW)
    bench.desk.completed(OFFER.path, NOW)
    assert ended(bench).outcome is Outcome.FAILED
    assert [e.what for e in bench.ledger.entries].count("ended") == 1


def test_local_shots_are_told_but_not_journalled() -> None:
    bench = Bench()
    bench.desk.programming("/local.h5", NOW)
    bench.desk.starting(NOW)
    bench.desk.science_over("/local.h5", "Aborted", NOW + timedelta(seconds=1))
    assert [r.what for r in bench.told if isinstance(r, Local)] == [
        "started",
        "aborted",
    ]
    assert bench.ledger.entries == []


def test_an_offer_for_which_there_is_no_room_is_not_started() -> None:
    bench = Bench()
    bench.desk.offer(OFFER, None, NOW)
    bench.desk.offer(Offer(attempt=8, path="/b.h5", seconds=1.0), None, NOW)
    assert (ended(bench).attempt, ended(bench).outcome) == (8, Outcome.NOT_STARTED)
    assert bench.desk.take(NOW) == OFFER.path
    assert isinstance(bench.told[-1], Taken)


def test_an_end_for_which_there_was_no_room_is_written_later() -> None:
    bench = Bench()
    bench.run()
    bench.ledger.full_at = "ended"
    bench.desk.lose("BLACS's queue has ended", NOW)
    assert not bench.desk.certain
    bench.desk.write_again()
    assert not bench.desk.certain
    bench.ledger.full_at = ""
    bench.desk.write_again()
    assert bench.desk.certain
    assert [e.what for e in bench.ledger.entries] == ["taken", "begun", "ended"]


def test_nothing_is_certain_while_a_shot_is_in_hand() -> None:
    bench = Bench()
    bench.run()
    assert not bench.desk.certain
    bench.desk.lose("lost", NOW)
    assert bench.desk.certain


def test_memory_is_bounded_and_keeps_the_latest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decisions, "REMEMBERED", 5)
    bench = Bench()
    for attempt in range(1, 20):
        bench.desk.offer(
            Offer(attempt=attempt, path=f"/shots/{attempt}.h5", seconds=1.0), None, NOW
        )
        bench.desk.take(NOW)
        bench.desk.lose("lost", NOW)
        bench.desk.trouble = ""
    bench.told.clear()
    bench.desk.recall(range(1, 20))
    known = [r.attempt for r in bench.told if isinstance(r, Ended)]
    assert known == list(range(15, 20))
    assert bench.desk.was_ours("/shots/19.h5")
    assert not bench.desk.was_ours("/shots/1.h5")


def test_a_dropped_shot_of_the_operator_is_told() -> None:
    bench = Bench()
    bench.desk.dropped("/his.h5", "It is gone.", NOW)
    (told,) = bench.told
    assert isinstance(told, Local)
    assert (told.name, told.what, told.detail) == ("/his.h5", "failed", "It is gone.")


def test_whatever_is_in_hand_or_waits_is_busy() -> None:
    bench = Bench()
    bench.desk.programming("/his.h5", NOW)
    assert bench.desk.busy("/his.h5")
    bench.desk.science_over("/his.h5", "Aborted", NOW)
    assert not bench.desk.busy("/his.h5")
    bench.desk.offer(OFFER, None, NOW)
    assert bench.desk.busy(OFFER.path)
