"""Opens attempts: the one place where a shot becomes started."""

from datetime import datetime

from shothub.domain.calendar import Asked, may_start
from shothub.domain.faults import Fault
from shothub.domain.numbers import attempt_number
from shothub.domain.queue import Service
from shothub.domain.states import JobState, ShotState
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.models import Attempt, Shot
from shothub.server.jobs.transitions import Note, move_job, move_shots
from shothub.server.reservations.queries import standing

_ABOVE = frozenset({Service.SAFETY.value, Service.CALIBRATION.value})


def open_attempt(shot: Shot, note: Note, *, ahead: bool = False) -> Attempt:
    """Start a leased shot, within the caller's transaction.

    Args:
        shot: leased, read with its job in this transaction.
        note: with the epoch and the fence of its lease.
        ahead: whether the agent may begin it without asking.

    Raises:
        WrongState: it is not leased any more.
    """
    number = shot.attempts + 1
    changes = {"attempts": number, "started": note.now}
    move_shots([shot], ShotState.STARTED, note, changes)
    if shot.job.state == JobState.QUEUED:
        move_job(shot.job, JobState.RUNNING, note)
    return Attempt.objects.create(
        pk=attempt_number(note.fence, shot.job.apparatus_id),
        shot=shot,
        number=number,
        epoch=note.epoch,
        fence=note.fence,
        opened=note.now,
        ahead=ahead,
    )


def not_its_time(
    shot: Shot, apparatus: Apparatus, now: datetime, *, after: float = 0.0
) -> Fault | None:
    """Return why a shot may not start by the calendar, or None if it may.

    Args:
        shot: with its job.
        apparatus: on which it would run.
        now: the present time.
        after: seconds until its turn comes.
    """
    job = shot.job
    wish = Asked(
        user=job.owner_id,
        group=job.group_id,
        seconds=after + (shot.duration or job.shot_seconds),
        session=job.session,
        above=job.service in _ABOVE,
    )
    return may_start(standing(apparatus, now), wish, now=now)
