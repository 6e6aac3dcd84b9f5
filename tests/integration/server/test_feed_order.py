"""The feed in PostgreSQL: events that commit out of order are read in order, all of them."""

import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection
from tests.integration.server.hub_cast import Cast

from shothub.runtime import clock
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs import horizon
from shothub.server.jobs.feed import stretch
from shothub.server.jobs.transitions import Note, record_of_apparatus

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="SQLite has one writer at a time"
    ),
]


class RolledBack(Exception):
    """A transaction of the test that comes to nothing."""


@pytest.fixture
def apparatus(lasting_cast: Cast) -> int:
    return Apparatus.objects.get(name="sim").pk


@pytest.fixture
def other(lasting_cast: Cast) -> Iterator[Any]:
    """Another process's connection to the same database."""
    import psycopg  # noqa: PLC0415  (only where there is PostgreSQL)

    with psycopg.connect(**connection.get_connection_params()) as found:
        yield found


def write(other: Any, apparatus: int, what: str) -> None:
    other.execute(
        "INSERT INTO jobs_event"
        " (at, what, apparatus_id, actor, epoch, fence, detail, late)"
        " VALUES (now(), %s, %s, '', 0, 0, '', false)",
        [what, apparatus],
    )


def tell(apparatus: int, what: str) -> None:
    record_of_apparatus(what, Note(now=clock.now(), actor="test"), apparatus)


def test_what_commits_late_is_waited_for(apparatus: int, other: Any) -> None:
    since = stretch(None, None).last
    write(other, apparatus, "first")
    tell(apparatus, "second")
    early = stretch(None, since)
    assert (early.events, early.settling, early.last) == ([], True, since)
    other.commit()
    late = stretch(None, since)
    assert [event.what for event in late.events] == ["first", "second"]
    assert not late.settling
    assert stretch(None, late.last).events == []


def test_what_is_rolled_back_holds_nobody_up(apparatus: int, other: Any) -> None:
    since = stretch(None, None).last
    write(other, apparatus, "first")
    tell(apparatus, "second")
    other.rollback()
    found = stretch(None, since)
    assert [event.what for event in found.events] == ["second"]
    assert not found.settling


def test_without_the_locks_a_reader_misses_what_commits_late(
    apparatus: int, other: Any
) -> None:
    """The control."""
    since = stretch(None, None).last
    with connection.cursor() as cursor:
        horizon.remove(cursor)
    try:
        write(other, apparatus, "first")
        tell(apparatus, "second")
        early = stretch(None, since)
        assert [event.what for event in early.events] == ["second"]
        other.commit()
        assert stretch(None, early.last).events == []
    finally:
        other.rollback()
        with connection.cursor() as cursor:
            horizon.install(cursor)


def test_many_events_in_one_transaction_take_one_lock(
    apparatus: int, other: Any
) -> None:
    for _ in range(200):
        write(other, apparatus, "many")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert cursor.fetchone()[0] == 1
    other.rollback()


def test_a_reader_among_many_writers_sees_each_event_once_and_in_order(
    apparatus: int,
) -> None:
    import psycopg  # noqa: PLC0415

    since = stretch(None, None).last
    parameters = connection.get_connection_params()

    def writer(seed: int) -> None:
        chance = random.Random(seed)
        with psycopg.connect(**parameters) as mine:
            for turn in range(40):
                with suppress(RolledBack), mine.transaction():
                    for part in range(chance.randint(1, 3)):
                        write(mine, apparatus, f"{seed}.{turn}.{part}")
                        threading.Event().wait(chance.uniform(0, 0.003))
                    if chance.random() < 0.2:
                        raise RolledBack

    threads = [threading.Thread(target=writer, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    seen: list[tuple[int, str]] = []
    early = 0
    while True:
        busy = any(thread.is_alive() for thread in threads)
        found = stretch(None, seen[-1][0] if seen else since)
        early += found.settling
        seen += [(event.id, event.what) for event in found.events]
        if not busy and not found.events:
            break
    for thread in threads:
        thread.join()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, what FROM jobs_event WHERE id > %s ORDER BY id", [since]
        )
        assert seen == cursor.fetchall()
    assert early, "the writers overlapped"
