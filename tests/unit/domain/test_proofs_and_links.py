"""How long a proof of who one is counts, and the form of links."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shothub.domain.links import ident_of, make_link
from shothub.domain.proofs import FRESH_FOR, is_fresh

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "fresh"),
    [
        (timedelta(), True),
        (FRESH_FOR - timedelta(seconds=1), True),
        (FRESH_FOR, False),
        (timedelta(days=1), False),
        (-timedelta(seconds=30), True),
        (-timedelta(hours=1), False),
    ],
)
def test_a_proof_counts_for_a_quarter_of_an_hour(ago: timedelta, fresh: bool) -> None:
    assert is_fresh(NOON - ago, NOON) is fresh


def test_no_proof_is_not_fresh() -> None:
    assert not is_fresh(None, NOON)


@given(st.integers())
def test_every_link_that_is_made_is_read(seed: int) -> None:
    text = make_link(Random(seed).choice)
    assert ident_of(text) == text[:10]
    assert ident_of(text[:-1]) is None
    assert ident_of(text + "a") is None


@given(st.text(max_size=80))
def test_whatever_is_read_has_the_form_of_a_link(text: str) -> None:
    if ident_of(text) is not None:
        assert len(text) == 53
        assert text.isascii()
        assert text.isalnum()
