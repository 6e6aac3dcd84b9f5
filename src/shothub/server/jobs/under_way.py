"""Which shots agents have leased or started on an apparatus, and how long they will take."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from shothub.domain.queue import Key, Service
from shothub.domain.states import ShotState
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.models import Job, Shot

GUESS = 10.0
"""Seconds of a shot whose duration is not known."""

# The few such shots first, then their jobs: a planner without figures may do otherwise.
_UNDER_WAY = """
    SELECT shot.id, shot."index", shot.state, shot.service, shot.duration, shot.fence,
        shot.started, shot.job_id, job.owner_id AS owner, job.group_id AS whose,
        job.config AS config, job.session AS session, job.shot_seconds AS mean,
        job.submitted AS submitted
    FROM jobs_shot shot CROSS JOIN jobs_job job
    WHERE shot.state IN ('leased', 'started') AND job.id = shot.job_id
        AND job.apparatus_id = %s
    ORDER BY shot.fence
"""
_LEASED = """
    SELECT shot.id FROM jobs_shot shot CROSS JOIN jobs_job job
    WHERE shot.state IN ('leased', 'started') AND shot.state = 'leased'
        AND job.id = shot.job_id AND job.apparatus_id = %s
"""
_LAPSED = f"""
    SELECT EXISTS ({_LEASED} AND shot.lease_expires < %s) OR EXISTS (
        SELECT 1 FROM jobs_job
        WHERE apparatus_id = %s AND state IN ('compiling', 'analysing', 'cancelling')
            AND task_epoch <> 0 AND task_expires < %s
    ) OR EXISTS (
        SELECT 1 FROM jobs_job
        WHERE apparatus_id = %s AND state = 'running' AND pending = 0
    )
"""  # noqa: S608


@dataclass(frozen=True, kw_only=True)
class UnderWay:
    """A shot that an agent has leased or started.

    Attributes:
        shot: with its job, of which only what the queue needs is filled in.
        service: class by which it was leased.
        seconds: how long it is expected to take.
        left: of these, from now on.
    """

    shot: Shot
    service: Service
    seconds: float
    left: float

    @property
    def key(self) -> Key:
        """Whose it is."""
        return Key(self.shot.job.group_id, self.shot.job.owner_id)

    @property
    def is_started(self) -> bool:
        """Tell whether it has been started; else it is leased alone."""
        return self.shot.state == ShotState.STARTED


def shots_under_way(apparatus: Apparatus, now: datetime) -> list[UnderWay]:
    """Return what is leased or started, in the order of the leases."""
    rows = Shot.objects.raw(_UNDER_WAY, [apparatus.pk])
    return [_under_way(shot, apparatus, now) for shot in rows]


def _under_way(shot: Shot, apparatus: Apparatus, now: datetime) -> UnderWay:
    told = vars(shot)
    shot.job = Job(
        id=shot.job_id,
        apparatus_id=apparatus.pk,
        owner_id=told["owner"],
        group_id=told["whose"],
        config=told["config"],
        session=told["session"],
        shot_seconds=told["mean"],
    )
    seconds = shot.duration or told["mean"] or GUESS
    since = (now - shot.started).total_seconds() if shot.started else 0.0
    started = shot.state == ShotState.STARTED
    return UnderWay(
        shot=shot,
        service=Service(shot.service or Service.NORMAL),
        seconds=seconds,
        left=max(0.0, seconds - since) if started else seconds,
    )


def leased_on(apparatus: Apparatus) -> list[int]:
    """Return the ids of the shots that are leased and not started."""
    with connection.cursor() as cursor:
        cursor.execute(_LEASED, [apparatus.pk])
        return [pk for (pk,) in cursor.fetchall()]


def anything_lapsed(apparatus: Apparatus, now: datetime) -> bool:
    """Tell whether a lease or a task has lapsed, or a job has only results to wait for."""
    at, pk = connection.ops.adapt_datetimefield_value(now), apparatus.pk
    with connection.cursor() as cursor:
        cursor.execute(_LAPSED, [pk, at, pk, at, pk])
        return bool(cursor.fetchone()[0])
