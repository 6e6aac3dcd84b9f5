"""What agents hand in: what routines saved, and files."""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.db import transaction

from shothub.domain.names import is_file_name
from shothub.domain.states import JobState
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.services import lock_apparatus as lock_row
from shothub.server.jobs.models import Job
from shothub.server.jobs.queries import find_job
from shothub.server.jobs.services.agents import ACTOR, lock_apparatus, require_epoch
from shothub.server.jobs.services.shots import (
    attempt_of,
    end_job,
    is_late,
    results_arrived,
)
from shothub.server.jobs.transitions import Note, record, touch
from shothub.server.refusals import Conflict, Invalid, TooLarge
from shothub.server.results.models import File, RoutineRun
from shothub.server.results.queries import file_view, folder_of_files
from shothub.wire.agents import (
    Accepted,
    JobAnalysed,
    RoutineResult,
    ShotAnalysed,
    Undelivered,
)
from shothub.wire.jobs import FileKind, FileView

UNDELIVERED = "file.undelivered"
_TEXT_LIMIT = 100_000
_CHUNK = 1 << 20


class DigestMismatch(Invalid):
    """The content that arrived is not the content that was announced."""

    code = "digest_mismatch"


def store_analysis(
    principal: Principal, attempt: int, report: ShotAnalysed, *, now: datetime
) -> Accepted:
    """Store the single-shot results of an attempt, from whatever session. Idempotent.

    Those of an attempt that is not the shot's newest are kept beside the others, under
    names that end in ``~`` and the attempt's number.

    Raises:
        NoSuchShot: the apparatus has no such attempt.
    """
    with transaction.atomic():
        apparatus = lock_apparatus(principal)
        found = attempt_of(apparatus, attempt)
        late = is_late(found, apparatus, report.epoch)
        shot = found.shot
        note = Note(
            now=now, actor=ACTOR, epoch=report.epoch, fence=found.fence, late=late
        )
        if found.number == shot.attempts:
            _store_runs(shot.job, shot.index, report.routines, now)
            results_arrived(found, note)
        else:
            mark = f"~{found.number}"
            _store_runs(shot.job, shot.index, report.routines, now, mark=mark)
            said = replace(note, detail=f"results of attempt {found.number}")
            record("shot.evidence", said, job=shot.job, shot=shot.index)
            touch(shot.job)
    return Accepted(late=late)


def store_job_analysis(
    principal: Principal, job: str, report: JobAnalysed, *, now: datetime
) -> Accepted:
    """Store the multi-shot results of a job and end it, from any session. Idempotent.

    Raises:
        Fenced: a later session has the job in hand, and its results are awaited.
        Conflict: the job is not being analysed.
    """
    with transaction.atomic():
        apparatus = lock_apparatus(principal)
        found = find_job(principal, job)
        late = report.epoch != apparatus.epoch
        note = Note(now=now, actor=ACTOR, epoch=report.epoch, late=late)
        if found.state == JobState.ANALYSING:
            if found.task_epoch not in {0, report.epoch}:
                require_epoch(apparatus, report.epoch)
            _store_runs(found, None, report.routines, now)
            end_job(found, log=report.log, note=note)
        elif found.state not in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}:
            raise Conflict(
                f"Job {found.pk} is {found.state}, not analysing.", code="not_analysing"
            )
    return Accepted(late=late)


def _store_runs(
    job: Job,
    shot: int | None,
    routines: Sequence[RoutineResult],
    now: datetime,
    *,
    mark: str = "",
) -> None:
    """Store what routines saved in place of what they saved before.

    Args:
        job: the job.
        shot: index of the shot, None for the job as a whole.
        routines: what they saved.
        now: the present time.
        mark: end of the names under which it is kept apart from the rest.
    """
    known = RoutineRun.objects.filter(job=job, shot=shot)
    if mark:
        known.filter(routine__endswith=mark).delete()
    else:
        known.exclude(routine__contains="~").delete()
    RoutineRun.objects.bulk_create(
        RoutineRun(
            job=job,
            shot=shot,
            position=position,
            routine=result.routine[: 100 - len(mark)] + mark,
            state="failed" if result.failed else "done",
            values=result.values,
            reason=result.failed[:2000],
            log=f"{result.traceback}\n{result.log}".strip()[:_TEXT_LIMIT],
            at=now,
        )
        for position, result in enumerate(routines)
    )


def note_undelivered(
    principal: Principal, job: str, report: Undelivered, *, now: datetime
) -> Accepted:
    """Let the owner of a job read that something of it was not taken. Idempotent."""
    with transaction.atomic():
        apparatus = lock_apparatus(principal)
        found = find_job(principal, job)
        detail = f"{report.name} stays at the apparatus: {report.reason}"
        note = Note(now=now, actor=ACTOR, epoch=apparatus.epoch, detail=detail)
        known = found.events.filter(what=UNDELIVERED, detail=detail, shot=report.shot)
        if not known.exists():
            record(UNDELIVERED, note, job=found, shot=report.shot)
            touch(found)
    return Accepted()


@dataclass(frozen=True, kw_only=True)
class Upload:
    """What an agent says of a file that it uploads."""

    name: str
    kind: FileKind
    label: str = ""
    shot: int | None = None
    media_type: str = "application/octet-stream"
    sha256: str


def store_file(
    principal: Principal,
    job: str,
    upload: Upload,
    chunks: Iterable[bytes],
    *,
    now: datetime,
) -> FileView:
    """Store a file of a job: written apart, synced, then renamed. Idempotent.

    The same name with the same content again is accepted; with other content both are
    kept, the second under a name of its own, and the contradiction is reported.

    Raises:
        NoSuchJob: the job is not on the agent's apparatus.
        Invalid: the name is not one, or the content is not the one announced.
        TooLarge: it is larger than the hub takes.
        Conflict: there is another file of this name; this one is kept as ``…~2``.
    """
    found = find_job(principal, job)
    _check_name(upload.name)
    folder = folder_of_files() / found.pk
    folder.mkdir(parents=True, exist_ok=True)
    written = _receive(folder, chunks)
    try:
        if written.sha256 != upload.sha256:
            raise DigestMismatch(
                "The content does not have the announced digest.",
                where="header.X-Content-SHA256",
                hint="send it again",
            )
        stored, same = _register(found, upload, written, now)
    finally:
        written.path.unlink(missing_ok=True)
    if not same:
        raise Conflict(
            f"There is another file {upload.name!r}; this one is {stored.name!r}.",
            code="conflict",
            where="name",
        )
    return file_view(stored)


@dataclass(frozen=True)
class _Written:
    path: Path
    size: int
    sha256: str


def _check_name(name: str) -> None:
    parts = name.split("/")
    if len(parts) > 4 or not all(is_file_name(part) for part in parts):
        raise Invalid(
            f"{name[:100]!r} cannot name a file.",
            code="bad_name",
            where="name",
            hint="up to four plain names, separated by /",
        )


def _receive(folder: Path, chunks: Iterable[bytes]) -> _Written:
    """Write the content into a new file of the folder and sync it."""
    digest, size = hashlib.sha256(), 0
    limit = settings.SHOTHUB.max_upload_bytes
    handle, name = tempfile.mkstemp(prefix=".incoming-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise TooLarge(f"A file may have {limit} bytes.")
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink()
        raise
    return _Written(Path(name), size, digest.hexdigest())


def _register(
    job: Job, upload: Upload, written: _Written, now: datetime
) -> tuple[File, bool]:
    """Enter the file, and tell whether its name was free or its content the same."""
    base, number = PurePosixPath(upload.name), 1
    path = f"{job.pk}/{written.sha256}{base.suffix[:10]}"
    _keep(written.path, folder_of_files() / path)
    with transaction.atomic():
        lock_row(job.apparatus_id)
        name = upload.name
        while earlier := File.objects.filter(job=job, name=name).first():
            if earlier.sha256 == written.sha256:
                return earlier, number == 1
            number += 1
            name = str(base.with_name(f"{base.stem}~{number}{base.suffix}"))
        row = File.objects.create(
            job=job,
            name=name,
            kind=upload.kind,
            label=upload.label,
            shot=upload.shot,
            size=written.size,
            sha256=written.sha256,
            media_type=upload.media_type[:100],
            path=path,
            at=now,
        )
        note = Note(now=now, actor=ACTOR, detail=f"{upload.name} kept as {name}")
        if number > 1:
            record("file.conflict", note, job=job, shot=upload.shot)
        touch(job)
        return row, number == 1


def _keep(incoming: Path, final: Path) -> None:
    """Give the content its place: named by its digest, so that twice does no harm."""
    incoming.replace(final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
