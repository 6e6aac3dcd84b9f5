"""Reads shots and attempts with their jobs in plain SQL: asked for each shot that runs."""

from collections.abc import Sequence
from typing import Any

from shothub.server.jobs.models import Attempt, Job, Shot
from shothub.server.rows import ask, columns

_LAST = 2**63 - 1
_LONG = ("compile_log", "analyse_log")


def job_by_id(pk: str) -> Job:
    """Return a job without its logs.

    Raises:
        Job.DoesNotExist: there is none.
    """
    job = columns(Job, "job", *_LONG)
    sql = f"SELECT {job.sql} FROM jobs_job job WHERE job.id = %s"  # noqa: S608
    for row in ask(sql, [pk]):
        return job.object(row)
    raise Job.DoesNotExist(pk)


def shots_in_state(job: Job, state: str, most: int) -> list[Shot]:
    """Return the first shots of a job in a state, by index."""
    shot = columns(Shot, "shot")
    sql = (
        f"SELECT {shot.sql} FROM jobs_shot shot"  # noqa: S608
        ' WHERE shot.job_id = %s AND shot.state = %s ORDER BY shot."index" LIMIT %s'
    )
    found = [shot.object(row) for row in ask(sql, [job.pk, state, most])]
    for each in found:
        each.job = job
    return found


def shot_on(apparatus: int, pk: int) -> Shot | None:
    """Return a shot of an apparatus with its job."""
    if pk > _LAST:
        return None
    shot, job = columns(Shot, "shot"), columns(Job, "job", *_LONG)
    sql = (
        f"SELECT {shot.sql}, {job.sql} FROM jobs_shot shot"  # noqa: S608
        " JOIN jobs_job job ON job.id = shot.job_id"
        " WHERE shot.id = %s AND job.apparatus_id = %s"
    )
    return next((_shot(row) for row in ask(sql, [pk, apparatus])), None)


def _shot(row: Sequence[Any]) -> Shot:
    shot, job = columns(Shot, "shot"), columns(Job, "job", *_LONG)
    found = shot.object(row[: len(shot)])
    found.job = job.object(row[len(shot) :])
    return found


def attempt_on(apparatus: int, pk: int) -> Attempt | None:
    """Return an attempt on an apparatus with its shot and its job."""
    if pk > _LAST:
        return None
    attempt, shot = columns(Attempt, "attempt"), columns(Shot, "shot")
    job = columns(Job, "job", *_LONG)
    sql = (
        f"SELECT {attempt.sql}, {shot.sql}, {job.sql} FROM jobs_attempt attempt"  # noqa: S608
        " JOIN jobs_shot shot ON shot.id = attempt.shot_id"
        " JOIN jobs_job job ON job.id = shot.job_id"
        " WHERE attempt.id = %s AND job.apparatus_id = %s"
    )
    for row in ask(sql, [pk, apparatus]):
        found = attempt.object(row[: len(attempt)])
        found.shot = _shot(row[len(attempt) :])
        return found
    return None


def open_attempt_of(shot: Shot, *, fence: int, epoch: int) -> Attempt | None:
    """Return the attempt that this lease was given and that has not ended, if any."""
    attempt = columns(Attempt, "attempt")
    sql = (
        f"SELECT {attempt.sql} FROM jobs_attempt attempt"  # noqa: S608
        " WHERE attempt.shot_id = %s AND attempt.fence = %s AND attempt.epoch = %s"
        " AND attempt.outcome = '' AND NOT attempt.ahead"
    )
    rows = ask(sql, [shot.pk, fence, epoch]) if fence <= _LAST else []
    return next((attempt.object(row) for row in rows), None)
