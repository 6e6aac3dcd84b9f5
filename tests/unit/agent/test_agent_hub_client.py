"""The agent's HTTP client: what it sends, and how refusals are told apart."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from shothub.agent.hub import (
    AgentHub,
    Fenced,
    HubError,
    NotAllowed,
    Refused,
    Unreachable,
)
from shothub.wire.agents import Capacity, Poll, Start


def hub_answering(answer: Callable[[httpx.Request], httpx.Response]) -> AgentHub:
    return AgentHub("http://hub/", "shb_x", transport=httpx.MockTransport(answer))


def problem(status: int, code: str) -> httpx.Response:
    body = {"type": "t", "title": "t", "status": status, "code": code, "detail": "no"}
    return httpx.Response(status, json=body)


def test_start_is_typed_and_carries_the_token() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url == "http://hub/api/v1/agent/shots/3/start"
        assert request.headers["Authorization"] == "Bearer shb_x"
        assert json.loads(request.content) == {"epoch": 1, "fence": 5}
        return httpx.Response(200, json={"attempt": 7, "number": 1})

    with hub_answering(answer) as hub:
        assert hub.start(3, Start(epoch=1, fence=5)).attempt == 7


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(409, "fenced"), Fenced),
        (problem(409, "lease_lost"), Refused),
        (problem(401, "bad_token"), NotAllowed),
        (problem(403, "missing_scope"), NotAllowed),
        (problem(503, "busy"), Unreachable),
        (problem(429, "too_many"), Unreachable),
        (httpx.Response(502, text="<html>"), Unreachable),
        (httpx.Response(404, text="<html>"), Refused),
        (httpx.Response(200, text="<html>"), Unreachable),
    ],
)
def test_refusals_are_told_apart(answer: httpx.Response, error: type[HubError]) -> None:
    with hub_answering(lambda _: answer) as hub, pytest.raises(error) as caught:
        hub.start(3, Start(epoch=1, fence=5))
    assert type(caught.value) is error


def test_a_cut_connection_is_unreachable() -> None:
    def cut(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("cut", request=request)

    with hub_answering(cut) as hub, pytest.raises(Unreachable):
        hub.poll(Poll(epoch=1, capacity=Capacity()))


def test_a_closed_client_is_unreachable() -> None:
    hub = hub_answering(lambda _: httpx.Response(200, json={}))
    hub.close()
    with pytest.raises(Unreachable):
        hub.poll(Poll(epoch=1, capacity=Capacity()))


def test_a_refused_token_says_how_to_mend_it() -> None:
    answered = hub_answering(lambda _: problem(401, "bad_token"))
    with answered as hub, pytest.raises(NotAllowed) as caught:
        hub.report("local", "{}")
    assert "--token-file" in caught.value.fault.hint


def test_a_file_goes_with_its_digest_and_description(tmp_path: Path) -> None:
    file = tmp_path / "0.npy"
    file.write_bytes(b"x" * 3_000_000)

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.method == "PUT"
        assert request.url.path == "/api/v1/agent/jobs/j/files/images/a/0.npy"
        assert dict(request.url.params) == {"kind": "image", "shot": "0"}
        assert request.headers["X-Content-SHA256"] == "ab"
        assert request.headers["Content-Length"] == "3000000"
        assert len(request.read()) == 3_000_000
        return httpx.Response(200, json={})

    with hub_answering(answer) as hub:
        params = {"kind": "image", "shot": "0", "sha256": "ab"}
        hub.upload("jobs/j/files/images/a/0.npy", params, file)
