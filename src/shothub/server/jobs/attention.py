"""What on an apparatus wants attention at a poll: nothing most of the time, asked cheaply."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

# Plain SQL, asked at every poll: building these by the ORM took two thirds of a poll.
_ANYTHING = """
    SELECT
        EXISTS (
            SELECT 1 FROM jobs_shot shot JOIN jobs_job job ON job.id = shot.job_id
            WHERE shot.state = 'leased' AND shot.lease_expires < %(now)s
                AND job.apparatus_id = %(on)s
        ) OR EXISTS (
            SELECT 1 FROM jobs_job WHERE apparatus_id = %(on)s
                AND state IN ('compiling', 'analysing', 'cancelling')
                AND task_epoch > 0 AND task_expires < %(now)s
        ) OR EXISTS (
            SELECT 1 FROM jobs_job WHERE apparatus_id = %(on)s
                AND state = 'running' AND pending = 0
        ),
        EXISTS (SELECT 1 FROM jobs_job WHERE apparatus_id = %(on)s AND tell_agent),
        EXISTS (
            SELECT 1 FROM jobs_job WHERE apparatus_id = %(on)s
                AND state = 'cancelling' AND abort
        )
"""
_LEASED = """
    SELECT shot.fence FROM jobs_shot shot JOIN jobs_job job ON job.id = shot.job_id
    WHERE shot.state = 'leased' AND shot.lease_epoch = %s AND job.apparatus_id = %s
"""
_TASKS = """
    SELECT id FROM jobs_job WHERE apparatus_id = %s AND task_epoch = %s
        AND state IN ('compiling', 'analysing', 'cancelling')
"""


@dataclass(frozen=True)
class Attention:
    """What wants attention.

    Attributes:
        overdue: something was held too long, or results are missing.
        cancelled: the agent has yet to hear of a cancellation.
        aborting: an attempt is to be aborted.
    """

    overdue: bool
    cancelled: bool
    aborting: bool


def attention(apparatus: int, now: datetime) -> Attention:
    """Return what on an apparatus wants attention now."""
    at = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(_ANYTHING, {"now": at, "on": apparatus})
        return Attention(*map(bool, cursor.fetchone()))


def leased_fences(apparatus: int, epoch: int) -> set[int]:
    """Return the fences of the leases that a session has."""
    return {int(fence) for (fence,) in _rows(_LEASED, [epoch, apparatus])}


def tasks_in_hand(apparatus: int, epoch: int) -> set[str]:
    """Return the jobs of which a session has the compile or analyse task."""
    return {str(job) for (job,) in _rows(_TASKS, [apparatus, epoch])}


def _rows(sql: str, values: list[int]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
