"""Whatever is shown in place of a token is refused as a stranger's, quickly and in words."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from tests.integration.server.hub_cast import Cast

from shothub.domain.tokens import KINDS, make_token
from shothub.runtime import clock
from shothub.server.accounts.models import Token
from shothub.server.accounts.services import authenticate, mint_token
from shothub.server.refusals import Unauthorized

KIND = st.sampled_from(sorted(KINDS))
UNKNOWN = st.builds(
    lambda kind, seed: make_token(kind, random.Random(seed).choice), KIND, st.integers()
)
HEADERS = st.one_of(
    st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=300),
    st.text(st.characters(codec="latin-1"), max_size=50).map("Bearer {}".format),
    UNKNOWN.map("Bearer {}".format),
    UNKNOWN.map("bearer  {}".format),
    UNKNOWN.map("Bearer {0} {0}".format),
    UNKNOWN.map("Token {}".format),
    UNKNOWN,
)
SLOW = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SLOW
@given(header=HEADERS)
def test_no_header_gets_in_and_none_breaks_the_hub(cast: Cast, header: str) -> None:
    client = Client(raise_request_exception=True)
    answer = client.get("/api/v1/me", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["code"] in {"unauthorized", "bad_token"}


@SLOW
@given(raw=UNKNOWN | st.text(max_size=200))
def test_what_is_unknown_is_refused_and_nothing_else_raised(
    cast: Cast, raw: str
) -> None:
    with pytest.raises(Unauthorized) as refused:
        authenticate(raw, now=clock.now())
    if len(raw) > 30:
        assert raw[20:] not in str(refused.value.faults)


def damaged(raw: str) -> list[str]:
    """The token with another secret but a right checksum, of another kind, and so on."""
    kind, ident = raw.split("_")[1:3]

    def forged(kind: str, ident: str) -> str:
        letters = iter(ident)
        chance = random.Random(1)
        return make_token(kind, lambda some: next(letters, "") or chance.choice(some))

    return [forged(kind, ident), forged("agt", ident), forged("cli", ident)]


def test_a_right_name_with_another_secret_opens_nothing(cast: Cast) -> None:
    raw = mint_token(user=cast.users["bob"], now=clock.now())
    for forgery in damaged(raw):
        assert forgery.split("_")[2] == raw.split("_")[2]
        with pytest.raises(Unauthorized, match="unknown, revoked or expired"):
            authenticate(forgery, now=clock.now())
    assert authenticate(raw, now=clock.now())  # the control


def test_one_answer_for_all_that_is_well_formed(cast: Cast) -> None:
    """Nobody learns which tokens there are, or were."""
    now = clock.now()
    revoked = mint_token(user=cast.users["bob"], now=now)
    Token.objects.filter(ident=revoked.split("_")[2]).update(revoked=now)
    expired = mint_token(user=cast.users["bob"], now=now, days=-1)
    unknown = make_token("pat", random.Random(1).choice)
    said = set()
    for raw in (revoked, expired, unknown, *damaged(revoked)):
        with pytest.raises(Unauthorized) as refused:
            authenticate(raw, now=now)
        said.add(refused.value.fault)
    assert len(said) == 1


def test_to_know_who_asks_takes_two_questions_of_the_database(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    raw, now = mint_token(user=cast.users["alice"], now=clock.now()), clock.now()
    authenticate(raw, now=now)
    with django_assert_num_queries(2):
        authenticate(raw, now=now)


def test_a_use_is_written_down_once_a_minute(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    raw, now = mint_token(user=cast.users["alice"], now=clock.now()), clock.now()
    for seconds, statements in ((0, 3), (1, 2), (59, 2), (61, 3), (62, 2)):
        with django_assert_num_queries(statements):
            authenticate(raw, now=now + timedelta(seconds=seconds))


def test_an_agent_is_known_by_one_question(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    now = clock.now()
    raw = mint_token(user=cast.users["robot"], apparatus="sim", now=now)
    authenticate(raw, now=now)
    with django_assert_num_queries(1):
        authenticate(raw, now=now)


def test_a_mistyped_token_takes_none(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    raw = mint_token(user=cast.users["alice"], now=clock.now())
    with django_assert_num_queries(0), pytest.raises(Unauthorized, match="mistyped"):
        authenticate(f"{raw[:-1]}{'a' if raw[-1] != 'a' else 'b'}", now=clock.now())


Change = Callable[[Token], dict[str, Any]]
ENDS: dict[str, Change] = {
    "revoked": lambda _: {"revoked": clock.now()},
    "expired": lambda token: {"expires": token.created},
    "sealed with a pepper that is gone": lambda _: {"pepper": 7},
    "of another digest": lambda _: {"digest": bytes(32)},
    "of an empty digest": lambda _: {"digest": b""},
}


@pytest.mark.parametrize("end", sorted(ENDS))
def test_the_very_next_request_of_a_dead_token_is_refused(cast: Cast, end: str) -> None:
    raw = mint_token(user=cast.users["bob"], now=clock.now())
    headers = {"Authorization": f"Bearer {raw}"}
    client = Client()
    assert client.get("/api/v1/me", headers=headers).status_code == 200
    found = Token.objects.filter(ident=raw.split("_")[2])
    found.update(**ENDS[end](found.get()))
    assert client.get("/api/v1/me", headers=headers).status_code == 401
