"""How the machine of an apparatus fares: on record when it changes, to staff if it lasts."""

from datetime import datetime, timedelta

from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.models import Event
from shothub.server.jobs.transitions import Note, record_of_apparatus
from shothub.server.outbox.services import tell_staff
from shothub.wire.apparatus import ApparatusStatus

PATIENCE = timedelta(seconds=60)
"""An error that passes sooner, as after a failed shot, is nobody's errand."""

ERROR, RECOVERED, TOLD = "blacs.error", "blacs.recovered", "blacs.staff_told"
HELD, RELEASED = "lab.held", "lab.released"


def note_condition(apparatus: Apparatus, status: ApparatusStatus, note: Note) -> None:
    """Record that BLACS fell into error or the lab holds, or no longer; tell staff.

    Call it before the status is stored.
    """
    before = ApparatusStatus.model_validate(apparatus.status or {})
    failing, failed = status.blacs == "error", before.blacs == "error"
    if failing and not failed:
        _record(apparatus, ERROR, status.message, note)
    elif failed and not failing:
        _record(apparatus, RECOVERED, status.message, note)
    elif failing:
        _tell_if_it_lasts(apparatus, status.message, note)
    if bool(status.hold) != bool(before.hold):
        _record(apparatus, HELD if status.hold else RELEASED, status.hold, note)


def _record(apparatus: Apparatus, what: str, detail: str, note: Note) -> None:
    said = Note(now=note.now, actor=note.actor, epoch=note.epoch, detail=detail)
    record_of_apparatus(what, said, apparatus.pk)


def _tell_if_it_lasts(apparatus: Apparatus, message: str, note: Note) -> None:
    last = Event.objects.filter(apparatus=apparatus, job=None, what__in=(ERROR, TOLD))
    newest = last.order_by("-id").first()
    if newest is None or newest.what == TOLD or _is_young(newest.at, note.now):
        return
    _record(apparatus, TOLD, message, note)
    tell_staff(
        apparatus.name,
        "machine",
        f"{apparatus.name}: BLACS needs a person",
        f"BLACS of the apparatus {apparatus.name!r} has been in error since"
        f" {newest.at:%H:%M} UTC, and no shot starts: {message}",
        now=note.now,
    )


def _is_young(began: datetime, now: datetime) -> bool:
    return now - began < PATIENCE
