"""Short writes of the API share one thread, which nothing long ever holds."""

import pytest

from shothub.server.asgi import Threads

API = "/api/v1/jobs"


@pytest.mark.parametrize(("method", "path"), [("POST", API), ("DELETE", f"{API}/a")])
def test_short_writes_go_to_one_thread(method: str, path: str) -> None:
    threads = Threads(4)
    chosen = {threads.choose({"method": method, "path": path}) for _ in range(5)}
    assert len(chosen) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", API), ("PUT", "/api/v1/agent/jobs/a/files/b"), ("POST", "/login")],
)
def test_what_may_take_long_goes_to_the_others_in_turn(method: str, path: str) -> None:
    threads = Threads(4)
    writer = threads.choose({"method": "POST", "path": API})
    chosen = [threads.choose({"method": method, "path": path}) for _ in range(6)]
    assert len(set(chosen)) == 3
    assert writer not in chosen


def test_a_single_thread_does_all() -> None:
    threads = Threads(1)
    writes = threads.choose({"method": "POST", "path": API})
    assert threads.choose({"method": "GET", "path": API}) is writes
