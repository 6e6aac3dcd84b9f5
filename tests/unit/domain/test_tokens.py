import random
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shothub.domain.tokens import (
    DEVICE,
    ENROLMENT,
    BadToken,
    Extent,
    TokenName,
    exceeds,
    make_token,
    parse_token,
)

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


@st.composite
def nearly_tokens(draw: st.DrawFn) -> str:
    """A token after some of the things that editors, mails and hands do to one."""
    text = draw(st.sampled_from(WHOLE))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        piece = draw(st.text(max_size=3) | st.sampled_from(PIECES))
        cut = draw(st.integers(0, 3))
        text = text[:at] + piece + text[at + cut :]
    return text


WHOLE = [token(seed) for seed in range(20)]
PIECES = [
    "_",
    "__",
    "shb_",
    "shb_pat_",
    " ",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\ufeff",
    "\u200b",
]
PIECES += [
    "=",
    "=\r\n",
    "%5F",
    '"',
    "'",
    ">",
    "Bearer ",
    "\u0455",
    "0",
    "O",
    "l",
    "I",
    "²",
]


@settings(max_examples=500, deadline=None)
@given(nearly_tokens())
def test_no_damaged_token_passes(damaged: str) -> None:
    assume(damaged not in WHOLE)
    with pytest.raises(BadToken):
        parse_token(damaged)


@given(st.integers(0, 1000), st.integers(0, 60))
def test_two_characters_that_changed_places_are_noticed(seed: int, place: int) -> None:
    raw = token(seed)
    swapped = raw[:place] + raw[place + 1] + raw[place] + raw[place + 2 :]
    if swapped != raw:
        with pytest.raises(BadToken):
            parse_token(swapped)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_refused_and_nothing_else_raised(sent: bytes) -> None:
    with pytest.raises(BadToken):
        parse_token(sent.decode("latin-1"))
    with pytest.raises(BadToken):
        parse_token(sent.decode("utf-8", "surrogateescape"))


def test_what_is_refused_is_never_said_again() -> None:
    """A mistyped token is still most of a token."""
    raw = token()
    for wrong in (raw[:-1], raw + "x", raw.replace("pat", "xyz"), raw[:-1] + "-"):
        with pytest.raises(BadToken) as refused:
            parse_token(wrong)
        assert raw[20:40] not in str(refused.value)


def test_a_code_that_is_good_once_is_no_token() -> None:
    for kind in (DEVICE, ENROLMENT):
        raw = make_token(kind, random.Random(1).choice)
        with pytest.raises(BadToken):
            parse_token(raw)
        assert parse_token(raw, {kind}).kind == kind


SCOPES = st.frozensets(st.sampled_from(["jobs:read", "jobs:submit", "files:read"]))
NAMES = st.frozensets(st.sampled_from(["bec", "sim", "mot"]))
ENDS = st.none() | st.integers(0, 3).map(lambda days: NOW + timedelta(days=days))
EXTENTS = st.builds(Extent, scopes=SCOPES, only_on=NAMES, expires=ENDS)


def reached(extent: Extent) -> set[tuple[str, str]]:
    return set(product(extent.scopes, extent.only_on or {"bec", "sim", "mot", "any"}))


@given(EXTENTS, EXTENTS)
def test_a_child_is_allowed_if_all_it_reaches_is_its_parents(
    child: Extent, parent: Extent
) -> None:
    inside = child.scopes <= parent.scopes and (
        not parent.only_on or (child.only_on and child.only_on <= parent.only_on)
    )
    lives = parent.expires is None or (
        child.expires is not None and child.expires <= parent.expires
    )
    assert (exceeds(child, parent) is None) == bool(inside and lives)
    if exceeds(child, parent) is None:
        assert reached(child) <= reached(parent)


@given(EXTENTS, EXTENTS, EXTENTS)
def test_a_grandchild_never_exceeds_its_grandparent(
    first: Extent, second: Extent, third: Extent
) -> None:
    if exceeds(second, first) is None and exceeds(third, second) is None:
        assert exceeds(third, first) is None
