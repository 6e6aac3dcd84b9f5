"""Streams of events on a served hub: complete, in order, resumed, bounded, quick."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple
from typing import cast as cast_to

import httpx
import pytest
from django.test import RequestFactory
from tests.fakes.cutting_proxy import CuttingProxy
from tests.integration.server.hub_cast import Cast
from tests.integration.server.test_served_hub import (
    PROCEDURE,
    Served,
    admin,
    served,
)

from shothub.client import Hub, Manner
from shothub.server.api import streaming
from shothub.server.api.access import Request, principal_of
from shothub.server.refusals import Unauthorized

__all__ = ["served"]
SHOTS = 12


class Frame(NamedTuple):
    event: str
    ident: str
    data: Any


def frames(lines: Iterator[str]) -> Iterator[Frame]:
    """Read server-sent events as a browser does: what is not complete is dropped."""
    event, ident, data = "message", "", ""
    for line in lines:
        if not line:
            if data:
                yield Frame(event, ident, json.loads(data))
            event, ident, data = "message", "", ""
        elif line.startswith("id: "):
            ident = line[4:]
        elif line.startswith("event: "):
            event = line[7:]
        elif line.startswith("data: "):
            data += line[6:]


def submitted(served: Served) -> str:
    job = served.user.post("/jobs", json=PROCEDURE).raise_for_status().json()
    return str(job["id"])


def compile_and_run(served: Served, job: str) -> None:
    """Be the agent: compile the job to shots and run them all."""
    tasks: list[str] = []
    while job not in tasks:  # other tests may have left jobs of their own
        given = served.poll(compile=1)["compile"]
        assert given, "the job was never given out to be compiled"
        tasks += [task["job"] for task in given]
    shots = [{"index": i, "globals": {}, "duration": 0.01} for i in range(SHOTS)]
    report = {"epoch": served.epoch, "shots": shots}
    served.agent.post(f"/agent/jobs/{job}/compiled", json=report).raise_for_status()
    left = SHOTS
    while left:
        for lease in served.poll(shots=4)["shots"]:
            asked = {"epoch": served.epoch, "fence": lease["fence"]}
            path = f"/agent/shots/{lease['shot']}/start"
            started = served.agent.post(path, json=asked).raise_for_status().json()
            attempt = f"/agent/attempts/{started['attempt']}"
            ended = {"epoch": served.epoch, "outcome": "failed", "reason": "as told"}
            served.agent.post(f"{attempt}/finish", json=ended).raise_for_status()
            left -= 1


def listed(served: Served, job: str) -> list[Any]:
    found: list[Any] = served.user.get(f"/jobs/{job}/events").json()
    return found


def test_a_stream_tells_each_event_once_then_the_job_then_the_end(
    served: Served,
) -> None:
    job = submitted(served)
    seen: list[Frame] = []
    with served.user.stream("GET", f"/jobs/{job}/stream") as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["x-accel-buffering"] == "no"
        thread = threading.Thread(target=compile_and_run, args=(served, job))
        thread.start()
        seen.extend(frames(stream.iter_lines()))
        thread.join()
    events = [f.data for f in seen if f.event == "event"]
    assert events == listed(served, job)
    assert [f.ident for f in seen if f.event == "event"] == [
        str(e["id"]) for e in events
    ]
    views = [f.data for f in seen if f.event == "job"]
    assert (views[0]["state"], views[-1]["state"]) == ("submitted", "failed")
    assert views[-1]["shots_failed"] == SHOTS
    # What is foreseen of it may change without the job itself.
    assert [view["rev"] for view in views] == sorted(view["rev"] for view in views)
    assert all(a != b for a, b in pairwise(views))
    assert seen[-1].event == "end"
    assert all(f.ident == "" for f in seen if f.event != "event")


def test_a_stream_goes_on_after_the_last_event_that_was_read(served: Served) -> None:
    job = submitted(served)
    compile_and_run(served, job)
    every = listed(served, job)
    middle = every[len(every) // 2]["id"]
    later = [e for e in every if e["id"] > middle]
    for how in (
        {"params": {"since": middle}},
        {"headers": {"Last-Event-ID": str(middle)}},
        {"params": {"since": 1}, "headers": {"Last-Event-ID": str(middle)}},
    ):
        with served.user.stream("GET", f"/jobs/{job}/stream", **how) as stream:
            seen = list(frames(stream.iter_lines()))
        assert [f.data for f in seen if f.event == "event"] == later


@pytest.mark.parametrize("seed", range(3))
def test_a_stream_that_is_cut_at_random_bytes_has_neither_gaps_nor_repeats(
    served: Served, seed: int
) -> None:
    job = submitted(served)
    port = int(served.url.rsplit(":", 1)[1])
    seen: list[Any] = []
    thread = threading.Thread(target=compile_and_run, args=(served, job))
    with CuttingProxy(port, most=1500, seed=seed) as proxy:
        thread.start()
        address = f"{proxy.url}/api/v1/jobs/{job}/stream"
        ended = False
        while not ended:
            last = {"Last-Event-ID": str(seen[-1]["id"])} if seen else {}
            headers = {**dict(served.user.headers), **last}
            with (
                contextlib.suppress(httpx.TransportError),
                httpx.stream("GET", address, headers=headers, timeout=20) as stream,
            ):
                for frame in frames(stream.iter_lines()):
                    if frame.event == "event":
                        seen.append(frame.data)
                    ended = ended or frame.event == "end"
        thread.join()
        assert proxy.cuts > 3
    assert seen == listed(served, job)


def test_an_event_reaches_its_watcher_within_half_a_second(served: Served) -> None:
    job = submitted(served)
    delays: list[float] = []
    with served.user.stream("GET", f"/jobs/{job}/stream") as stream:
        told = frames(stream.iter_lines())
        next(f for f in told if f.event == "job")
        cancelled = time.monotonic()
        other = httpx.post(
            f"{served.url}/api/v1/jobs/{job}/cancel", headers=served.user.headers
        )
        other.raise_for_status()
        next(f for f in told if f.event == "event")
        delays.append(time.monotonic() - cancelled)
    assert delays[0] < 0.5


def test_nobody_takes_all_streams(served: Served) -> None:
    job = submitted(served)
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(
            httpx.Client(
                base_url=served.user.base_url, headers=served.user.headers, timeout=20
            )
        )
        opened = [
            stack.enter_context(client.stream("GET", f"/jobs/{job}/stream"))
            for _ in range(20)
        ]
        assert {stream.status_code for stream in opened} == {200}
        refused = served.user.get(f"/jobs/{job}/stream")
        assert refused.status_code == 429
        assert refused.json()["code"] == "too_many_streams"
        assert int(refused.headers["retry-after"]) > 0
    deadline = time.monotonic() + 10
    while served.user.get(f"/jobs/{job}").status_code != 200:
        assert time.monotonic() < deadline
    served.user.post(f"/jobs/{job}/cancel")
    while served.user.get(f"/jobs/{job}/stream").status_code == 429:
        assert time.monotonic() < deadline, "seats of closed streams are given back"


def test_a_stream_of_no_job_of_ones_own_is_refused(served: Served) -> None:
    answer = served.user.get("/jobs/none/stream")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    bad = served.user.get("/jobs/none/stream", headers={"Last-Event-ID": "x"})
    assert bad.status_code == 422


@pytest.fixture(scope="module")
def operator(served: Served) -> Iterator[httpx.Client]:
    password = "correct horse 7 battery"
    admin(served.data, "user", "create", "olga", "--password", password)
    admin(served.data, "grant", "olga", "sim", "--operator")
    token = admin(served.data, "token", "olga", "--scope", "queue:manage")
    with httpx.Client(base_url=served.user.base_url, timeout=30) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def test_the_feed_is_for_operators(served: Served, operator: httpx.Client) -> None:
    assert served.user.get("/events").status_code == 403
    assert operator.get("/events").status_code == 200
    admin(served.data, "apparatus", "create", "other")
    assert (
        operator.get("/events?apparatus=other").json()["code"] == "operator_not_granted"
    )
    assert operator.get("/events?apparatus=none").status_code == 404


def test_the_feed_tells_every_event_once_page_by_page(
    served: Served, operator: httpx.Client
) -> None:
    since = operator.get("/events?limit=1").json()["next"]
    job = submitted(served)
    compile_and_run(served, job)
    seen: list[Any] = []
    while page := operator.get(f"/events?since={since}&limit=7").json():
        if not page["events"]:
            break
        seen += page["events"]
        since = page["next"]
    assert [e["id"] for e in seen if e["job"] == job] == [
        e["id"] for e in listed(served, job)
    ]
    assert {e["apparatus"] for e in seen} == {"sim"}


def test_the_feed_can_be_waited_for(served: Served, operator: httpx.Client) -> None:
    since = operator.get("/events?limit=1").json()["next"]
    later = threading.Timer(0.2, submitted, [served])
    later.start()
    began = time.monotonic()
    page = operator.get(f"/events?since={since}&wait=20").json()
    later.join()
    assert [e["what"] for e in page["events"]] == ["job.submitted"]
    assert time.monotonic() - began < 2


def test_the_feeds_stream_goes_on_where_it_was_left(
    served: Served, operator: httpx.Client
) -> None:
    last = operator.get("/events?limit=1").json()["next"]
    jobs: list[str] = []
    for _ in range(3):
        jobs.append(submitted(served))
        headers = {"Last-Event-ID": str(last)}
        with operator.stream("GET", "/events/stream", headers=headers) as stream:
            frame = next(frames(stream.iter_lines()))
        assert (frame.event, frame.data["job"]) == ("event", jobs[-1])
        last = frame.data["id"]


@pytest.mark.parametrize("seed", range(2))
def test_the_client_sees_each_event_once_through_a_proxy_that_cuts(
    served: Served, seed: int
) -> None:
    job = submitted(served)
    port = int(served.url.rsplit(":", 1)[1])
    token = served.user.headers["Authorization"].removeprefix("Bearer ")
    thread = threading.Thread(target=compile_and_run, args=(served, job))
    with (
        CuttingProxy(port, most=1500, seed=seed) as proxy,
        Hub(proxy.url, token, manner=Manner(jitter=lambda: 0.1)) as hub,
    ):
        watched = hub.job(job)
        thread.start()
        seen = [event.model_dump(mode="json") for event in watched.watch(timeout=200)]
        thread.join()
        assert proxy.cuts > 3
        assert watched.state == "failed"
    assert [e["id"] for e in seen] == [e["id"] for e in listed(served, job)]


@pytest.mark.django_db
def test_a_watcher_whose_token_was_revoked_is_found_out(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream asks for its viewer at each look, at least at every heartbeat."""
    request = RequestFactory().get("/", headers=cast.alice.headers)
    request.auth = principal_of(request)  # type: ignore[attr-defined]
    time = 1000.0
    monkeypatch.setattr("shothub.runtime.clock.monotonic", lambda: time)
    viewer = streaming.Viewer(cast_to(Request, request))
    token = cast.alice("GET", "/tokens").ok()[0]["id"]
    cast.alice("DELETE", f"/tokens/{token}").ok()
    assert viewer.principal().username == "alice"
    time += streaming.HEARTBEAT + 1
    with pytest.raises(Unauthorized):
        viewer.principal()
