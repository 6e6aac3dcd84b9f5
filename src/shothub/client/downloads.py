"""Receiving files as streams, going on where a connection broke, checking digests."""

import hashlib
import os
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import httpx

from shothub.client import answers, calls
from shothub.client.calls import Call
from shothub.client.connection import Connection
from shothub.client.errors import DamagedDownload
from shothub.client.retries import Tries, worth_a_retry
from shothub.domain.faults import Fault
from shothub.domain.names import is_file_name
from shothub.wire.jobs import FileView

_CHUNK = 1 << 20


def receive(
    connection: Connection, call: Call[None], out: BinaryIO, sha256: str = ""
) -> None:
    """Write the body of the answer to ``out``, an empty file opened for ``w+b``.

    A broken transfer goes on where it broke when ``sha256`` is known, else it begins
    again.

    Raises:
        DamagedDownload: what arrived has another digest.
        ShothubError: the hub refused or stayed unreachable.
    """
    tries = connection.tries(connection.manner.patience)
    while not _received(connection, call, out, tries, resume=bool(sha256)):
        pass
    _check_digest(out, sha256, call.path)


def save_private(connection: Connection, call: Call[None], path: Path) -> Path:
    """Store an answer in a new file that only its owner can read.

    Raises:
        FileExistsError: there is such a file.
        ShothubError: the hub refused or stayed unreachable; there is no file then.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w+b") as out:
            receive(connection, call, out)
    except BaseException:
        path.unlink()
        raise
    return path


def _received(
    connection: Connection,
    call: Call[None],
    out: BinaryIO,
    tries: Tries,
    *,
    resume: bool,
) -> bool:
    """Try once; tell whether all arrived, else wait as long as another try needs."""
    have = out.seek(0, 2) if resume else 0
    headers = {"Accept-Encoding": "identity", "Accept": "*/*"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        with connection.stream(call, headers) as answer:
            if answer.is_success:
                _append(answer, out, have)
                return True
            answer.read()
    except httpx.TransportError as error:
        tries.again(call, error)
        return False
    if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and have:
        # Nothing is missing after what is here already; the digest decides.
        return True
    if not worth_a_retry(call, answer):
        raise answers.refusal(answer)
    tries.again(call, answer)
    return False


def _append(answer: httpx.Response, out: BinaryIO, have: int) -> None:
    out.seek(have if answer.status_code == httpx.codes.PARTIAL_CONTENT else 0)
    out.truncate()
    for chunk in answer.iter_bytes():
        out.write(chunk)


def _check_digest(out: BinaryIO, sha256: str, where: str) -> None:
    out.seek(0)
    digest = hashlib.sha256()
    while chunk := out.read(_CHUNK):
        digest.update(chunk)
    out.seek(0)
    if sha256 and digest.hexdigest() != sha256:
        raise DamagedDownload(
            Fault(
                code="digest_mismatch",
                detail="The file arrived with another content than the hub has.",
                where=where,
                hint="try again; tell the lab if it stays so",
            )
        )


def place_below(folder: Path, name: str) -> Path:
    """Return where to store a file named by the hub, never outside of ``folder``.

    Raises:
        DamagedDownload: the name would lead elsewhere.
    """
    path = PurePosixPath(name)
    if (
        not path.parts
        or path.is_absolute()
        or not all(is_file_name(part) for part in path.parts)
    ):
        detail = f"The hub names a file {name[:80]!r}, which is no name of a file."
        raise DamagedDownload(Fault(code="bad_file_name", detail=detail))
    return folder.joinpath(*path.parts)


def save(connection: Connection, job: str, file: FileView, folder: Path) -> Path:
    """Store a file below ``folder`` unless it is there already; return its path."""
    target = place_below(folder, file.name)
    if _is_same(target, file):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    with part.open("w+b") as out:
        receive(connection, calls.file_content(job, file.name), out, file.sha256)
    part.replace(target)
    return target


def _is_same(target: Path, file: FileView) -> bool:
    if not target.is_file() or target.stat().st_size != file.size:
        return False
    with target.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
