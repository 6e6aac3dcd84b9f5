"""Answers: JSON of wire models, and files."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from zipfile import ZIP_STORED, ZipFile

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from pydantic import BaseModel, TypeAdapter

_CHUNK = 1 << 18
_SHOWN = {"image/png", "image/jpeg"}
"""Media types that a browser may show in place; all else is offered for saving."""


def reply(model: BaseModel, *, status: int = 200) -> HttpResponse:
    """Return one model as JSON."""
    text = model.model_dump_json()
    return HttpResponse(text, status=status, content_type="application/json")


def reply_list(models: Sequence[BaseModel], *, status: int = 200) -> HttpResponse:
    """Return several models as a JSON array."""
    content = TypeAdapter(list[BaseModel]).dump_json(
        list(models), serialize_as_any=True
    )
    return HttpResponse(content, status=status, content_type="application/json")


def send_file(
    request: HttpRequest, path: Path, *, media_type: str, digest: str
) -> StreamingHttpResponse | HttpResponse:
    """Return the content of a file, or 304 to whoever has it already."""
    etag = f'"{digest}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers={"ETag": etag})
    response = _stream(request, path.open("rb"))
    shown = media_type in _SHOWN
    response.headers["Content-Type"] = (
        media_type if shown else "application/octet-stream"
    )
    response.headers["Content-Disposition"] = "inline" if shown else "attachment"
    response.headers["Content-Length"] = str(path.stat().st_size)
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def send_zip(
    request: HttpRequest, members: Iterable[tuple[str, Path]]
) -> StreamingHttpResponse:
    """Return files as one archive, which numpy opens as an ``.npz``."""
    file = TemporaryFile()  # noqa: SIM115  (the response closes it)
    with ZipFile(file, "w", ZIP_STORED) as archive:
        for name, path in members:
            archive.write(path, name)
    size = file.tell()
    file.seek(0)
    response = _stream(request, file)
    response.headers["Content-Type"] = "application/zip"
    response.headers["Content-Length"] = str(size)
    response.headers["Content-Disposition"] = "attachment"
    return response


class _Chunks:
    """The content of a file in pieces; the response closes it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._file.read(_CHUNK):
            yield chunk


class _ChunksLater(_Chunks):
    """The same, read in a thread while the server does other things."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await asyncio.to_thread(self._file.read, _CHUNK):
            yield chunk

    __iter__ = None  # type: ignore[assignment]


def _stream(request: HttpRequest, file: IO[bytes]) -> StreamingHttpResponse:
    waits = isinstance(request, ASGIRequest)
    return StreamingHttpResponse(_ChunksLater(file) if waits else _Chunks(file))
