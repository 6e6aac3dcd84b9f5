"""The plugin's journal is kept short while BLACS is up, for months perhaps."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.suite_lab import Ear, FakeLab

from shothub.runtime import clock
from shothub.suite.plugin import journal
from shothub.wire.plugin import Begun, Ended, Recall

KEPT = 3


def lines(lab: FakeLab) -> int:
    return len((lab.state / "plugin" / "journal.jsonl").read_text().splitlines())


@pytest.fixture
def tidied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long the journal was each time that it was shortened; a short one counts as long."""
    seen: list[int] = []
    stock = journal.Journal.compact

    def compact(book: journal.Journal) -> bool:
        seen.append(len(list(book.entries())))
        return stock(book, keep=KEPT)

    monkeypatch.setattr(journal, "LONG", 1_000)
    monkeypatch.setattr(journal.Journal, "compact", compact)
    return seen


@pytest.fixture
def lab(tmp_path: Path, tidied: list[int]) -> Iterator[FakeLab]:
    assert tidied == []
    with FakeLab(tmp_path) as fake:
        yield fake


def test_a_long_journal_is_shortened_while_nothing_is_under_way(
    ear: Ear, lab: FakeLab, tidied: list[int]
) -> None:
    ended = [ear.wait(Ended) for _ in range(10) if ear.offer(lab.shot("0"))]
    deadline = clock.monotonic() + 10
    while len(tidied) < 2 or lines(lab) > 3 * 2 * KEPT:
        assert clock.monotonic() < deadline, (tidied, lines(lab))
        clock.pause(0.01)
    assert all(length % 3 == 0 for length in tidied)
    ear.channel.send(Recall(attempts=[ended[-1].attempt]))
    assert ear.wait(Ended) == ended[-1]


def test_it_is_left_alone_within_a_shot(
    ear: Ear, lab: FakeLab, tidied: list[int]
) -> None:
    ear.offer(lab.shot("1"))
    ear.wait(Begun)
    before = list(tidied)
    journal_of(lab)._long = 0
    clock.pause(0.6)  # Two rounds of the watchdog.
    assert tidied == before
    ear.wait(Ended)
    ear.state("idle")


def journal_of(lab: FakeLab) -> journal.Journal:
    station = lab._plugin._station
    assert station
    return station._journal
