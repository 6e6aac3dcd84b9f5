"""Fills a hub with users and tokens and times who they are; imported with Django set up."""

import random
import statistics
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta

from django.db import connection

from shothub.domain.tokens import USER_SCOPES, make_token, parse_token
from shothub.runtime import clock
from shothub.server.accounts.models import Grant, Group, Membership, Token, User
from shothub.server.accounts.sealing import new_secret
from shothub.server.accounts.services import authenticate
from shothub.server.refusals import Unauthorized

USERS, TOKENS, GROUPS = 1_000, 5, 20
SAMPLE, USES = 500, 10


def measure() -> dict[str, float]:
    """Return milliseconds: first uses, later ones, refusals."""
    chance = random.Random(7)
    sample = chance.sample(fill(), SAMPLE)
    now = clock.now()
    unknown = [make_token("pat", chance.choice) for _ in range(SAMPLE)]
    mistyped = [raw[:-1] + "-" for raw in sample]

    def ask(raw: str) -> None:
        authenticate(raw, now=now, address="198.51.100.7")

    def ask_in_vain(raw: str) -> None:
        with suppress(Unauthorized):
            ask(raw)
            raise SystemExit("a token that nobody made was taken")

    first = _times(ask, sample)
    uses = chance.choices(sample, k=SAMPLE * USES)
    later = _times(ask, uses)
    work = _times(ask, uses, reading=time.thread_time)
    return {
        "p50_ms": _percentile(later, 50),
        "p99_ms": _percentile(later, 99),
        "cpu_p50_ms": _percentile(work, 50),
        "cpu_p99_ms": _percentile(work, 99),
        "first_use_p50_ms": _percentile(first, 50),
        "first_use_p99_ms": _percentile(first, 99),
        "refused_p50_ms": _percentile(_times(ask_in_vain, unknown), 50),
        "mistyped_p50_ms": _percentile(_times(ask_in_vain, mistyped), 50),
        "tokens": USERS * TOKENS,
    }


def _times(
    ask: Callable[[str], None],
    raws: Iterable[str],
    reading: Callable[[], float] = time.perf_counter,
) -> list[float]:
    spent = []
    for raw in raws:
        begun = reading()
        ask(raw)
        spent.append(1e3 * (reading() - begun))
    return spent


def _percentile(spent: list[float], which: int) -> float:
    return round(statistics.quantiles(spent, n=100)[which - 1], 3)


def fill() -> list[str]:
    """Make users, groups, grants and tokens; return the tokens' texts."""
    now = clock.now()
    groups = [Group.objects.create(name=f"g{i}", created=now) for i in range(GROUPS)]
    Grant.objects.bulk_create(
        Grant(group=group, apparatus=f"a{i}", scripts=True, hdf5=True)
        for group in groups
        for i in range(3)
    )
    users = User.objects.bulk_create(
        User(username=f"user{i}", key=f"user{i}") for i in range(USERS)
    )
    Membership.objects.bulk_create(
        Membership(user=user, group=groups[i % GROUPS])
        for i, user in enumerate(users)
        if i % 2
    )
    raws, rows = [], []
    for user in users:
        for _ in range(TOKENS):
            sealed = new_secret("pat")
            raws.append(sealed.raw)
            rows.append(
                Token(
                    ident=parse_token(sealed.raw).ident,
                    kind="pat",
                    digest=sealed.digest,
                    pepper=sealed.pepper,
                    owner=user,
                    scopes=sorted(USER_SCOPES),
                    created=now,
                    expires=now + timedelta(days=90),
                )
            )
    Token.objects.bulk_create(rows, batch_size=500)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return raws
