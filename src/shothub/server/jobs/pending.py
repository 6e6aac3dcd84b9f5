"""What an apparatus has yet to run, as the forecast takes it."""

from collections import defaultdict
from collections.abc import Mapping
from math import inf
from typing import Any

from django.db.models import Avg

from shothub.domain.bars import Bar
from shothub.domain.calendar import Turn
from shothub.domain.forecast import Pending
from shothub.domain.queue import Key, Service, Work
from shothub.domain.states import JobState
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.models import Job, JobAfter
from shothub.server.jobs.under_way import GUESS
from shothub.server.reservations.models import Session
from shothub.server.reservations.turn_queries import waiting_turns

_YET_TO_RUN = [
    state.value
    for state in (
        JobState.SUBMITTED,
        JobState.COMPILING,
        JobState.QUEUED,
        JobState.RUNNING,
    )
]
_UNFORESEEN = {Bar.HELD.value, Bar.DRAINED.value, Bar.SESSION.value}
_FIELDS = (
    "id",
    "group_id",
    "owner_id",
    "service",
    "shot_seconds",
    "shots",
    "pending",
    "waiting",
    "config",
    "submitted",
    "priority",
    "not_before",
    "barred",
    "session",
)


def pending_of(apparatus: Apparatus, turn: Turn | None) -> list[Pending]:
    """Return the jobs that have shots to run, and the sessions that wait.

    Args:
        apparatus: as read in this transaction.
        turn: the session that is open; of sessions, only its jobs may run.
    """
    usual = usual_seconds(apparatus)
    after = _after(apparatus)
    may_run = ("", turn.id) if turn else ("",)
    jobs = Job.objects.filter(apparatus=apparatus, state__in=_YET_TO_RUN).order_by()
    rows = [dict(zip(_FIELDS, row, strict=True)) for row in jobs.values_list(*_FIELDS)]
    pending = [
        _job(row, after.get(row["id"], ()), usual)
        for row in rows
        if row["barred"] not in _UNFORESEEN and _left(row) and row["session"] in may_run
    ]
    return [*pending, *map(_session, waiting_turns(apparatus))]


def usual_seconds(apparatus: Apparatus) -> float:
    """Return the mean length of a shot in the queue, for jobs that are not compiled yet."""
    jobs = Job.objects.filter(apparatus=apparatus, state__in=_YET_TO_RUN)
    known = jobs.filter(shot_seconds__gt=0).order_by()
    return known.aggregate(mean=Avg("shot_seconds"))["mean"] or GUESS


def _left(row: Mapping[str, Any]) -> int:
    """Return how many shots may yet be leased; as expected before it is compiled."""
    return int(row["pending"] if row["shots"] is None else row["waiting"])


def _job(row: Mapping[str, Any], after: tuple[str, ...], usual: float) -> Pending:
    ready = row["not_before"].timestamp() if row["not_before"] else -inf
    work = Work(
        job=row["id"],
        service=Service(row["service"]),
        seconds=row["shot_seconds"] or usual,
        shots=_left(row),
        config=row["config"],
        arrived=row["submitted"].timestamp(),
    )
    return Pending(
        key=Key(row["group_id"], row["owner_id"]),
        work=work,
        rank=(-float(row["priority"]),),
        ready=ready,
        after=after,
        session=row["session"],
    )


def _after(apparatus: Apparatus) -> Mapping[str, tuple[str, ...]]:
    links = JobAfter.objects.filter(
        job__apparatus=apparatus, job__ended=None, good=False
    )
    found: defaultdict[str, list[str]] = defaultdict(list)
    for job, earlier in links.values_list("job_id", "after_id"):
        found[job].append(earlier)
    return {job: tuple(earlier) for job, earlier in found.items()}


def _session(row: Session) -> Pending:
    return Pending(
        key=Key(row.group_id, row.owner_id),
        work=Work(
            job="",
            session=row.pk,
            seconds=row.total_seconds,
            shots=1,
            arrived=row.requested.timestamp(),
        ),
    )
