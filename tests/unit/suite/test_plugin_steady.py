"""The clock of the plugin, and when BLACS is started anew."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shothub.suite.plugin import revival
from shothub.suite.plugin.decisions import Desk
from shothub.suite.plugin.revival import Revival
from shothub.suite.plugin.steady import SteadyClock
from shothub.suite.plugin.watch import Facts
from shothub.suite.plugin.words import describe

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Computer:
    def __init__(self) -> None:
        self.seconds, self.off = 0.0, timedelta()
        self.clock = SteadyClock(self.wall, lambda: self.seconds)

    def wall(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds) + self.off


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_time_runs_evenly_until_it_is_set(jump: float) -> None:
    computer = Computer()
    computer.seconds, computer.off = 2.0, timedelta(seconds=jump)
    assert computer.clock() == NOW + timedelta(seconds=2)
    assert computer.clock.set() == jump
    assert computer.clock() == computer.wall()
    assert computer.clock.set() == 0.0


def anew(state: Path, *, able: bool = True, earlier: int = 0) -> Revival:
    moments = [NOW - timedelta(minutes=10)] * earlier
    return Revival(state, able=able, earlier=moments, now=lambda: NOW)


def test_blacs_is_started_anew_once(tmp_path: Path) -> None:
    one = anew(tmp_path, earlier=2)
    assert (one.due(), one.due()) == (True, False)
    assert len(one.earlier) == 3
    assert one.words == revival.AT_ONCE


def test_it_is_not_where_nobody_could_start_it(tmp_path: Path) -> None:
    one = anew(tmp_path, able=False)
    assert not one.due()
    assert "a person" in one.words


def test_it_is_not_again_and_again(tmp_path: Path) -> None:
    one = anew(tmp_path, earlier=revival.MOST)
    assert not one.due()
    assert "within an hour" in one.words


def test_what_is_long_ago_does_not_count(tmp_path: Path) -> None:
    long_ago = [NOW - revival.WITHIN] * revival.MOST
    assert Revival(tmp_path, able=True, earlier=long_ago, now=lambda: NOW).due()


def test_it_waits_for_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = anew(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(revival, "ROOM", 1 << 62)
        assert not one.due()
        assert "disk" in one.words
    assert one.due()


def words(**facts: object) -> tuple[str, str]:
    class Ledger:
        def append(self, entry: object) -> None:
            """Keep nothing."""

    desk = Desk(boot="now", ledger=Ledger(), tell=lambda _: None)
    state = describe(desk, Facts(**facts), revival="Soon.")  # type: ignore[arg-type]
    return state.blacs, state.message


def test_a_dead_queue_is_an_error_with_its_cause() -> None:
    blacs, message = words(alive=False, death="OSError: no space")
    assert blacs == "error"
    assert "OSError: no space" in message
    assert message.endswith("Soon.")


def test_waiting_shots_of_the_operator_keep_the_hub_from_asking() -> None:
    assert words(waiting=1)[0] == "running"
    assert words(waiting=1, paused=True)[0] == "paused"
    assert words()[0] == "idle"


def test_a_deaf_port_is_told_while_idle() -> None:
    blacs, message = words(deaf=True)
    assert blacs == "idle"
    assert "no longer answers" in message
