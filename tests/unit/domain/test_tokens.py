import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shothub.domain.tokens import BadToken, TokenName, exceeds, make_token, parse_token

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def token(seed: int = 1) -> str:
    return make_token("pat", random.Random(seed).choice)


@given(st.integers())
def test_a_made_token_is_read_back(seed: int) -> None:
    raw = token(seed)
    assert parse_token(raw) == TokenName("pat", raw.split("_")[2])


@given(st.integers(0, 70), st.characters(codec="ascii"))
def test_no_single_typo_passes(place: int, character: str) -> None:
    raw = token()
    place %= len(raw)
    typo = raw[:place] + character + raw[place + 1 :]
    if typo != raw:
        with pytest.raises(BadToken):
            parse_token(typo)


@given(st.text(max_size=200))
def test_any_other_text_is_refused_and_nothing_else_raised(text: str) -> None:
    with pytest.raises(BadToken):
        parse_token(text)


def test_a_child_never_exceeds_its_parent() -> None:
    parent = {"jobs:read"}
    later = NOW + timedelta(days=1)

    def fault(scopes: set[str], expires: datetime) -> str | None:
        return exceeds(
            scopes=scopes, expires=expires, parent_scopes=parent, parent_expires=NOW
        )

    assert fault(parent, NOW) is None
    assert fault({"jobs:read", "jobs:submit"}, NOW) is not None
    assert fault(parent, later) is not None
