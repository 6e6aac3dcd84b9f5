"""START: the only way for a leased shot to be started, asked for each one by itself."""

from datetime import datetime

from django.db import transaction

from shothub.domain.states import ShotState
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.models import Shot
from shothub.server.jobs.plain import open_attempt_of, shot_on
from shothub.server.jobs.services.agents import ACTOR, lock_apparatus, require_epoch
from shothub.server.jobs.services.attempts import not_its_time, open_attempt
from shothub.server.jobs.services.endings import may_expire
from shothub.server.jobs.transitions import Note
from shothub.server.refusals import Conflict, NotThere
from shothub.wire.agents import Start, Started


class NoSuchShot(NotThere):
    """The apparatus has no such shot or attempt."""


class StartRefused(Conflict):
    """The shot may not be started now."""


def start(principal: Principal, shot: int, asked: Start, *, now: datetime) -> Started:
    """Give leave to start one attempt; to the same lease again the same attempt.

    Raises:
        Fenced: the session is over.
        StartRefused: the lease is not the present one, the job was cancelled, or the
            apparatus is paused, held or another's at this time.
    """
    with transaction.atomic():
        apparatus = lock_apparatus(principal)
        require_epoch(apparatus, asked.epoch)
        found = shot_on(apparatus.pk, shot)
        if found is None:
            raise NoSuchShot(f"The apparatus has no shot {shot}.")
        known = open_attempt_of(found, fence=asked.fence, epoch=asked.epoch)
        if known and found.state == ShotState.STARTED:
            return Started(attempt=known.pk, number=known.number)
        _require_startable(found, apparatus, asked, now)
        note = Note(now=now, actor=ACTOR, epoch=asked.epoch, fence=asked.fence)
        attempt = open_attempt(found, note)
        return Started(attempt=attempt.pk, number=attempt.number)


def _require_startable(
    shot: Shot, apparatus: Apparatus, asked: Start, now: datetime
) -> None:
    if shot.job.cancelled or shot.state == ShotState.CANCELLED:
        raise StartRefused("The job was cancelled.", code="cancelled")
    _require_open(apparatus)
    if shot.state != ShotState.LEASED or shot.fence != asked.fence:
        raise StartRefused(
            f"The shot is {shot.state} and its fence is {shot.fence}.",
            code="lease_lost",
            hint="ask for work again",
        )
    if shot.lease_expires is not None and shot.lease_expires < now:
        raise StartRefused("The lease has run out.", code="lease_lost")
    if may_expire(shot.job, now):
        raise StartRefused("The time to start the job is over.", code="expired")
    if shot.job.barred:
        raise StartRefused(f"The job waits: {shot.job.barred}.", code="barred")
    fault = not_its_time(shot, apparatus, now)
    if fault:
        raise StartRefused(fault.detail, code=fault.code)


def _require_open(apparatus: Apparatus) -> None:
    if apparatus.hold:
        raise StartRefused(f"The apparatus is held: {apparatus.hold}", code="held")
    if apparatus.paused:
        why = apparatus.pause_message or "by an operator"
        raise StartRefused(f"The apparatus is paused: {why}.", code="paused")
