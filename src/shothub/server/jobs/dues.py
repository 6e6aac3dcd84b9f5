"""Which waiting jobs have something due: their time, their deadline, or a job before them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from shothub.domain.bars import Predecessor
from shothub.domain.states import JobState, ShotState
from shothub.server.jobs.models import Job, JobAfter, Shot

# Plain SQL, asked at every poll; literals where SQLite must see that an index fits.
_DUE = """
    SELECT id, apparatus_id FROM jobs_job
    WHERE barred = 'not_before' AND not_before <= %s {here}
    UNION
    SELECT id, apparatus_id FROM jobs_job
    WHERE start_by IS NOT NULL AND started IS NULL AND ended IS NULL
        AND start_by <= %s {here}
    UNION
    SELECT job.id, job.apparatus_id FROM jobs_jobafter link
    JOIN jobs_job earlier ON earlier.id = link.after_id
    JOIN jobs_job job ON job.id = link.job_id
    WHERE NOT link.good AND earlier.ended IS NOT NULL AND job.ended IS NULL {there}
"""
_EVERYWHERE = _DUE.format(here="", there="")
# The plus keeps SQLite from the index of the apparatus, which holds every job there is.
_ON_ONE = _DUE.format(here="AND +apparatus_id = %s", there="AND +job.apparatus_id = %s")


def due_jobs(apparatus: int, now: datetime) -> list[Job]:
    """Return the jobs of an apparatus of which something may have to change now."""
    at = _stored(now)
    found = _ask(_ON_ONE, [at, apparatus, at, apparatus, apparatus])
    if not found:
        return []
    ids = [job for job, _ in found]
    return list(Job.objects.filter(pk__in=ids).defer("compile_log", "analyse_log"))


def apparatus_with_dues(now: datetime) -> list[int]:
    """Return the apparatus that have such jobs."""
    at = _stored(now)
    return sorted({apparatus for _, apparatus in _ask(_EVERYWHERE, [at, at])})


def _ask(sql: str, values: Sequence[Any]) -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _stored(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


def links_left(job: Job) -> list[JobAfter]:
    """Return what a job waits for and has not been told to be good."""
    links = JobAfter.objects.filter(job=job, good=False).select_related("after")
    return list(links.defer("after__compile_log", "after__analyse_log").order_by("id"))


def predecessor(job: Job) -> Predecessor:
    """Return a job as those see it that wait for it."""
    undecided = undecided_shots(job)
    return Predecessor(
        job=job.pk,
        state=JobState(job.state),
        undecided=len(undecided),
        missing=job.shots_failed + job.shots_unknown - len(undecided),
    )


def undecided_shots(job: Job) -> list[int]:
    """Return the indexes of shots of unknown outcome about which nobody has decided."""
    if not job.shots_unknown:
        return []
    shots = Shot.objects.filter(job=job, state=ShotState.UNKNOWN.value, decision="")
    return list(shots.order_by("index").values_list("index", flat=True))


def undecided_on(apparatus: int, *, limit: int = 200) -> list[Shot]:
    """Return such shots of all jobs of an apparatus, the oldest first."""
    shots = Shot.objects.filter(
        state=ShotState.UNKNOWN.value, decision="", job__apparatus=apparatus
    )
    found = shots.select_related("job__owner").defer(
        "job__compile_log", "job__analyse_log"
    )
    return list(found.order_by("ended", "id")[:limit])


def jobs_after(job: Job) -> list[str]:
    """Return the ids of the jobs that a job waits for or has waited for."""
    links = JobAfter.objects.filter(job=job).order_by("id")
    return list(links.values_list("after_id", flat=True))


def all_after(jobs: Sequence[str]) -> dict[str, list[str]]:
    """Return the same of several jobs, by the id of the waiting one."""
    links = JobAfter.objects.filter(job__in=jobs).order_by("id")
    found: dict[str, list[str]] = {}
    for job, earlier in links.values_list("job_id", "after_id"):
        found.setdefault(job, []).append(earlier)
    return found
