"""The pages' own files come without a warning; files that nobody reads stay closed."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest
from django.test import RequestFactory

from shothub.server.asgi import Pages
from shothub.server.sending import send_file

STATIC = "shothub.server.sending.SendsStatic"
STOCK = "whitenoise.middleware.WhiteNoiseMiddleware"
STYLE = "/static/shothub/shothub.css"


def fetch(path: str, method: str = "GET") -> tuple[int, bytes]:
    """Return status and content as the hub's handler of pages sends them."""
    sent: list[Mapping[str, Any]] = []
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }

    async def run() -> None:
        quiet = asyncio.Event()
        messages = [{"type": "http.request", "body": b""}]

        async def receive() -> Mapping[str, Any]:
            if not messages:
                await quiet.wait()
            return messages.pop()

        async def send(message: Mapping[str, Any]) -> None:
            sent.append(message)

        await Pages()(scope, receive, send)

    asyncio.run(run())
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], content


def test_static_files_come_without_a_warning() -> None:
    status, content = fetch(STYLE)
    assert status == 200
    assert content
    assert fetch(STYLE, "HEAD") == (200, b"")


def test_the_stock_middleware_would_warn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: what the hub's own way of sending is there for."""
    stock = [STOCK if name == STATIC else name for name in settings.MIDDLEWARE]
    monkeypatch.setattr(settings, "MIDDLEWARE", stock)
    with pytest.warns(Warning, match="must consume synchronous iterators"):
        fetch(STYLE)


def test_a_file_that_nobody_reads_is_never_opened(
    tmp_path: Path, rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"content")
    opened: list[Path] = []
    stock: Callable[..., Any] = Path.open

    def watched(self: Path, *args: Any) -> Any:
        opened.append(self)
        return stock(self, *args)

    monkeypatch.setattr(Path, "open", watched)
    request: HttpRequest = rf.get("/")
    response = send_file(
        request, path, name="images/a.png", media_type="image/png", digest="d"
    )
    assert opened == []
    assert response["Content-Disposition"] == 'inline; filename="a.png"'
    assert b"".join(response) == b"content"
    assert opened == [path]
