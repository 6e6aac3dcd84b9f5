"""Waiters are woken when a change commits, and only then; on both databases."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from django.apps import apps
from django.db import connection, transaction

from shothub.server.wakeups import Bell, Wakeups


@pytest.fixture
def wakeups(lasting_db: None) -> Iterator[Wakeups]:
    """The wake-ups of this process, hearing."""
    registered: Wakeups = apps.get_app_config("jobs").wakeups  # type: ignore[attr-defined]
    with registered:
        yield registered


def heard(wakeups: Wakeups, change: Callable[[], None], seconds: float) -> bool:
    """Tell whether a waiter for ``job:a`` is woken by a change."""

    async def scene() -> bool:
        with wakeups.listen("job:a") as bell:
            await settled(wakeups, bell)
            await asyncio.to_thread(run, change)
            return await bell.wait(seconds)

    return asyncio.run(scene())


async def settled(wakeups: Wakeups, bell: Bell) -> None:
    """Wait until the process hears; when it begins to, every bell is rung."""
    while not await bell.wait(0.1):
        await asyncio.to_thread(run, partial(wakeups.notify, "job:a"))
    while await bell.wait(0.2):
        pass


def run(what: Callable[[], None]) -> None:
    try:
        what()
    finally:
        connection.close()


def test_a_commit_wakes(wakeups: Wakeups) -> None:
    def change() -> None:
        with transaction.atomic():
            wakeups.notify("apparatus:1", "job:a", *(f"job:{i}" for i in range(2000)))

    assert heard(wakeups, change, 10)


def test_a_change_without_a_transaction_wakes(wakeups: Wakeups) -> None:
    assert heard(wakeups, lambda: wakeups.notify("job:a"), 10)


def test_what_was_rolled_back_wakes_nobody(wakeups: Wakeups) -> None:
    def change() -> None:
        with transaction.atomic():
            wakeups.notify("job:a")
            transaction.set_rollback(True)

    assert not heard(wakeups, change, 0.5)


def test_what_was_rolled_back_in_part_may_be_said_again(wakeups: Wakeups) -> None:
    def change() -> None:
        with transaction.atomic():
            with transaction.atomic():
                wakeups.notify("job:a")
                transaction.set_rollback(True)
            wakeups.notify("job:a")
            wakeups.notify("job:a", "job:b")

    assert heard(wakeups, change, 10)


def test_nobody_is_woken_before_the_commit(wakeups: Wakeups) -> None:
    early: list[bool] = []

    async def scene() -> None:
        with wakeups.listen("job:a", "job:b") as bell:
            await settled(wakeups, bell)
            await asyncio.to_thread(change)
            early.append(not await bell.wait(10))

    def change() -> None:
        with transaction.atomic():
            wakeups.notify("job:b")
            with pytest.raises(TimeoutError):
                asyncio.run(asyncio.wait_for(listen_elsewhere(), 0.3))
        connection.close()

    async def listen_elsewhere() -> None:
        with wakeups.listen("job:b") as bell:
            while not await bell.wait(1):
                pass

    asyncio.run(scene())
    assert early == [False]
