"""Submission: checked requests become jobs, all of a list or none."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db import transaction

from shothub.domain.faults import Fault
from shothub.domain.names import ID_ALPHABET
from shothub.domain.states import JobState
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.queries import known_apparatus
from shothub.server.jobs.checks import Checked, check
from shothub.server.jobs.models import Job, JobSource, Submission
from shothub.server.jobs.queries import backlog_of, job_view, owned_jobs
from shothub.server.jobs.transitions import Note, record_submitted, wake
from shothub.server.refusals import Forbidden, Invalid, Refused, TooMany
from shothub.server.rows import insert, insert_if_new
from shothub.wire.jobs import DryRun, JobRequestBase, JobView, ScriptRequest
from shothub.wire.problems import FaultModel

_ID_LENGTH = 12


@dataclass(frozen=True, kw_only=True)
class IdempotencyKey:
    """The Idempotency-Key of a submission, and the digest of the body it came with."""

    key: str
    digest: str


@dataclass(frozen=True)
class _Ready:
    request: JobRequestBase
    apparatus: Apparatus
    checked: Checked


def new_job_id() -> str:
    """Return a job id: random, so that nobody can guess another's."""
    number, letters = secrets.randbelow(len(ID_ALPHABET) ** _ID_LENGTH), ""
    for _ in range(_ID_LENGTH):
        number, place = divmod(number, len(ID_ALPHABET))
        letters += ID_ALPHABET[place]
    return letters


def submit(
    principal: Principal,
    requests: Sequence[JobRequestBase],
    *,
    idempotency: IdempotencyKey | None,
    now: datetime,
    is_list: bool = True,
) -> list[JobView]:
    """Store the jobs, or answer again what this idempotency key was answered.

    Raises:
        Refused: one of them is wrong or too much; then none is stored.
    """
    try:
        ready = _check_all(principal, requests, is_list=is_list)
    except Refused:
        # What was taken once stays taken, even if it would be refused by now.
        earlier = _answered(principal, idempotency)
        if earlier is None:
            raise
        return earlier
    jobs = [_new_job(principal, item, now) for item in ready]
    with transaction.atomic():
        is_new = idempotency is None or _claim(principal, idempotency, jobs, now)
        earlier = None if is_new else _answered(principal, idempotency)
        if earlier is None:
            _check_backlog(principal, ready)
            _store(principal, ready, jobs, now)
    return earlier or [job_view(job, owner=principal.key) for job in jobs]


def dry_run(principal: Principal, request: JobRequestBase) -> DryRun:
    """Return what a submission would do, without storing anything.

    Raises:
        Forbidden: the user may not submit this kind of job there.
    """
    try:
        ready = _ready(principal, request, known_apparatus([request.apparatus]))
    except Invalid as error:
        faults = [FaultModel(**vars(fault)) for fault in error.faults]
        return DryRun(shots=None, faults=faults)
    unknown = ready.checked.shots is None
    hint = ["The number of shots is known after the script was compiled."]
    return DryRun(shots=ready.checked.shots, warnings=hint if unknown else [])


def _answered(
    principal: Principal, idempotency: IdempotencyKey | None
) -> list[JobView] | None:
    if idempotency is None:
        return None
    sql = "SELECT * FROM jobs_submission WHERE owner_id = %s AND key = %s"
    known = Submission.objects.raw(sql, [principal.user, idempotency.key])
    earlier = next(iter(known), None)
    if earlier is None:
        return None
    if earlier.digest != idempotency.digest:
        raise Invalid(
            "This Idempotency-Key was used with another body.",
            code="idempotency_mismatch",
            where="header.Idempotency-Key",
            hint="take a new key for a new submission",
        )
    return owned_jobs(principal, earlier.jobs)


def _check_all(
    principal: Principal, requests: Sequence[JobRequestBase], *, is_list: bool
) -> list[_Ready]:
    if not 1 <= len(requests) <= settings.SHOTHUB.max_batch:
        raise Invalid(
            f"A list takes 1 to {settings.SHOTHUB.max_batch} jobs, not {len(requests)}.",
            code="bad_batch",
            where="body",
        )
    ready, faults = [], []
    machines = known_apparatus({request.apparatus for request in requests})
    for number, request in enumerate(requests):
        place = f"body.{number}" if is_list else "body"
        try:
            ready.append(_ready(principal, request, machines))
        except Invalid as error:
            faults += [_at(place, fault) for fault in error.faults]
        except Forbidden as error:
            raise Forbidden(faults=[_at(place, f) for f in error.faults]) from None
    if faults:
        raise Invalid(faults=faults)
    return ready


def _at(place: str, fault: Fault) -> Fault:
    inner = fault.where.removeprefix("body").lstrip(".")
    return replace(fault, where=f"{place}.{inner}" if inner else place)


def _ready(
    principal: Principal, request: JobRequestBase, machines: Mapping[str, Apparatus]
) -> _Ready:
    apparatus = machines.get(request.apparatus)
    if apparatus is None:
        raise Invalid(
            f"There is no apparatus named {request.apparatus!r}.",
            code="unknown_apparatus",
            where="apparatus",
        )
    checked = check(request, apparatus, principal)
    if checked.faults:
        raise Invalid(faults=checked.faults)
    return _Ready(request, apparatus, checked)


def _check_backlog(principal: Principal, ready: Sequence[_Ready]) -> None:
    jobs, shots = backlog_of(principal.user)
    new = sum(item.checked.shots or 1 for item in ready)
    for what, have, more, limit in (
        ("jobs", jobs, len(ready), settings.SHOTHUB.max_pending_jobs),
        ("shots", shots, new, settings.SHOTHUB.max_pending_shots),
    ):
        if have + more > limit:
            raise TooMany(
                f"You have {have} waiting {what} and ask for {more} more;"
                f" {limit} are allowed.",
                code=f"too_many_pending_{what}",
                hint="wait for some of them, or cancel some",
                retry_after=60,
            )


def _claim(
    principal: Principal,
    idempotency: IdempotencyKey,
    jobs: Sequence[Job],
    now: datetime,
) -> bool:
    """Enter the answer of this key; tell whether the key is new."""
    return insert_if_new(
        Submission(
            owner_id=principal.user,
            key=idempotency.key,
            digest=idempotency.digest,
            jobs=[job.pk for job in jobs],
            at=now,
        )
    )


def _store(
    principal: Principal, ready: Sequence[_Ready], jobs: Sequence[Job], now: datetime
) -> None:
    insert(jobs)
    given = [_source_of(j, item.request) for j, item in zip(jobs, ready, strict=True)]
    insert([source for source in given if source])
    record_submitted(jobs, Note(now=now, actor=principal.username))
    wake(*{f"apparatus:{job.apparatus_id}" for job in jobs})


def _new_job(principal: Principal, item: _Ready, now: datetime) -> Job:
    request, checked = item.request, item.checked
    return Job(
        id=new_job_id(),
        owner_id=principal.user,
        apparatus=item.apparatus,
        kind="script" if isinstance(request, ScriptRequest) else "procedure",
        source=checked.source,
        procedure_sha256=checked.procedure_sha256,
        name=request.name,
        tags=request.tags,
        priority=request.priority,
        globals=checked.values,
        pending=checked.shots or 1,
        state=JobState.SUBMITTED.value,
        submitted=now,
    )


def _source_of(job: Job, request: JobRequestBase) -> JobSource | None:
    script = request.script if isinstance(request, ScriptRequest) else None
    file = request.globals_file if isinstance(request, ScriptRequest) else None
    if not (script or file or request.routines):
        return None
    return JobSource(
        job=job,
        script=script.model_dump() if script else None,
        globals_name=file.name if file else "",
        globals_content=file.content if file else b"",
        routines=[routine.model_dump() for routine in request.routines],
    )
