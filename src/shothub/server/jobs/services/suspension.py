"""Suspending a user: he is out at once, and nothing of his starts; and letting him back in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from shothub.domain.acts import Act
from shothub.server.accounts import standing
from shothub.server.accounts.acting import account_of
from shothub.server.accounts.models import User
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.services import lock_several
from shothub.server.audit.services import acting, record
from shothub.server.jobs.models import Job
from shothub.server.jobs.services import turns
from shothub.server.jobs.services.bars import rebar
from shothub.server.jobs.services.control import CANNOT_WAIT, cancel_at_once
from shothub.server.jobs.services.edges import attend
from shothub.server.jobs.services.returns import return_leases
from shothub.server.jobs.transitions import Note, record_of_apparatus, touch
from shothub.server.jobs.transitions import record as note_event
from shothub.server.reservations.models import Reservation, Session
from shothub.server.reservations.turn_queries import ALIVE

BY_THE_LAB = "the lab"
"""Stands for an operator in ``Job.held_by``; no user can have a name with a space."""


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """What a suspension ended.

    Attributes:
        jobs: how many were held back or cancelled.
        reservations: how many were given up; those of groups and for maintenance stay.
        tokens: how many were revoked.
        agents: names of apparatus whose agents hold a token of his and are cut off.
    """

    jobs: int
    reservations: int
    tokens: int
    agents: tuple[str, ...] = ()


def suspend(
    username: str,
    *,
    why: str,
    now: datetime,
    by: int | None = None,
    cancel: bool = False,
) -> Stopped:
    """Suspend a user: his tokens and sessions are dead when this returns.

    A shot of his that runs ends by itself. What waits is held back until he is let in
    again, or cancelled; his reservations are given up.

    Args:
        username: whom.
        why: he reads it when he tries to log in.
        now: the present time.
        by: primary key of who suspends him; None for whoever runs the hub.
        cancel: cancel his jobs, rather than hold them back.

    Raises:
        NotThere: there is no such user.
        Conflict: he is not active, or it is oneself.
        Invalid: there is no reason.
    """
    with transaction.atomic():
        locked = _lock_all()
        user = standing.suspend(username, why=why, now=now, by=by)
        tokens, agents = standing.cut_off(user, now=now)
        note = _note(now, "its owner is suspended")
        stopped = Stopped(
            jobs=_stop_jobs(user, locked, note, cancel=cancel),
            reservations=_stop_booking(user, locked, note),
            tokens=tokens,
            agents=agents,
        )
        told = {"why": why, **vars(stopped), "agents": list(agents)}
        told["jobs"] = f"{stopped.jobs} {'cancelled' if cancel else 'held'}"
        record(Act.USER_SUSPENDED, now=now, subject=account_of(user), detail=told)
    return stopped


def reinstate(username: str, *, now: datetime) -> User:
    """Let a suspended user in again; what was held back of his goes on.

    He logs in anew and makes new tokens.

    Raises:
        NotThere: there is no such user.
        Conflict: he is not suspended.
    """
    with transaction.atomic():
        locked = _lock_all()
        user = standing.reinstate(username, now=now)
        note = _note(now, "its owner may use the hub again")
        held = Job.objects.unfinished().filter(owner=user, held_by=BY_THE_LAB)
        freed = [_free(job, locked[job.apparatus_id], note) for job in held]
        detail = {"jobs": f"{len(freed)} released"}
        record(Act.USER_REINSTATED, now=now, subject=account_of(user), detail=detail)
    return user


def _note(now: datetime, why: str) -> Note:
    return Note(now=now, actor=acting().name or "hub", detail=why)


def _lock_all() -> Mapping[int, Apparatus]:
    return lock_several(Apparatus.objects.values_list("pk", flat=True))


def _stop_jobs(
    user: User, locked: Mapping[int, Apparatus], note: Note, *, cancel: bool
) -> int:
    jobs = list(Job.objects.unfinished().filter(owner=user, cancelled=False))
    stop = _cancel if cancel else _hold
    return sum(stop(job, locked[job.apparatus_id], note) for job in jobs)


def _cancel(job: Job, _: Apparatus, note: Note) -> bool:
    cancel_at_once(job, note)
    return True


def _hold(job: Job, apparatus: Apparatus, note: Note) -> bool:
    if job.state in CANNOT_WAIT or job.held_by:
        return False
    job.held_by = BY_THE_LAB
    touch(job, {"held_by": BY_THE_LAB})
    note_event("job.held", note, job=job)
    return_leases(apparatus, note, Q(job=job))
    rebar(job, apparatus, note)
    return True


def _free(job: Job, apparatus: Apparatus, note: Note) -> bool:
    job.held_by = ""
    touch(job, {"held_by": ""})
    note_event("job.released", note, job=job)
    return rebar(job, apparatus, note)


def _stop_booking(user: User, locked: Mapping[int, Apparatus], note: Note) -> int:
    for session in Session.objects.filter(owner=user, state__in=ALIVE):
        turns.end_for_good(session, locked[session.apparatus_id], note.detail, note)
    his = Reservation.objects.filter(owner=user, kind="exclusive", cancelled=None)
    ahead = his.filter(ends__gt=note.now)
    where = set(ahead.values_list("apparatus_id", flat=True))
    number = ahead.update(cancelled=note.now)
    for apparatus in sorted(where):
        record_of_apparatus("reservation.cancelled", note, apparatus)
        attend(locked[apparatus], now=note.now)
    return number
