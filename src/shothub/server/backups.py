"""Backing up a running hub into one file, and restoring that into an empty hub."""

import hmac
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, connections, transaction

from shothub.domain.acts import Act
from shothub.server import archives, moving
from shothub.server.accounts.standing import forget_sessions, revoke_everything
from shothub.server.apparatus.services import hold_all
from shothub.server.archives import Archive, Manifest
from shothub.server.audit.services import record
from shothub.server.databases import settings_of
from shothub.server.jobs.services.sharing import revoke_links
from shothub.server.results.queries import folder_of_files, stored_files

_COPY = "backup"


class Exists(Exception):
    """There is a file of this name already; backups are never overwritten."""


class WrongSecrets(Exception):
    """The hub's secrets are not those with which the backup was made."""


class Damaged(Exception):
    """The copy of the database is not sound; the hub's own may not be either."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a backup holds.

    Attributes:
        files: how many files of results are in it.
        lost: how many the hub knows of and no longer has.
        has_secrets: whether the secrets are in it; else they are configured elsewhere.
    """

    path: Path
    size: int
    files: int
    lost: int
    has_secrets: bool


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What came back.

    Attributes:
        made: when the backup was made, as ISO 8601.
        files: how many files of results came back.
        lost: how many the hub knows of and does not have.
        tokens: how many tokens were revoked.
    """

    made: str
    files: int
    lost: int
    tokens: int


def take(path: Path, *, now: datetime, with_files: bool = True) -> Taken:
    """Back up the hub, which may be running, as it is at one moment.

    Files of results that arrive meanwhile may be in it, though its rows know nothing of
    them. It holds the secrets: whoever can read it can become anybody at this hub.

    Args:
        path: of the backup; written beside it first and renamed at the end.
        now: the present time.
        with_files: with the files of results; else they are to be backed up otherwise.

    Raises:
        Exists: there is a file of this name.
        Damaged: the database is not sound.
        OSError: it cannot be written.
    """
    if path.exists():
        raise Exists(f"{path}: {Exists.__doc__}")
    secret: Path | None = settings.SHOTHUB.data / archives.SECRET
    secret = secret if secret and secret.is_file() else None
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=path.parent) as folder:
        rows = _copy_rows(Path(folder))
        partial = Path(folder) / "partial"
        manifest = Manifest(
            version=version("shothub"),
            made=now.isoformat(),
            sha256=archives.digest_of(rows),
            secrets=_fingerprints(),
            has_secrets=secret is not None,
            has_files=with_files,
        )
        known = stored_files() if with_files else ()
        files, lost = archives.write(
            partial, manifest, rows=rows, secret=secret, files=known
        )
        partial.rename(path)
    detail = {"files": files, "lost": lost}
    record(Act.HUB_BACKED_UP, now=now, on=str(path)[-200:], detail=detail)
    return Taken(
        path=path,
        size=path.stat().st_size,
        files=files,
        lost=lost,
        has_secrets=secret is not None,
    )


def _copy_rows(folder: Path) -> Path:
    """Return an SQLite file with all rows as they are at one moment."""
    copy = folder / "db.sqlite3"
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with closing(sqlite3.connect(copy)) as target:
            connection.connection.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
    else:
        moving.attach(_COPY, settings_of("", folder))
        moving.copy_between("default", _COPY)
        connections[_COPY].close()
    _require_sound(copy)
    return copy


def _require_sound(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as database:
        [[found]] = database.execute("PRAGMA quick_check(1)").fetchall()
    if found != "ok":
        raise Damaged(f"{Damaged.__doc__} {found}")


def _fingerprints() -> list[str]:
    """Return what tells whether secrets are the same, and nothing else of them."""
    config = settings.SHOTHUB
    secrets = [config.secret_key, *config.token_peppers]
    return [
        hmac.digest(secret.get_secret_value().encode(), b"backup", "sha256").hex()
        for secret in secrets
    ]


def bring_back(
    archive: Archive, rows: Path, *, now: datetime, revoke_tokens: bool = False
) -> Restored:
    """Restore a backup into the hub that was started on what ``unpacked`` placed.

    Nothing starts on any apparatus until a person has lifted the hold that is put on it:
    what has run since the backup may wait in the queue again. Everybody logs in anew.

    Args:
        archive: the backup.
        rows: the folder that ``unpacked`` gave.
        now: the present time.
        revoke_tokens: revoke every token and every link to a job; one that was revoked
            since the backup would be good again.

    Raises:
        WrongSecrets: the hub's secrets are others.
        NotEmpty: the database holds a hub already.
    """
    made = archive.manifest.made
    if not set(archive.manifest.secrets) <= set(_fingerprints()):
        raise WrongSecrets(
            f"{WrongSecrets.__doc__} Configure SHOTHUB_SECRET_KEY and"
            " SHOTHUB_TOKEN_PEPPERS as they were then."
        )
    files = archive.place_files(folder_of_files())
    with transaction.atomic():
        if connection.vendor != "sqlite":
            moving.attach(_COPY, settings_of("", rows))
            moving.copy_between(_COPY, "default")
            connections[_COPY].close()
        why = (
            f"The hub was restored from a backup of {made[:16].replace('T', ' ')} UTC."
            " Shots that ran since may wait in the queue again: look through it first."
        )
        hold_all(why)
        Session.objects.all().delete()
        forget_sessions()
        tokens = revoke_everything(now=now) if revoke_tokens else 0
        links = revoke_links(now=now) if revoke_tokens else 0
        detail = {
            "made": made,
            "files": files,
            "tokens revoked": tokens,
            "links revoked": links,
        }
        record(Act.HUB_RESTORED, now=now, detail=detail)
    lost = sum(not path.is_file() for _, path in stored_files())
    return Restored(made=made, files=files, lost=lost, tokens=tokens)
