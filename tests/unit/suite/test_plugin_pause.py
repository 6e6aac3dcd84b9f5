"""The operator's pause on disk."""

from pathlib import Path

import pytest

from shothub.suite.plugin.pause import PauseNote


def test_it_outlives_a_crash_until_the_operator_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "operators_pause"
    first = PauseNote(file)
    assert not first.left
    first.write(on=True)
    assert not first.left
    second = PauseNote(file)
    assert second.left
    second.write(on=False)
    assert not second.left
    assert not PauseNote(file).left


def test_a_pause_that_cannot_be_noted_is_none_the_less_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    PauseNote(tmp_path / "no folder" / "operators_pause").write(on=True)
    assert "is not noted" in caplog.text
