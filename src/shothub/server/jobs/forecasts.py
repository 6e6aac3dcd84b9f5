"""When jobs are foreseen to run, and how that compares with what happened."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from math import ceil
from statistics import median
from typing import Any

from django.db import transaction
from django.db.models import Max

from shothub.domain.forecast import Diary, Foreseen, InHand, Pending, replay
from shothub.domain.queue import Key, Service, State, Work
from shothub.domain.states import JOB_ENDS, JobState
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.queries import apparatus_named, hindrance
from shothub.server.jobs.allowances import typical_seconds
from shothub.server.jobs.models import Job, Shot
from shothub.server.jobs.pending import pending_of, usual_seconds
from shothub.server.jobs.readiness import Ready
from shothub.server.jobs.waiting import queue_now
from shothub.server.reservations.queries import bookings_from, standing
from shothub.server.rows import ask, update
from shothub.wire.queue import ForecastErrors

_COMPARED = 200  # jobs that were done last
_SHOTS_A_SECOND = 1_000  # the more shots wait, the longer a forecast is kept
_AT_ONCE = 500  # jobs written in one transaction, so that nobody waits for it
_UNFINISHED = ", ".join(f"'{state}'" for state in JobState if state not in JOB_ENDS)
# Plain SQL, asked whenever a job that waits is looked at.
_SHOTS_WAITING = """
    SELECT COALESCE(SUM(waiting), 0) FROM apparatus_share
    WHERE apparatus_id = %s AND user_id IS NOT NULL
"""
_CHANGES = f"""
    SELECT COALESCE(SUM(rev), 0) FROM jobs_job
    WHERE apparatus_id = %s AND state IN ({_UNFINISHED})
"""  # noqa: S608
_NEW = """
    SELECT job.apparatus_id, job.id FROM apparatus_apparatus apparatus
    JOIN jobs_job job ON job.apparatus_id = apparatus.id AND job.state = 'queued'
    WHERE job.foreseen_end IS NULL AND job.barred = '' AND job.waiting > 0
"""
_WAITS = frozenset(
    {JobState.SUBMITTED, JobState.COMPILING, JobState.QUEUED, JobState.RUNNING}
)


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a replay of the queue of one apparatus foresees, if nothing keeps it.

    Attributes:
        state: the queue that was replayed.
        jobs: by id; sessions that wait among them.
    """

    state: State
    jobs: Mapping[str, Foreseen]

    def of(self, job: str) -> tuple[datetime | None, datetime | None]:
        """Return when its next shot starts and its last ends; None if unknown."""
        seen = self.jobs.get(job)
        return (_time(seen.starts), _time(seen.ends)) if seen else (None, None)

    def end(self) -> datetime | None:
        """Return when all that is foreseen has run; None if nothing is."""
        return max((_time(seen.ends) for seen in self.jobs.values()), default=None)


def forecast_of(apparatus: Apparatus, now: datetime) -> Forecast:
    """Return the forecast of an apparatus, made anew as its queue or a second goes on.

    With thousands of shots it is made less often.
    """
    [(waiting,)] = ask(_SHOTS_WAITING, [apparatus.pk])
    span = 1 + int(waiting) // _SHOTS_A_SECOND
    begin = int(now.timestamp()) // span * span
    newest = _changes(apparatus) if span == 1 else 0
    return _kept(apparatus.name, apparatus.created, begin, newest)


def _changes(apparatus: Apparatus) -> int:
    """Return a number that grows with every change of an unfinished job."""
    [(changes,)] = ask(_CHANGES, [apparatus.pk])
    return int(changes)


@lru_cache(maxsize=32)
def _kept(name: str, _made: datetime, begin: int, _changes: int) -> Forecast:
    return _make(apparatus_named(name), _time(begin))


def _make(apparatus: Apparatus, now: datetime, *more: Pending) -> Forecast:
    stands = standing(apparatus, now)
    queue = queue_now(apparatus, stands, now)
    jobs = replay(
        queue.state,
        [*pending_of(apparatus, stands.turn), *more],
        now=now.timestamp(),
        in_hand=[InHand(s.shot.job_id, 1, s.left) for s in queue.under_way],
        diary=Diary(bookings_from(apparatus, now), stands.turn),
    )
    return Forecast(state=queue.state, jobs=jobs)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def outlook_of(job: Job, now: datetime) -> dict[str, Any]:
    """Return place, shots ahead, start and end of a job, as fields of its JobView."""
    if job.state not in _WAITS:
        return {}
    forecast = forecast_of(job.apparatus, now)
    seen = forecast.jobs.get(job.pk)
    if seen is None:
        return {}
    starts, ends = forecast.of(job.pk)
    standing_still = bool(hindrance(job.apparatus, now))
    return {
        "position": seen.place,
        "shots_ahead": seen.ahead,
        "starts": None if standing_still else starts,
        "ends": None if standing_still else ends,
    }


def foresee_submission(
    principal: Principal, ready: Ready, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """Return when a job would start and end if it were submitted now."""
    apparatus = apparatus_named(ready.apparatus.name)
    shots, request = ready.checked.shots, ready.request
    if shots is None or request.hold or hindrance(apparatus, now):
        return None, None
    seconds = typical_seconds(apparatus.name, ready.checked.source)
    ahead = request.not_before
    work = Work(
        job="?",
        service=Service(request.service),
        seconds=seconds or usual_seconds(apparatus),
        shots=shots,
        config="?",
        arrived=now.timestamp(),
    )
    pending = Pending(
        key=Key(ready.terms.group, principal.user),
        work=work,
        rank=(-float(request.priority),),
        ready=ahead.timestamp() if ahead else 0.0,
        after=tuple(job for job, good in ready.terms.after.items() if not good),
        session=request.session,
    )
    return _make(apparatus, now, pending).of("?")


def note_forecasts(now: datetime) -> None:
    """Keep what is foreseen of jobs that have just been queued, to be compared later."""
    by_apparatus: defaultdict[int, list[str]] = defaultdict(list)
    for apparatus, job in ask(_NEW, []):
        by_apparatus[apparatus].append(job)
    for apparatus, jobs in by_apparatus.items():
        _note(Apparatus.objects.defer("description").get(pk=apparatus), jobs, now)


def _note(apparatus: Apparatus, jobs: Sequence[str], now: datetime) -> None:
    if hindrance(apparatus, now):
        return
    forecast = forecast_of(apparatus, now)
    known = [job for job in jobs if job in forecast.jobs]
    for begin in range(0, len(known), _AT_ONCE):
        with transaction.atomic():
            for job in known[begin : begin + _AT_ONCE]:
                starts, ends = forecast.of(job)
                foreseen = {"foreseen_start": starts, "foreseen_end": ends}
                update(Job, '"id" = %s', [job], foreseen)


def errors_of(apparatus: Apparatus) -> ForecastErrors:
    """Return by how much the forecasts of the jobs that were done last were wrong."""
    done = Job.objects.filter(
        apparatus=apparatus, state=JobState.DONE.value, foreseen_end__isnull=False
    )
    last = done.order_by("-ended").only("foreseen_start", "foreseen_end", "started")
    jobs = list(last[:_COMPARED])
    ended = _last_ends([job.pk for job in jobs])
    starts = [
        (job.started - job.foreseen_start).total_seconds()
        for job in jobs
        if job.started and job.foreseen_start
    ]
    ends = [
        (ended[job.pk] - job.foreseen_end).total_seconds()
        for job in jobs
        if job.pk in ended and job.foreseen_end
    ]
    return ForecastErrors(
        jobs=len(jobs),
        start_median=median(starts) if starts else None,
        start_p90=_ninety(starts),
        end_median=median(ends) if ends else None,
        end_p90=_ninety(ends),
    )


def _last_ends(jobs: Sequence[str]) -> Mapping[str, datetime]:
    shots = Shot.objects.filter(job__in=jobs, ended__isnull=False).order_by()
    return dict(shots.values_list("job").annotate(Max("ended")))


def _ninety(errors: Sequence[float]) -> float | None:
    """Return what nine of ten errors do not exceed, either way."""
    sizes = sorted(abs(error) for error in errors)
    return sizes[ceil(0.9 * len(sizes)) - 1] if sizes else None
