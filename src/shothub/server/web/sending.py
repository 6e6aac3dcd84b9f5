"""Files sent to the browser: pictures to look at, all others to keep."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO

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
    file = path.open("rb")
    later = isinstance(request, ASGIRequest)
    response = StreamingHttpResponse(_chunks_later(file) if later else _chunks(file))
    shown = view.media_type in _SHOWN
    name = view.name.rpartition("/")[2]
    response.headers["Content-Type"] = (
        view.media_type if shown else "application/octet-stream"
    )
    response.headers["Content-Disposition"] = (
        content_disposition_header(not shown, name) or "attachment"
    )
    response.headers["Content-Length"] = str(view.size)
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


async def _chunks_later(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk
