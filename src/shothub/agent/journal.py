"""The agent's journal: a SQLite file that a killed agent reads when it comes back.

Every write is on disk when the method returns (WAL, ``synchronous=FULL``); on a full disk
it returns once there is room again. One agent per state folder: an OS lock on
``agent.lock`` is held as long as the journal is open.
"""

import hashlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import structlog

from shothub.agent.alone import hold_folder
from shothub.agent.events import Granted, Lease, Remembered
from shothub.agent.journal_tables import bring_up_to_date
from shothub.domain.states import Outcome
from shothub.runtime.clock import pause
from shothub.wire.agents import UnderWay

logger = structlog.get_logger()

P = ParamSpec("P")
R = TypeVar("R")

FULL_PAUSE = 1.0
"""Seconds between two attempts to write to a full disk."""


@dataclass(frozen=True, kw_only=True)
class Attempted:
    """One attempt as the journal has it."""

    attempt: int
    shot: int
    job: str
    index: int
    outcome: Outcome | None
    reason: str
    begun: datetime | None
    ended: datetime | None


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One delivery to the hub: a report (``body``) or a file with its description.

    Attributes:
        rank: smaller goes first: 0 ends of shots, 1 files and results.
        route: path of the hub's endpoint below ``agent/``.
        body: JSON of the report, or of the file's description.
        file: path of the file to upload, empty for a report.
        job: whose results it carries; a report of results follows that job's files.
    """

    rank: int
    route: str
    body: str
    file: str = ""
    job: str = ""


def _patiently(
    write: Callable[Concatenate["Journal", P], R],
) -> Callable[Concatenate["Journal", P], R]:
    """Try a write again while the disk is full: nothing may go on without it."""

    @wraps(write)
    def insist(journal: "Journal", /, *args: P.args, **options: P.kwargs) -> R:
        while True:
            try:
                return write(journal, *args, **options)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                    raise
            logger.error("the journal's disk is full; waiting", what=write.__name__)
            pause(FULL_PAUSE)

    return insist


class Journal:
    """The journal of one agent; its methods may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder_lock = hold_folder(folder)
        self._mutex = threading.RLock()
        self._db = sqlite3.connect(
            folder / "agent.sqlite3", check_same_thread=False, isolation_level=None
        )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        bring_up_to_date(self._db)
        self._folder = folder.resolve()

    def identity(self, host: str) -> str:
        """Return what tells this agent, through its restarts, from any other.

        It is of this journal at this place: a copy of the folder, or the same one on
        another computer, is another agent.
        """
        with self._transaction() as db:
            if not db.execute("SELECT 1 FROM identity").fetchone():
                db.execute("INSERT INTO identity VALUES (?)", (secrets.token_hex(16),))
            (own,) = db.execute("SELECT id FROM identity").fetchone()
        place = f"{own} {host} {self._folder}"
        return hashlib.sha256(place.encode()).hexdigest()[:32]

    def close(self) -> None:
        """Close the file and let another agent have the folder."""
        with self._mutex:
            self._db.close()
            os.close(self._folder_lock)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                # SQLite itself has taken back what found no room.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with self._mutex:
            return self._db.execute(query, values).fetchall()

    @_patiently
    def note_job(self, job: str, folder: Path) -> None:
        """Remember where the files of a job are."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO jobs VALUES (?, ?)", (job, str(folder)))

    def folder_of(self, job: str) -> Path | None:
        """Return the folder of a job, if it was compiled here."""
        rows = self._rows("SELECT folder FROM jobs WHERE job = ?", job)
        return Path(str(rows[0][0])) if rows else None

    def was_started(self, job: str) -> bool:
        """Tell whether any shot of a job was started."""
        rows = self._rows("SELECT 1 FROM attempts WHERE job = ? LIMIT 1", job)
        return bool(rows)

    @_patiently
    def note_ask(self, lease: Lease) -> None:
        """Remember, before START is asked, that it is."""
        with self._transaction() as db:
            row = (lease.fence, lease.shot)
            db.execute("INSERT OR REPLACE INTO asks VALUES (?, ?)", row)

    @_patiently
    def forget_ask(self, fence: int) -> None:
        """START was refused."""
        with self._transaction() as db:
            db.execute("DELETE FROM asks WHERE fence = ?", (fence,))

    @_patiently
    def learn(self, under_way: Iterable[UnderWay]) -> None:
        """Learn what the hub says is under way at the beginning of a session.

        What we asked START for is ours: its answer was lost. All else that we do not
        know was started by another agent, and only its shot is remembered.
        """
        with self._transaction() as db:
            for each in under_way:
                asked = db.execute("SELECT 1 FROM asks WHERE fence = ?", (each.fence,))
                table = "attempts" if asked.fetchone() else "strangers"
                db.execute(
                    f"INSERT OR IGNORE INTO {table} (attempt, shot, job, idx)"  # noqa: S608
                    " VALUES (?, ?, ?, ?)",
                    (each.attempt, each.shot, each.job, each.index),
                )
            db.execute("DELETE FROM asks")

    @_patiently
    def note_granted(self, attempt: int, lease: Lease) -> None:
        """START was granted: the attempt exists at the hub."""
        with self._transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO attempts (attempt, shot, job, idx)"
                " VALUES (?, ?, ?, ?)",
                (attempt, lease.shot, lease.job, lease.index),
            )
            db.execute("DELETE FROM asks WHERE fence = ?", (lease.fence,))

    @_patiently
    def note_ahead(self, grants: Iterable[Granted]) -> None:
        """START was granted ahead: these attempts exist at the hub."""
        with self._transaction() as db:
            db.executemany(
                "INSERT OR IGNORE INTO attempts (attempt, shot, job, idx, ahead)"
                " VALUES (?, ?, ?, ?, 1)",
                [(g.attempt, g.shot, g.job, g.index) for g in grants],
            )

    def ahead(self) -> list[int]:
        """Return the attempts granted ahead whose ends the hub has not confirmed."""
        query = "SELECT attempt FROM attempts WHERE ahead = 1 ORDER BY attempt"
        return [int(str(attempt)) for (attempt,) in self._rows(query)]

    @_patiently
    def note_offered(self, attempt: int) -> None:
        """The attempt is about to be handed to the plugin."""
        with self._transaction() as db:
            db.execute("UPDATE attempts SET offered = 1 WHERE attempt = ?", (attempt,))

    @_patiently
    def note_begun(self, attempt: int, at: datetime) -> None:
        """The plugin reported that the attempt has begun."""
        with self._transaction() as db:
            db.execute(
                "UPDATE attempts SET begun = ?, offered = 1 WHERE attempt = ?",
                (at.isoformat(), attempt),
            )

    @_patiently
    def note_ended(self, attempted: Attempted, report: Parcel) -> bool:
        """Journal an attempt's end with its report; only the first end counts.

        Returns:
            Whether this was the first end.
        """
        outcome = attempted.outcome.value if attempted.outcome else None
        with self._transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO attempts (attempt, shot, job, idx)"
                " SELECT attempt, shot, job, idx FROM strangers WHERE attempt = ?1"
                " UNION ALL SELECT ?1, 0, '', -1 LIMIT 1",
                (attempted.attempt,),
            )
            changed = db.execute(
                "UPDATE attempts SET outcome = ?, reason = ?, ended = ?,"
                " begun = coalesce(?, begun) WHERE attempt = ? AND outcome IS NULL",
                (
                    outcome,
                    attempted.reason,
                    attempted.ended and attempted.ended.isoformat(),
                    attempted.begun and attempted.begun.isoformat(),
                    attempted.attempt,
                ),
            ).rowcount
            if changed:
                _post(db, [report])
        return bool(changed)

    @_patiently
    def note_analysed(self, attempt: int, parcels: Iterable[Parcel]) -> None:
        """The single-shot routines have run; their results are to be delivered."""
        with self._transaction() as db:
            db.execute("UPDATE attempts SET analysed = 1 WHERE attempt = ?", (attempt,))
            _post(db, parcels)

    def attempted(self, attempt: int) -> Attempted | None:
        """Return what is known of an attempt, or None if nothing is."""
        rows = self._rows(f"{_SELECT} WHERE attempt = ?", attempt)
        return _attempted(rows[0]) if rows else None

    def to_analyse(self) -> list[Attempted]:
        """Return the done attempts whose single-shot routines have not run, oldest first."""
        where = "WHERE outcome = 'done' AND analysed = 0 ORDER BY attempt"
        return [_attempted(row) for row in self._rows(f"{_SELECT} {where}")]

    def remembered(self, attempts: Iterable[int]) -> dict[int, Remembered]:
        """Return what the journal says of these attempts; unknown ones are left out."""
        memories = {}
        for attempt in attempts:
            rows = self._rows(
                "SELECT offered, begun, outcome FROM attempts WHERE attempt = ?",
                attempt,
            )
            for offered, begun, outcome in rows:
                memories[attempt] = Remembered(
                    offered=bool(offered),
                    begun=begun is not None,
                    ended=outcome is not None,
                )
        return memories

    @_patiently
    def post(self, parcels: Iterable[Parcel]) -> None:
        """Put deliveries into the outbox."""
        with self._transaction() as db:
            _post(db, parcels)

    @_patiently
    def post_once(self, parcel: Parcel) -> None:
        """Put a delivery into the outbox unless the same one waits there already."""
        with self._transaction() as db:
            waiting = db.execute(
                "SELECT 1 FROM outbox WHERE route = ? AND file = ? AND refused = ''",
                (parcel.route, parcel.file),
            ).fetchone()
            if not waiting:
                _post(db, [parcel])

    def analyses_to_deliver(self) -> list[str]:
        """Return the jobs whose multi-shot results are still to be delivered."""
        rows = self._rows(
            "SELECT job FROM outbox WHERE refused = '' AND route LIKE 'jobs/%/analysed'"
        )
        return [str(job) for (job,) in rows]

    def waiting(self) -> list[tuple[int, Parcel]]:
        """Return the deliveries that wait, in the order in which they are to go."""
        rows = self._rows(
            "SELECT id, rank, route, body, file, job FROM outbox"
            " WHERE refused = '' ORDER BY rank, id LIMIT 1000"
        )
        return [
            (
                int(str(ident)),
                Parcel(
                    rank=int(str(rank)),
                    route=str(route),
                    body=str(body),
                    file=str(file),
                    job=str(job),
                ),
            )
            for ident, rank, route, body, file, job in rows
        ]

    @_patiently
    def delivered(self, parcel: int) -> None:
        """The hub has confirmed this delivery."""
        with self._transaction() as db:
            db.execute(
                "UPDATE attempts SET ahead = 0 WHERE ahead = 1 AND"
                " 'attempts/' || attempt || '/finish' ="
                " (SELECT route FROM outbox WHERE id = ?)",
                (parcel,),
            )
            db.execute("DELETE FROM outbox WHERE id = ?", (parcel,))

    @_patiently
    def refused(self, parcel: int, why: str) -> None:
        """The hub refused this delivery for good: kept for people, not sent again."""
        with self._transaction() as db:
            db.execute("UPDATE outbox SET refused = ? WHERE id = ?", (why, parcel))


_SELECT = "SELECT attempt, shot, job, idx, outcome, reason, begun, ended FROM attempts"


def _attempted(row: tuple[object, ...]) -> Attempted:
    attempt, shot, job, index, outcome, reason, begun, ended = row
    return Attempted(
        attempt=int(str(attempt)),
        shot=int(str(shot)),
        job=str(job),
        index=int(str(index)),
        outcome=Outcome(str(outcome)) if outcome else None,
        reason=str(reason),
        begun=datetime.fromisoformat(str(begun)) if begun else None,
        ended=datetime.fromisoformat(str(ended)) if ended else None,
    )


def _post(db: sqlite3.Connection, parcels: Iterable[Parcel]) -> None:
    db.executemany(
        "INSERT INTO outbox (rank, route, body, file, job) VALUES (?, ?, ?, ?, ?)",
        [(p.rank, p.route, p.body, p.file, p.job) for p in parcels],
    )
