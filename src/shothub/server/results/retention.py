"""Deleting old results: their owner is told before, may keep them, and the job stays."""

import shutil
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum

from shothub.domain.acts import Act
from shothub.domain.retention import Policy, end_of_results, policy_of
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.services import lock_apparatus
from shothub.server.audit.services import Account
from shothub.server.audit.services import record as put_on_record
from shothub.server.jobs.models import Job
from shothub.server.jobs.queries import find_own_job
from shothub.server.jobs.transitions import Note, record, touch
from shothub.server.outbox.services import tell
from shothub.server.refusals import Conflict
from shothub.server.results.models import File, RoutineRun
from shothub.server.results.queries import folder_of_files

log = structlog.get_logger()
_AT_ONCE = 500  # jobs of which owners are told in one go
_DELETED_AT_ONCE = 50  # jobs: other chores wait meanwhile
_LISTED = 30
_LEFT_OVER = timedelta(days=2)
_ADVICE = (
    "To keep the results of a job, open its page and choose “Keep the results”, or run"
    " `shothub keep JOB`. `shothub files JOB --download DIR` fetches its files. The jobs"
    " themselves, their globals and their events stay."
)


def keep(principal: Principal, job: str, *, keep: bool, now: datetime) -> Job:
    """Keep the results of one's job however old they are, or no longer. Idempotent.

    Raises:
        NoSuchJob: it is not there.
        NotYours: it is another's, who shares it to be read.
        Conflict: its results were deleted already.
    """
    found = find_own_job(principal, job)
    with transaction.atomic():
        lock_apparatus(found.apparatus_id)
        found = find_own_job(principal, job)
        if found.results_deleted is not None:
            raise Conflict(
                f"Its results were deleted on {found.results_deleted:%Y-%m-%d}.",
                code="results_deleted",
            )
        if found.kept != keep:
            touch(found, {"kept": keep, "results_end": None})
            note = Note(now=now, actor=principal.username)
            record("results.kept" if keep else "results.not_kept", note, job=found)
    return find_own_job(principal, job)


def tend(now: datetime) -> None:
    """Tell owners whose results will be deleted, and delete those whose time is over."""
    config = settings.SHOTHUB
    policy = policy_of(config.keep_results_days, config.warn_results_days)
    _take_back(policy, now)
    if policy is not None:
        _warn_all(policy, now)
        _delete_due(policy, now)
    _clear_away(now)


def _take_back(policy: Policy | None, now: datetime) -> None:
    """Forget announced ends that no longer hold, and deletions that results outlived."""
    foreseen = Job.objects.filter(results_end__isnull=False, results_deleted=None)
    if policy is not None:
        young = Q(ended__gt=policy.told_from(now)) | Q(ended=None) | Q(kept=True)
        foreseen = foreseen.filter(young)
    _change(foreseen, results_end=None)
    later = File.objects.filter(job=OuterRef("pk"), at__gt=OuterRef("results_deleted"))
    again = Job.objects.filter(Exists(later), results_deleted__isnull=False)
    _change(again, results_end=None, results_deleted=None)


def _change(jobs: QuerySet[Job], **changes: None) -> None:
    """Change jobs that are looked for first: a search keeps no writer waiting."""
    for pk in jobs.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]:
        jobs.filter(pk=pk).update(rev=F("rev") + 1, **changes)


def _with_results() -> QuerySet[Job]:
    """Return the jobs whose results may be deleted some day, and that have some.

    Whoever is suspended can neither be told nor keep anything: his wait.
    """
    files = File.objects.filter(job=OuterRef("pk"))
    runs = RoutineRun.objects.filter(job=OuterRef("pk"))
    jobs = Job.objects.filter(kept=False, results_deleted=None, ended__isnull=False)
    told = jobs.exclude(owner__state="suspended")
    return told.filter(Exists(files) | Exists(runs))


def _warn_all(policy: Policy, now: datetime) -> None:
    old = _with_results().filter(results_end=None, ended__lte=policy.told_from(now))
    by_owner: defaultdict[int, list[Job]] = defaultdict(list)
    columns = ("id", "owner_id", "name", "source", "ended")
    for job in old.only(*columns).order_by("ended", "id")[:_AT_ONCE]:
        by_owner[job.owner_id].append(job)
    for owner, jobs in by_owner.items():
        _warn(owner, jobs, policy, now)


def _warn(owner: int, jobs: Sequence[Job], policy: Policy, now: datetime) -> None:
    with transaction.atomic():
        ends: dict[str, datetime] = {}
        for job in jobs:
            if job.ended is None:
                continue
            end = end_of_results(policy, job.ended, now)
            waiting = Job.objects.filter(pk=job.pk, results_end=None, kept=False)
            if waiting.update(results_end=end, rev=F("rev") + 1):
                ends[job.pk] = end
        told = [job for job in jobs if job.pk in ends]
        if told:
            _tell(owner, told, min(ends.values()), now)


def _tell(owner: int, jobs: Sequence[Job], end: datetime, now: datetime) -> None:
    lines = [f"{job.pk}  {job.name or job.source}" for job in jobs[:_LISTED]]
    if len(jobs) > _LISTED:
        lines.append(f"… and {len(jobs) - _LISTED} more")
    number = f"{len(jobs)} job{'s' if len(jobs) > 1 else ''}"
    tell(
        owner,
        "results_end",
        f"Results of {number} will be deleted from {end:%Y-%m-%d} on",
        "\n".join([*lines, "", _ADVICE]),
        now=now,
        data={"jobs": [job.pk for job in jobs], "path": "/privacy#results"},
    )


def _delete_due(policy: Policy, now: datetime) -> None:
    over = Q(results_end__lte=now, ended__lte=policy.over_from(now))
    due = _with_results().filter(over).order_by("results_end")
    for job in due.select_related("owner")[:_DELETED_AT_ONCE]:
        if _delete(job, over, now):
            _remove_folder(job.pk)


def _delete(job: Job, over: Q, now: datetime) -> bool:
    """Delete what the database knows of a job's results, unless they were kept since."""
    with transaction.atomic():
        lock_apparatus(job.apparatus_id)
        still = Job.objects.filter(over, pk=job.pk, kept=False, results_deleted=None)
        if not still.update(results_deleted=now):
            return False
        files = File.objects.filter(job=job)
        size = files.order_by().aggregate(n=Sum("size"))["n"] or 0
        number = files.count()
        files.delete()
        RoutineRun.objects.filter(job=job).delete()
        detail = f"{number} files, {size} bytes"
        record("results.deleted", Note(now=now, actor="hub", detail=detail), job=job)
        put_on_record(
            Act.RESULTS_DELETED,
            now=now,
            subject=Account(job.owner_id, job.owner.username),
            on=f"job {job.pk}",
            detail={"files": number, "bytes": size},
        )
        touch(job)
    return True


def _clear_away(now: datetime) -> None:
    """Remove folders that a process left which died between the rows and the files."""
    lately = Job.objects.filter(results_deleted__gte=now - _LEFT_OVER)
    empty = lately.filter(~Exists(File.objects.filter(job=OuterRef("pk"))))
    for pk in empty.values_list("pk", flat=True):
        _remove_folder(pk)


def _remove_folder(job: str) -> None:
    folder = folder_of_files() / job
    if not folder.is_dir():
        return
    try:
        shutil.rmtree(folder)
    except OSError:
        # Tried again with the next round.
        log.exception("files of deleted results are left", job=job)


def ending(principal: Principal) -> list[Job]:
    """Return the user's jobs whose results are to be deleted, the first first."""
    mine = Job.objects.filter(owner_id=principal.user, results_deleted=None)
    soon = mine.filter(results_end__isnull=False, kept=False)
    return list(soon.order_by("results_end", "id")[:200])
