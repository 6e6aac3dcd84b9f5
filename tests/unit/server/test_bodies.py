"""Bodies are bounded where they are read, before anything is done with them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest
from django.conf import settings

from shothub.server.asgi import Pages, _read_body

Configured = Callable[..., None]
Message = Mapping[str, Any]
Headers = Sequence[tuple[bytes, bytes]]
TOKEN = [(b"authorization", b"Bearer shb_pat_x")]


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Configured:
    def change(**values: object) -> None:
        config = settings.SHOTHUB.model_copy(update=values)
        monkeypatch.setattr(settings, "SHOTHUB", config)

    return change


def scope(headers: Headers) -> Message:
    return {
        "type": "http",
        "method": "POST",
        "path": "/nowhere",
        "headers": [(b"host", b"localhost"), *headers],
        "query_string": b"",
    }


def sender(*parts: bytes, ends: bool = True) -> Callable[[], Awaitable[Message]]:
    waiting = list(parts)

    async def receive() -> Message:
        if not waiting and not ends:
            await asyncio.Event().wait()
        body = waiting.pop(0) if waiting else b""
        more = bool(waiting) or not ends
        return {"type": "http.request", "body": body, "more_body": more}

    return receive


def refused(*parts: bytes, headers: Headers = (), ends: bool = True) -> list[Message]:
    """Return what the hub answers to a body that comes in parts."""
    said = list[Message]()

    async def send(message: Message) -> None:
        said.append(message)

    asyncio.run(Pages()(scope(headers), sender(*parts, ends=ends), send))
    return said


def taken(body: bytes, headers: Headers) -> bytes:
    """Return what the hub has read of a body."""
    with asyncio.run(_read_body(scope(headers), sender(body))) as file:
        return file.read()


def test_a_stranger_sends_little(configured: Configured) -> None:
    configured(max_stranger_bytes=10)
    start, body = refused(b"12345", b"678901")
    assert start["status"] == 413
    assert b'"code":"too_large"' in body["body"]


@pytest.mark.parametrize(
    "header", [*TOKEN, (b"cookie", b"a=b; sessionid=x")], ids=["token", "session"]
)
def test_whoever_shows_a_credential_sends_more(
    configured: Configured, header: tuple[bytes, bytes]
) -> None:
    configured(max_stranger_bytes=10, max_body_bytes=20)
    assert refused(b"1" * 21, headers=[header])[0]["status"] == 413
    assert taken(b"1" * 20, [header]) == b"1" * 20


def test_whoever_falls_silent_is_not_waited_for(configured: Configured) -> None:
    configured(body_seconds=0.01)
    start, body = refused(b"1", headers=TOKEN, ends=False)
    assert start["status"] == 408
    assert b'"code":"too_slow"' in body["body"]


def test_refused_bodies_are_answered_with_the_headers_of_the_api(
    configured: Configured,
) -> None:
    configured(max_stranger_bytes=1)
    names = dict(refused(b"12")[0]["headers"])
    assert names[b"X-Content-Type-Options"] == b"nosniff"
