"""Files as answers: each opened when its first piece is wanted, so that none stays open."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from zipfile import ZIP_STORED, ZipFile

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

_CHUNK = 1 << 18
_SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Media types that a browser may show in place; all else is offered for saving."""


class SendsStatic(WhiteNoiseMiddleware):  # type: ignore[misc]  # it is untyped
    """Serves the pages' own files whole: they are small, and ASGI streams them badly."""

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        """Return one of the files."""
        found = static_file.get_response(request.method, request.META)
        content = b""
        if found.file is not None:
            with found.file:
                content = found.file.read()
        return HttpResponse(
            content, status=int(found.status), headers=dict(found.headers)
        )


def send_file(
    request: HttpRequest, path: Path, *, name: str, media_type: str, digest: str
) -> StreamingHttpResponse | HttpResponse:
    """Return the content of a file, or 304 to whoever has it already.

    Args:
        request: what is answered.
        path: where the content is.
        name: the file's name for whoever saves it.
        media_type: what it is; only pictures are ever shown in place.
        digest: changes with the content.
    """
    etag = f'"{digest}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers={"ETag": etag})
    later = isinstance(request, ASGIRequest)
    pieces = _pieces_later(path) if later else _pieces(path)
    shown = media_type in _SHOWN
    last = name.rpartition("/")[2]
    return StreamingHttpResponse(
        pieces,
        content_type=media_type if shown else "application/octet-stream",
        headers={
            "Content-Disposition": content_disposition_header(not shown, last) or "",
            "Content-Length": str(path.stat().st_size),
            "ETag": etag,
            "Cache-Control": "private, max-age=3600",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield piece


async def _pieces_later(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, _CHUNK):
            yield piece


def send_zip(
    request: HttpRequest, members: Iterable[tuple[str, Path]]
) -> StreamingHttpResponse:
    """Return files as one archive, which numpy opens as an ``.npz``."""
    file = TemporaryFile()  # noqa: SIM115  (the response closes it)
    with ZipFile(file, "w", ZIP_STORED) as archive:
        for name, path in members:
            archive.write(path, name)
    return send_open(request, file, media_type="application/zip")


def send_open(
    request: HttpRequest, file: IO[bytes], *, media_type: str, name: str = ""
) -> StreamingHttpResponse:
    """Return all of an open file, to be saved; it is closed afterwards.

    Args:
        request: what is answered.
        file: written up to its end.
        media_type: what it is.
        name: the file's name for whoever saves it.
    """
    size = file.tell()
    file.seek(0)
    later = isinstance(request, ASGIRequest)
    saved = content_disposition_header(True, name) or ""
    return StreamingHttpResponse(
        _OpenLater(file) if later else _Open(file),
        content_type=media_type,
        headers={"Content-Length": str(size), "Content-Disposition": saved},
    )


class _Open:
    """The content of an open file in pieces; the response closes it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._file.read(_CHUNK):
            yield piece


class _OpenLater(_Open):
    """The same, read in a thread while the server does other things."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await asyncio.to_thread(self._file.read, _CHUNK):
            yield piece

    __iter__ = None  # type: ignore[assignment]
