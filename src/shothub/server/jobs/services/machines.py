"""What operators do with an apparatus: pause, drain, resume, lift the hub's hold."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from shothub.domain.acts import Act
from shothub.domain.bars import Bar
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.proofs import require_proof
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.services import (
    lift_hold,
    lock_apparatus,
    set_draining,
    set_paused,
)
from shothub.server.audit.services import record as put_on_record
from shothub.server.jobs.models import Job
from shothub.server.jobs.services.bars import rebar
from shothub.server.jobs.services.returns import return_leases
from shothub.server.jobs.transitions import Note, record_of_apparatus
from shothub.server.refusals import Forbidden


def require_operator(principal: Principal, apparatus: str) -> None:
    """Refuse who does not operate the apparatus.

    Raises:
        Forbidden: the lab has not made the user an operator of it.
    """
    if not principal.may("operator", apparatus):
        raise Forbidden(
            f"The lab has not made you an operator of {apparatus!r}.",
            code="operator_not_granted",
        )


def pause(
    principal: Principal, apparatus: Apparatus, *, message: str, now: datetime
) -> None:
    """Let nothing start on the apparatus until it is resumed.

    What is leased returns to the queue; a shot that runs ends by itself.

    Args:
        principal: an operator of it.
        apparatus: which one.
        message: why, shown to users.
        now: the present time.

    Raises:
        Forbidden: the lab has not made the user an operator of it.
    """
    require_operator(principal, apparatus.name)
    note = Note(now=now, actor=principal.username, detail=message)
    with transaction.atomic():
        locked = lock_apparatus(apparatus.pk)
        set_paused(locked, paused=True, message=message)
        return_leases(locked, replace(note, detail="the apparatus was paused"))
        record_of_apparatus("apparatus.paused", note, locked.pk)
        _on_record("paused", locked, note)


def drain(
    principal: Principal, apparatus: Apparatus, *, message: str, now: datetime
) -> None:
    """Let what waits run out; what is submitted from now on stays queued until resumed.

    The arguments are those of `pause`.

    Raises:
        Forbidden: the lab has not made the user an operator of it.
    """
    require_operator(principal, apparatus.name)
    note = Note(now=now, actor=principal.username, detail=message)
    with transaction.atomic():
        locked = lock_apparatus(apparatus.pk)
        set_draining(locked, since=locked.drained_from or now, message=message)
        record_of_apparatus("apparatus.draining", note, locked.pk)
        _on_record("draining", locked, note)


def resume(principal: Principal, apparatus: Apparatus, *, now: datetime) -> None:
    """Let all go on: end a pause, a draining, or both. A hold of the hub stays.

    Raises:
        Forbidden: the lab has not made the user an operator of it.
        ProveAgain: he last proved in his browser long ago who he is.
    """
    require_operator(principal, apparatus.name)
    require_proof(principal, now)
    note = Note(now=now, actor=principal.username)
    with transaction.atomic():
        locked = lock_apparatus(apparatus.pk)
        set_paused(locked, paused=False, message="")
        set_draining(locked, since=None, message="")
        drained = Job.objects.filter(apparatus=locked, barred=Bar.DRAINED.value)
        for job in drained.defer("compile_log", "analyse_log"):
            rebar(job, locked, note)
        record_of_apparatus("apparatus.resumed", note, locked.pk)
        _on_record("resumed", locked, note)


def lift(principal: Principal, apparatus: Apparatus, *, now: datetime) -> None:
    """Lift the hold that the hub itself has put on the apparatus. Idempotent.

    A hold of the apparatus's own agent is lifted there, by a person at the lab.

    Raises:
        Forbidden: the lab has not made the user an operator of it.
        ProveAgain: he last proved in his browser long ago who he is.
    """
    require_operator(principal, apparatus.name)
    require_proof(principal, now)
    with transaction.atomic():
        locked = lock_apparatus(apparatus.pk)
        if not locked.hold:
            return
        note = Note(now=now, actor=principal.username, detail=f"it was: {locked.hold}")
        put_on_record(
            Act.HOLD_LIFTED,
            now=now,
            on=f"apparatus {locked.name}",
            detail={"hold": locked.hold},
        )
        lift_hold(locked)
        record_of_apparatus("apparatus.hold_lifted", note, locked.pk)


def _on_record(what: str, apparatus: Apparatus, note: Note) -> None:
    detail = {"did": what} | ({"message": note.detail} if note.detail else {})
    where = f"apparatus {apparatus.name}"
    put_on_record(Act.APPARATUS_CONTROLLED, now=note.now, on=where, detail=detail)
