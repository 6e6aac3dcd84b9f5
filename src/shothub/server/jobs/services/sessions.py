"""An agent opens a session: older ones are fenced, and who fights over a machine is told."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from shothub.domain.rivals import fighting, takes_over
from shothub.domain.states import ShotState
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.services import begin_epoch, latch_hold, note_opening
from shothub.server.jobs.models import Attempt
from shothub.server.jobs.services.agents import ACTOR, lock_apparatus
from shothub.server.jobs.services.returns import return_leases, return_tasks
from shothub.server.jobs.transitions import Note, record_of_apparatus
from shothub.server.outbox.services import tell_staff
from shothub.server.refusals import Forbidden
from shothub.wire.agents import OpenSession, SessionOpened, UnderWay

STILL_THERE = timedelta(seconds=60)
"""An agent heard within this time is taken over from; one silent for longer is replaced."""

FIGHT = (
    "Two agents fight over this apparatus: within five minutes it was taken over and back."
    " End one of them, then lift this hold."
)


def open_session(
    principal: Principal, opening: OpenSession, *, now: datetime
) -> SessionOpened:
    """Begin a session: older ones are fenced, what they had not started returns.

    Raises:
        Forbidden: the token speaks for another apparatus.
    """
    if opening.apparatus != principal.apparatus:
        raise Forbidden(
            f"This token speaks for {principal.apparatus!r} only.",
            code="wrong_apparatus",
            where="body.apparatus",
        )
    with transaction.atomic():
        apparatus = lock_apparatus(principal)
        before = apparatus.agent
        alive = apparatus.last_seen is not None and (
            now - apparatus.last_seen < STILL_THERE
        )
        epoch = begin_epoch(apparatus, opening, now=now)
        detail = f"session {epoch} of the agent {apparatus.agent}"
        note = Note(now=now, actor=ACTOR, epoch=epoch, detail=detail)
        return_leases(apparatus, note)
        return_tasks(apparatus, note)
        record_of_apparatus("apparatus.session", note, apparatus.pk)
        _watch_rivals(apparatus, opening, note, before=before if alive else "")
        under_way = _under_way(apparatus)
        return SessionOpened(
            epoch=epoch,
            apparatus=apparatus.name,
            lease_seconds=settings.SHOTHUB.lease_seconds,
            started=[each.attempt for each in under_way],
            under_way=under_way,
        )


def _under_way(apparatus: Apparatus) -> list[UnderWay]:
    started = Attempt.objects.select_related("shot").filter(
        shot__state=ShotState.STARTED.value,
        shot__job__apparatus=apparatus,
        outcome="",
    )
    return [
        UnderWay(
            attempt=attempt.pk,
            shot=attempt.shot_id,
            job=attempt.shot.job_id,
            index=attempt.shot.index,
            fence=attempt.fence,
        )
        for attempt in started.order_by("id")
    ]


def _watch_rivals(
    apparatus: Apparatus, opening: OpenSession, note: Note, *, before: str
) -> None:
    """Tell staff of a takeover, and let nothing start while two agents fight.

    ``before`` is the agent that spoke until now, if it was still there.
    """
    openings = note_opening(apparatus, opening.agent, now=note.now)
    if not opening.agent:
        return
    if fighting(openings, note.now):
        _hold(apparatus, note)
    elif before and takes_over(openings):
        record_of_apparatus("apparatus.taken_over", note, apparatus.pk)
        tell_staff(
            apparatus.name,
            "second_agent",
            f"{apparatus.name}: a second agent has taken over",
            f"The agent {apparatus.agent} has begun to speak for the apparatus"
            f" {apparatus.name!r} while the agent {before} still did. The newer one is"
            " served; the older one is refused and ends. If that was not meant, end one.",
            now=note.now,
        )


def _hold(apparatus: Apparatus, note: Note) -> None:
    if not latch_hold(apparatus, FIGHT):
        return
    held = Note(now=note.now, actor="hub", epoch=note.epoch, detail=FIGHT)
    record_of_apparatus("apparatus.held", held, apparatus.pk)
    subject = f"{apparatus.name}: held, two agents fight"
    tell_staff(apparatus.name, "hold", subject, FIGHT, now=note.now)
