"""Files sent to the browser: pictures to look at, all others to keep."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from shothub.wire.jobs import FileView

_SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_CHUNK = 256 * 1024


def send(request: HttpRequest, view: FileView, path: Path) -> HttpResponseBase:
    """Return the content of a file, or 304 to a browser that has it already."""
    etag = f'"{view.sha256}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers={"ETag": etag})
    later = isinstance(request, ASGIRequest)
    response = StreamingHttpResponse(_chunks_later(path) if later else _chunks(path))
    shown = view.media_type in _SHOWN
    name = view.name.rpartition("/")[2]
    response.headers["Content-Type"] = (
        view.media_type if shown else "application/octet-stream"
    )
    response.headers["Content-Disposition"] = (
        content_disposition_header(not shown, name) or "attachment"
    )
    response.headers["Content-Length"] = str(path.stat().st_size)
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


# Opened by the generators, so that a response which is never sent leaves nothing open.
def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


async def _chunks_later(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk
