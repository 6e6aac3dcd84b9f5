import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shothub.domain.devices import asks_too_often, make_user_code, read_user_code

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.integers())
def test_a_made_code_is_read_however_a_person_types_it(seed: int) -> None:
    code = make_user_code(random.Random(seed).choice)
    typed = (code, code.lower(), code.replace("-", ""), f" {code.replace('-', ' - ')} ")
    assert {read_user_code(text) for text in typed} == {code}


def test_a_code_spells_no_word_and_no_letter_is_taken_for_another() -> None:
    made = "".join(make_user_code(random.Random(seed).choice) for seed in range(100))
    assert not set(made) & set("AEIOUY01258")


@pytest.mark.parametrize("text", ["", "BCDF", "BCDF-GHJA", "BCDF-GHJKL", "BCDFGHJÉ"])
def test_what_is_no_code_is_read_as_none(text: str) -> None:
    assert read_user_code(text) == ""


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert read_user_code(text) in {"", read_user_code(read_user_code(text))}


def test_a_program_may_not_ask_faster_than_it_was_told() -> None:
    assert not asks_too_often(None, NOW)
    assert asks_too_often(NOW - timedelta(seconds=1), NOW)
    assert not asks_too_often(NOW - timedelta(seconds=3), NOW)
