"""Wake-ups: rung from any thread, never missed, never left behind."""

import asyncio
import threading

from shothub.server.wakeups import Wakeups


def test_a_bell_rung_before_the_wait_is_heard() -> None:
    async def scene() -> bool:
        wakeups = Wakeups()
        with wakeups.listen("job:a") as bell:
            wakeups.ring("job:a")
            return await bell.wait(5)

    assert asyncio.run(scene())


def test_another_threads_ring_is_heard_and_other_topics_are_not() -> None:
    async def scene() -> tuple[bool, bool]:
        wakeups = Wakeups()
        with wakeups.listen("job:a", "job:b") as bell:
            thread = threading.Thread(target=wakeups.ring, args=("job:b",))
            thread.start()
            heard = await bell.wait(5)
            thread.join()
            wakeups.ring("job:c")
            return heard, await bell.wait(0.01)

    assert asyncio.run(scene()) == (True, False)


def test_nobody_listens_after_the_end() -> None:
    async def scene() -> Wakeups:
        wakeups = Wakeups()
        with wakeups.listen("job:a"):
            pass
        return wakeups

    wakeups = asyncio.run(scene())
    wakeups.ring("job:a")
    assert not wakeups._bells
