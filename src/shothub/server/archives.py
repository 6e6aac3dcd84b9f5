"""A backup of a hub as one file: a tar of its rows, its secrets and its files."""

import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO

FORM = 1
MANIFEST, ROWS, SECRET, FILES = "manifest.json", "hub.sqlite3", "secret", "files"
END = "end"  # the last member: without it a part of the backup is missing
_CHUNK = 1 << 20


class BadArchive(Exception):
    """The file is no backup of a hub, or it is damaged."""


class NotEmpty(Exception):
    """The folder holds a hub already; restore into an empty one."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a backup says of itself.

    Attributes:
        form: of the file; this version reads its own alone.
        version: of shothub, which made it.
        made: when, as ISO 8601.
        sha256: digest of the rows.
        secrets: fingerprints of the secrets that the rows need; see ``fingerprint``.
        has_secrets: whether they are in it; else they were configured elsewhere.
        has_files: whether the files of results are in it.
    """

    version: str
    made: str
    sha256: str
    secrets: list[str]
    has_secrets: bool
    has_files: bool
    form: int = FORM


def write(
    path: Path,
    manifest: Manifest,
    *,
    rows: Path,
    secret: Path | None,
    files: Iterable[tuple[str, Path]],
) -> tuple[int, int]:
    """Write a backup that nobody else can read; return how many files, and lost ones.

    Args:
        path: where to; it must not be there.
        manifest: what it says of itself.
        rows: an SQLite file.
        secret: the file of secrets, if they are to be in it.
        files: of results, each with its path below the hub's folder of files. One that
            is gone is left out.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    stored, lost = 0, 0
    with os.fdopen(handle, "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            _add_text(tar, MANIFEST, json.dumps(asdict(manifest), indent=1))
            _add(tar, ROWS, rows)
            if secret is not None:
                _add(tar, SECRET, secret)
            for name, source in files:
                try:
                    _add(tar, f"{FILES}/{name}", source)
                    stored += 1
                except FileNotFoundError:
                    lost += 1
            _add_text(tar, END, "")
        file.flush()
        os.fsync(file.fileno())
    return stored, lost


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode()
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    tar.addfile(member, io.BytesIO(content))


def _add(tar: tarfile.TarFile, name: str, source: Path) -> None:
    with source.open("rb") as content:
        member = tarfile.TarInfo(name)
        stat = os.fstat(content.fileno())
        member.size, member.mtime, member.mode = stat.st_size, stat.st_mtime, 0o600
        tar.addfile(member, content)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Archive:
    """A backup that is open for reading.

    Attributes:
        manifest: what it says of itself.
    """

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.manifest = self._manifest()
        # Of a file that is cut between two members, tarfile says nothing.
        if tar.getmembers()[-1].name != END:
            raise BadArchive("It is cut short, or damaged: its end is not there.")

    def _manifest(self) -> Manifest:
        try:
            first = self._tar.next()
            known = json.loads(self._read(first)) if first else {}
            manifest = Manifest(**known)
        except (ValueError, TypeError) as error:
            raise BadArchive(BadArchive.__doc__) from error
        if first is None or first.name != MANIFEST or manifest.form != FORM:
            raise BadArchive("Another version of shothub made this backup.")
        return manifest

    def _read(self, member: tarfile.TarInfo) -> bytes:
        if member.size > _CHUNK:
            raise BadArchive(BadArchive.__doc__)
        return self._open(member).read()

    def _open(self, member: tarfile.TarInfo) -> IO[bytes]:
        content = self._tar.extractfile(member) if member.isreg() else None
        if content is None:
            raise BadArchive(f"{member.name[:100]!r} in it is no file.")
        return content

    def place_rows(self, to: Path) -> None:
        """Write the rows as an SQLite file.

        Raises:
            BadArchive: they are not what was backed up.
        """
        self._place(self._member(ROWS), to)
        if digest_of(to) != self.manifest.sha256:
            to.unlink()
            raise BadArchive("The rows in it are not those that were backed up.")

    def place_secret(self, to: Path) -> None:
        """Write the file of secrets."""
        self._place(self._member(SECRET), to)

    def place_files(self, folder: Path) -> int:
        """Write the files of results below a folder, and return how many.

        Raises:
            BadArchive: a path leads out of the folder.
        """
        number = 0
        for member in self._tar:
            path = PurePosixPath(member.name)
            if path.parts[:1] != (FILES,):
                continue
            if ".." in path.parts or len(path.parts) < 2:
                raise BadArchive(f"{member.name[:100]!r} in it leads elsewhere.")
            self._place(member, folder.joinpath(*path.parts[1:]))
            number += 1
        return number

    def _member(self, name: str) -> tarfile.TarInfo:
        try:
            return self._tar.getmember(name)
        except KeyError:
            raise BadArchive(f"There is no {name} in it.") from None

    def _place(self, member: tarfile.TarInfo, to: Path) -> None:
        to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            content = self._open(member)
            while chunk := content.read(_CHUNK):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open a backup.

    Raises:
        BadArchive: it is none, it is damaged, or another version made it.
    """
    try:
        tar = tarfile.open(path, "r:")  # noqa: SIM115  (closed below; its errors are told apart)
    except OSError as error:
        raise BadArchive(f"{path}: {error.strerror or error}.") from error
    except tarfile.TarError as error:
        raise BadArchive(f"{path}: {BadArchive.__doc__}") from error
    with tar:
        try:
            yield Archive(tar)
        except tarfile.TarError as error:
            raise BadArchive(f"{path}: {BadArchive.__doc__} {error}.") from error


def require_empty(folder: Path) -> None:
    """Refuse a data folder that has a hub in it.

    Raises:
        NotEmpty: it has.
    """
    if any((folder / name).exists() for name in (SECRET, FILES, "db.sqlite3")):
        raise NotEmpty(f"{folder}: {NotEmpty.__doc__}")


@contextmanager
def unpacked(archive: Archive, data: Path, *, into_sqlite: bool) -> Iterator[Path]:
    """Place what the hub needs to start from: its secrets, and its rows.

    If the block fails, what was placed is taken away again, files of results too.

    Args:
        archive: the backup.
        data: the hub's data folder.
        into_sqlite: whether the hub keeps its rows there; else they are in a folder
            beside it while the block runs.

    Yields:
        The folder with the rows.

    Raises:
        NotEmpty: the folder holds a hub already.
        BadArchive: the backup is damaged.
    """
    require_empty(data)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    rows, secret = data / "db.sqlite3", data / SECRET
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=data) as folder:
        try:
            if archive.manifest.has_secrets:
                archive.place_secret(secret)
            archive.place_rows(rows if into_sqlite else Path(folder) / "db.sqlite3")
            yield data if into_sqlite else Path(folder)
        except BaseException:
            for placed in (secret, *data.glob("db.sqlite3*")):
                placed.unlink(missing_ok=True)
            shutil.rmtree(data / FILES, ignore_errors=True)
            raise
