"""Submission: checked requests become jobs, all of a list or none."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from shothub.domain.names import ID_ALPHABET
from shothub.domain.quotas import WINDOWS, Bound, first_exceeded, refusal_of
from shothub.domain.states import JobState
from shothub.server.accounts.group_queries import Member, memberships_of
from shothub.server.accounts.models import Group
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.services import lock_user
from shothub.server.apparatus.services import lock_several
from shothub.server.jobs.allowances import (
    StoredBytes,
    bounds_of,
    meters_of,
    typical_seconds,
)
from shothub.server.jobs.models import Job, JobAfter, JobSource, Submission
from shothub.server.jobs.queries import job_view, owned_jobs
from shothub.server.jobs.readiness import Ready, make_all_ready
from shothub.server.jobs.terms import Asker
from shothub.server.jobs.transitions import Note, record_submitted, wake
from shothub.server.refusals import Invalid, Refused, TooMany
from shothub.server.rows import insert, insert_if_new
from shothub.wire.jobs import JobRequestBase, JobView, ScriptRequest

_ID_LENGTH = 12
_KEPT = timedelta(hours=24)
_AT_ONCE = 500  # rows removed in one transaction, so that nobody waits for it


@dataclass(frozen=True, kw_only=True)
class IdempotencyKey:
    """The Idempotency-Key of a submission, and the digest of the body it came with."""

    key: str
    digest: str


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
    stored: StoredBytes,
    now: datetime,
    is_list: bool = True,
) -> list[JobView]:
    """Store the jobs, or answer again what this idempotency key was answered.

    Of two submissions with one key at the same time the second waits for the first and
    gives its answer.

    Args:
        principal: who submits.
        requests: what.
        idempotency: the key of the submission, if it has one.
        stored: tells how many bytes of files somebody has.
        now: the present time.
        is_list: whether faults are to name a place in a list.

    Raises:
        Refused: one of them is wrong or too much; then none is stored.
    """
    groups = memberships_of(principal.user)
    asker = Asker(principal=principal, groups=groups, now=now)
    try:
        ready = make_all_ready(requests, asker, is_list=is_list)
    except Refused:
        # What was taken once stays taken, even if it would be refused by now.
        earlier = _answered(principal, idempotency)
        if earlier is None:
            raise
        return earlier
    bounds = bounds_of(principal.user, groups)
    with transaction.atomic():
        if _lock_turns(ready):  # a session may have opened or ended since
            ready = make_all_ready(requests, asker, is_list=is_list)
        jobs = [_new_job(principal, item, names_of(groups), now) for item in ready]
        is_new = idempotency is None or _claim(principal, idempotency, jobs, now)
        earlier = None if is_new else _answered(principal, idempotency)
        if earlier is None:
            _lock_takers(principal, bounds)
            _require_room(asker, bounds, ready, stored)
            _estimate(ready, jobs, bounds)
            _store(principal, ready, jobs, now)
    return earlier or _views(principal, ready, jobs)


def _views(
    principal: Principal, ready: Sequence[Ready], jobs: Sequence[Job]
) -> list[JobView]:
    return [
        job_view(job, owner=principal.key, after=_ids_after(item, jobs))
        for job, item in zip(jobs, ready, strict=True)
    ]


def _ids_after(item: Ready, jobs: Sequence[Job]) -> list[str]:
    return [jobs[place].pk for place in item.terms.after_listed] + [*item.terms.after]


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


def _lock_turns(ready: Sequence[Ready]) -> bool:
    """Keep sessions that are named as they are; tell whether any is.

    Other jobs need no lock of the apparatus: a new row contradicts nobody.
    """
    apparatus = {item.apparatus.pk for item in ready if item.terms.session}
    return bool(apparatus and lock_several(apparatus))


def _lock_takers(principal: Principal, bounds: Sequence[Bound]) -> None:
    """Let one submission of a user at a time count what he has, and then add to it."""
    lock_user(principal.user)
    if not connection.features.has_select_for_update:
        return  # the transaction is the only writer
    groups = sorted({bound.group for bound in bounds if bound.group is not None})
    if groups:
        rows = Group.objects.select_for_update(no_key=True).filter(pk__in=groups)
        list(rows.order_by("pk").values_list("pk"))


def _require_room(
    asker: Asker, bounds: Sequence[Bound], ready: Sequence[Ready], stored: StoredBytes
) -> None:
    """Refuse what exceeds a quota.

    Raises:
        TooMany: which, by how much, and when to come back.
    """
    meters = meters_of(
        asker.principal.user,
        bounds,
        [item.wish for item in ready],
        names=names_of(asker.groups),
        stored=stored,
        now=asker.now,
    )
    exceeded = first_exceeded(meters)
    if exceeded:
        refusal = refusal_of(exceeded, asker.now)
        fault = refusal.fault
        raise TooMany(
            fault.detail,
            code=fault.code,
            hint=fault.hint,
            retry_after=refusal.retry_after,
        )


def names_of(groups: Sequence[Member]) -> dict[int, str]:
    """Return the names of groups by key."""
    return {member.group: member.name for member in groups}


def _estimate(
    ready: Sequence[Ready], jobs: Sequence[Job], bounds: Sequence[Bound]
) -> None:
    """Let what waits count against machine time before it is compiled, where that is bounded."""
    if any(bound.what in WINDOWS for bound in bounds):
        for job, item in zip(jobs, ready, strict=True):
            job.shot_seconds = typical_seconds(item.apparatus.name, job.source)


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
    principal: Principal, ready: Sequence[Ready], jobs: Sequence[Job], now: datetime
) -> None:
    insert(jobs)
    given = [_source_of(j, item.request) for j, item in zip(jobs, ready, strict=True)]
    insert([source for source in given if source])
    links = [_links_of(j, item, jobs) for j, item in zip(jobs, ready, strict=True)]
    insert([link for some in links for link in some])
    record_submitted(jobs, Note(now=now, actor=principal.username))
    wake(*{f"apparatus:{job.apparatus_id}" for job in jobs})


def _new_job(
    principal: Principal, item: Ready, groups: Mapping[int, str], now: datetime
) -> Job:
    request, checked, terms = item.request, item.checked, item.terms
    job = Job(
        id=new_job_id(),
        owner_id=principal.user,
        apparatus=item.apparatus,
        kind="script" if isinstance(request, ScriptRequest) else "procedure",
        source=checked.source,
        procedure_sha256=checked.procedure_sha256,
        rerun_safe=checked.rerun_safe,
        name=request.name,
        tags=request.tags,
        priority=request.priority,
        globals=checked.values,
        pending=checked.shots or 1,
        group_id=terms.group,
        service=request.service,
        session=terms.session,
        held=request.hold,
        not_before=request.not_before,
        start_by=request.start_by,
        after_left=terms.after_left,
        barred=terms.barred,
        state=JobState.SUBMITTED.value,
        submitted=now,
    )
    if terms.group is not None and terms.group in groups:
        job.group = Group(
            pk=terms.group, name=groups[terms.group]
        )  # not asked for again
    return job


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


def _links_of(job: Job, item: Ready, jobs: Sequence[Job]) -> list[JobAfter]:
    terms = item.terms
    earlier = [JobAfter(job=job, after=jobs[place]) for place in terms.after_listed]
    named = terms.after.items()
    return earlier + [JobAfter(job=job, after_id=pk, good=good) for pk, good in named]


def forget_submissions(now: datetime) -> None:
    """Forget the answers of keys that are older than a day."""
    while True:
        old = Submission.objects.filter(at__lt=now - _KEPT).values_list("pk", flat=True)
        some = list(old[:_AT_ONCE])
        Submission.objects.filter(pk__in=some).delete()
        if len(some) < _AT_ONCE:
            return
