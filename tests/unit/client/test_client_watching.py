"""Following a job by its stream: once each, in order, through cuts and silent proxies."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.client_hub import NOON, FakeHub, job_view, problem

from shothub.client import NotFound, StillUnfinished
from shothub.client.watching import Frame, read_frames
from shothub.wire.jobs import EventView


def event(number: int, **changes: Any) -> EventView:
    return EventView(id=number, at=NOON, what="shot.started", **changes)


@pytest.fixture
def fake() -> FakeHub:
    fake = FakeHub()
    fake.events = [event(n) for n in range(3, 11)]
    fake.course.append(job_view(rev=2, state="done"))
    return fake


def test_each_event_comes_once_and_the_job_is_kept_up_to_date(fake: FakeHub) -> None:
    job = fake.hub().job("j1")
    assert list(job.watch()) == fake.events
    assert (job.state, job.ended) == ("done", True)


def test_one_can_begin_after_an_event(fake: FakeHub) -> None:
    job = fake.hub().job("j1")
    assert [e.id for e in job.watch(since=8)] == [9, 10]
    assert fake.sent("GET", "/jobs/j1/stream")[0].headers["Last-Event-ID"] == "8"


class Cut(httpx.SyncByteStream):
    """A body that breaks off."""

    def __init__(self, content: bytes, error: httpx.TransportError) -> None:
        self.content, self.error = content, error

    def __iter__(self) -> Iterator[bytes]:
        yield self.content
        raise self.error


@given(size=st.integers(0, 2000))
def test_a_stream_that_breaks_anywhere_is_gone_on_with(size: int) -> None:
    fake = FakeHub()
    fake.events = [event(n, detail="line\u2028two\x85") for n in range(3, 11)]
    fake.course.append(job_view(rev=2, state="done"))
    whole = fake._stream(httpx.Request("GET", "http://x")).content

    def broken(request: httpx.Request) -> httpx.Response:
        fake.answers.pop("GET /jobs/j1/stream")
        lost = httpx.ReadError("connection reset by peer")
        return httpx.Response(200, stream=Cut(whole[:size], lost))

    fake.answers["GET /jobs/j1/stream"] = broken
    job = fake.hub().job("j1")
    assert list(job.watch()) == fake.events


def test_where_streams_do_not_come_through_the_hub_is_asked(fake: FakeHub) -> None:
    silent: list[httpx.Request] = []

    def kept_back(request: httpx.Request) -> httpx.Response:
        silent.append(request)
        raise httpx.ReadTimeout("nothing came")

    fake.answers["GET /jobs/j1/stream"] = kept_back
    job = fake.hub().job("j1")
    assert list(job.watch()) == fake.events
    assert len(silent) == 2
    assert len(fake.sent("GET", "/jobs/j1/events")) > 2


def test_the_time_is_up_before_the_job_has_ended(fake: FakeHub) -> None:
    fake.course.pop()

    def slow(request: httpx.Request) -> httpx.Response:
        fake.clock.time += 10
        raise httpx.ReadTimeout("nothing came")

    fake.answers["GET /jobs/j1/stream"] = slow
    with pytest.raises(StillUnfinished):
        list(fake.hub().job("j1").watch(timeout=15))


def test_a_refusal_is_not_repeated(fake: FakeHub) -> None:
    job = fake.hub().job("j1")
    fake.answers["GET /jobs/j1/stream"] = lambda _: problem(404, "not_found")
    with pytest.raises(NotFound):
        list(job.watch())


def test_a_hub_that_closes_the_stream_is_not_asked_in_a_frenzy(fake: FakeHub) -> None:
    def closing(request: httpx.Request) -> httpx.Response:
        if fake.clock.time > 5:
            fake.answers.pop("GET /jobs/j1/stream")
        kind = {"content-type": "text/event-stream"}
        return httpx.Response(200, content=b"retry: 1000\n\n", headers=kind)

    fake.answers["GET /jobs/j1/stream"] = closing
    assert list(fake.hub().job("j1").watch()) == fake.events
    assert len(fake.sent("GET", "/jobs/j1/stream")) < 10


@given(cuts=st.lists(st.integers(0, 60), max_size=5))
def test_frames_are_read_whatever_the_pieces(cuts: list[int]) -> None:
    text = (
        ": hello\n\nid: 3\nevent: event\ndata: {\u2028}\r\n\r\nevent: end\ndata: {}\n\n"
    )
    whole = text.encode()
    edges = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    pieces = [whole[a:b] for a, b in pairwise(edges)]
    found = [frame for frame in read_frames(pieces) if frame]
    assert found == [Frame("event", "{\u2028}".encode()), Frame("end", b"{}")]
