"""What becomes of reservations as time passes: begin, idle, regain, end."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from shothub.domain.calendar import Standing, is_idle
from shothub.domain.states import JobState
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.services import lock_apparatus
from shothub.server.jobs.models import Job
from shothub.server.jobs.services.returns import return_leases
from shothub.server.jobs.transitions import Note, record_of_apparatus
from shothub.server.outbox.services import tell
from shothub.server.reservations import queries
from shothub.server.reservations.models import Reservation
from shothub.server.reservations.turn_queries import open_turn

_COMING = [JobState.SUBMITTED.value, JobState.COMPILING.value]
_LAB = ["safety", "calibration"]


def attend_all(now: datetime) -> None:
    """Note on every apparatus what has become of its reservations by now.

    Looked at without a lock first: nearly always there is nothing to note.
    """
    due = {row.apparatus_id for row in queries.running_rows(now) if _news(row, now)}
    for pk in sorted(due):
        with transaction.atomic():
            attend(lock_apparatus(pk), now=now)


def attend(apparatus: Apparatus, *, now: datetime) -> None:
    """Do so on one apparatus, which is locked."""
    note = Note(now=now, actor="hub")
    for row in queries.running_rows(now, apparatus):
        for news in _news(row, now):
            _note(row, news, apparatus, replace(note, detail=queries.in_words(row)))


def regain(apparatus: Apparatus, standing: Standing, note: Note) -> None:
    """Give lent time back to its holder, who has work again; others' leases return."""
    if standing.running is None or not standing.lent:
        return
    row = queries.find_reservation(standing.running.id)
    detail = queries.in_words(row)
    _note(row, "regained", apparatus, replace(note, detail=detail))


def _news(row: Reservation, now: datetime) -> list[str]:
    """Return what there is to note of a reservation that has begun and is not over."""
    if row.ends <= now:
        return ["over"]
    begun = ["began"] if row.begun is None else []
    if row.kind == "maintenance":
        return begun
    if has_work(row):
        busy = {True: ["regained"], False: ["busy"] if row.idle_since else []}
        return [*begun, *busy[row.released is not None]]
    if row.idle_since is None:
        return [*begun, "idle"]
    lent = row.released is None and is_idle(row.idle_since, now)
    return [*begun, "lent"] if lent else begun


def has_work(row: Reservation) -> bool:
    """Tell whether the holder has anything that runs, may run or is about to."""
    jobs = Job.objects.unfinished().filter(apparatus_id=row.apparatus_id)
    jobs = jobs.filter(_held("", row), pending__gt=0)
    may_run = Q(waiting__gt=0) | Q(state__in=_COMING)
    running = Q(leased__gt=0) | Q(started_now__gt=0)
    if jobs.filter(Q(may_run, barred="") | running).exists():
        return True
    turn = open_turn(row.apparatus)
    booking = queries.booking_of(row)
    return turn is not None and booking.is_held_by(turn.user, turn.group)


def _note(row: Reservation, news: str, apparatus: Apparatus, note: Note) -> None:
    changes: dict[str, dict[str, datetime | None]] = {
        "began": {"begun": note.now},
        "over": {"over": note.now},
        "idle": {"idle_since": note.now},
        "busy": {"idle_since": None},
        "lent": {"released": note.now},
        "regained": {"idle_since": None, "released": None},
    }
    Reservation.objects.filter(pk=row.pk).update(**changes[news])
    if news in {"idle", "busy"}:
        return
    record_of_apparatus(f"reservation.{news}", note, apparatus.pk)
    if news in {"began", "regained"}:
        why = replace(note, detail="the time is reserved")
        return_leases(apparatus, why, _others(row))
    if news == "lent":
        _tell_lent(row, apparatus, note)


def _others(row: Reservation) -> Q:
    """Return which leases are not the holder's; the lab's own are above reservations."""
    if row.kind == "maintenance":
        return Q()
    return ~_held("job__", row) & ~Q(job__service__in=_LAB)


def _held(prefix: str, row: Reservation) -> Q:
    if row.kind == "group":
        return Q(**{f"{prefix}group_id": row.group_id})
    return Q(**{f"{prefix}owner_id": row.owner_id})


def _tell_lent(row: Reservation, apparatus: Apparatus, note: Note) -> None:
    tell(
        row.owner_id,
        "reservation",
        f"Your reserved time on {apparatus.name} is used by others",
        f"Nothing of yours waited or ran for five minutes ({note.detail})."
        " Submit something and you have the machine back at once.",
        now=note.now,
        data={
            "apparatus": apparatus.name,
            "path": f"/apparatus/{apparatus.name}/calendar",
        },
    )
