"""Sessions: asked for, opened when their turn comes, kept alive by use, ended, charged."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min, Q

from shothub.domain.acts import Act
from shothub.domain.calendar import Booking
from shothub.domain.queue import Key
from shothub.domain.states import JobState, ShotState
from shothub.domain.turns import seconds_to_charge, why_over
from shothub.server.accounts.acting import account_of
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.queries import apparatus_for, hindrance
from shothub.server.apparatus.services import lock_apparatus
from shothub.server.audit.services import record as put_on_record
from shothub.server.jobs.models import Job, Jobs, Shot
from shothub.server.jobs.services.bars import rebar
from shothub.server.jobs.services.charging import charge_session
from shothub.server.jobs.services.returns import return_leases
from shothub.server.jobs.services.submit import new_job_id
from shothub.server.jobs.transitions import Note, record_of_apparatus, touch, wake
from shothub.server.reservations import turn_queries, turn_services
from shothub.server.reservations.models import Session
from shothub.server.reservations.queries import standing
from shothub.server.reservations.turn_queries import find_session, life_of
from shothub.server.reservations.turn_services import TurnWish
from shothub.wire.reservations import SessionView

_COMING = [JobState.SUBMITTED.value, JobState.COMPILING.value]


def ask(
    principal: Principal, apparatus: str, wish: TurnWish, *, now: datetime
) -> SessionView:
    """Ask for a session: it opens when fair queueing would serve its user next.

    Raises:
        NoSuchApparatus: there is none of this name.
        Refused: as `reservations.turn_services.ask_turn` says.
    """
    pk = apparatus_for(principal, apparatus).pk
    with transaction.atomic():
        locked = lock_apparatus(pk)
        ident = new_job_id()
        row = turn_services.ask_turn(principal, locked, wish, ident=ident, now=now)
        _tell_of(row, "asked", Note(now=now, actor=principal.username))
    return view_now(principal, row.pk, now=now)


def end(principal: Principal, session: str, *, now: datetime) -> SessionView:
    """End one's own session, or any on an apparatus that one operates. Idempotent.

    Raises:
        NoSuchSession: there is none, or it is another's.
    """
    found = find_session(principal, session)
    with transaction.atomic():
        apparatus = lock_apparatus(found.apparatus_id)
        row = find_session(principal, session)
        whose = "its owner" if row.owner_id == principal.user else "an operator"
        note = Note(now=now, actor=principal.username)
        if row.owner_id != principal.user and row.state in turn_queries.ALIVE:
            put_on_record(
                Act.RESERVATION_OF_ANOTHER_CHANGED,
                now=now,
                subject=account_of(row.owner),
                on=f"apparatus {apparatus.name}",
                detail={"did": "ended a session", "session": row.pk},
            )
        end_for_good(row, apparatus, f"{whose} ended it", note)
    return view_now(principal, session, now=now)


def keep_waiting(principal: Principal, session: str, *, now: datetime) -> None:
    """Note that the owner of a session still waits for its turn.

    Raises:
        NoSuchSession: there is none, or it is another's.
    """
    row = find_session(principal, session)
    if row.state == "waiting" and row.owner_id == principal.user:
        turn_services.note_active(row, now=now)


def view_now(principal: Principal, session: str, *, now: datetime) -> SessionView:
    """Return a session with what it waits for.

    Raises:
        NoSuchSession: there is none, or it is another's.
    """
    row = find_session(principal, session)
    if row.state != "waiting":
        return turn_queries.session_view(row)
    stands = standing(row.apparatus, now)
    notice = hindrance(row.apparatus, now)
    if not notice and stands.turn:
        notice = f"a session of {stands.turn.name} is open"
    notice = notice or stands.closed or _reserved(stands.running, row)
    others = _others_waiting(row)
    return turn_queries.session_view(row, others=others, notice=notice)


def _reserved(running: Booking | None, row: Session) -> str:
    if running is None or running.is_held_by(row.owner_id, row.group_id):
        return ""
    return f"the time until {running.ends:%H:%M} UTC is reserved for {running.name}"


def _others_waiting(row: Session) -> int:
    jobs = Job.objects.unfinished().filter(apparatus_id=row.apparatus_id, barred="")
    busy = jobs.filter(Q(waiting__gt=0) | Q(leased__gt=0) | Q(started_now__gt=0))
    owners = set(busy.order_by().values_list("owner_id", flat=True).distinct())
    turns = turn_queries.waiting_turns(row.apparatus)
    owners |= {turn.owner_id for turn in turns if turn.requested < row.requested}
    return len(owners - {row.owner_id})


def open_now(row: Session, apparatus: Apparatus, note: Note) -> bool:
    """Give a session its turn on a locked apparatus; tell whether it still waited.

    What is leased to others returns; what runs ends by itself.
    """
    if not turn_services.open_row(row, apparatus, now=note.now):
        return False
    why = replace(note, detail="a session has opened")
    foreign = ~Q(job__session=row.pk) & ~Q(job__service__in=["safety", "calibration"])
    return_leases(apparatus, why, foreign)
    for job in _left_over(row):
        rebar(job, apparatus, note)
    _tell_of(row, "opened", note)
    return True


def attend_all(now: datetime) -> None:
    """Keep sessions alive that are in use, and end those that are over."""
    for row in Session.objects.filter(state__in=turn_queries.ALIVE).order_by("pk"):
        if _in_use(row):
            turn_services.note_active(row, now=now)
            row.last_active = now
        if why_over(life_of(row), now):
            with transaction.atomic():
                _end_due(lock_apparatus(row.apparatus_id), row.pk, now)

    _attend_late(now)


def _attend_late(now: datetime) -> None:
    """Let go what was submitted for a session while it ended."""
    lately = now - timedelta(minutes=1)
    for row in Session.objects.filter(state="ended", ended__gt=lately):
        if _left_over(row).exists():
            with transaction.atomic():
                note = Note(now=now, actor="hub", detail="its session has ended")
                _let_go(row, lock_apparatus(row.apparatus_id), note)


def _in_use(row: Session) -> bool:
    if row.state != "open":
        return False
    jobs = _left_over(row).filter(pending__gt=0)
    may_run = Q(waiting__gt=0) | Q(state__in=_COMING)
    running = Q(leased__gt=0) | Q(started_now__gt=0)
    return jobs.filter(Q(may_run, barred="") | running).exists()


def _end_due(apparatus: Apparatus, session: str, now: datetime) -> None:
    row = Session.objects.select_related("owner", "apparatus").get(pk=session)
    if _in_use(row):
        row.last_active = now
    why = why_over(life_of(row), now)
    if why:
        end_for_good(row, apparatus, why, Note(now=now, actor="hub"))


def end_for_good(row: Session, apparatus: Apparatus, why: str, note: Note) -> None:
    """End a session that is alive; what it has not started goes on in the queue."""
    if row.state not in turn_queries.ALIVE:
        return
    seconds = _seconds(row, note.now) if row.opened else 0.0
    turn_services.end_row(row, why, charged=seconds, now=note.now)
    if row.opened:
        key = Key(row.group_id, row.owner_id)
        charge_session(apparatus, key, seconds, now=note.now)
    over = replace(note, detail=f"its session has ended: {why}")
    return_leases(apparatus, over, Q(job__session=row.pk))
    _let_go(row, apparatus, over)
    _tell_of(row, "ended", replace(note, detail=why))


def _let_go(row: Session, apparatus: Apparatus, note: Note) -> None:
    """Let what a session has left run like other jobs."""
    for job in _left_over(row):
        touch(job, {"session": ""})
        job.session = ""
        rebar(job, apparatus, note)


def _left_over(row: Session) -> Jobs:
    """Return its jobs of which a shot may run yet, also by a later decision."""
    mine = Job.objects.filter(owner_id=row.owner_id, session=row.pk)
    return mine.filter(Q(pending__gt=0) | Q(shots_unknown__gt=0))


def _seconds(row: Session, now: datetime) -> float:
    running = Shot.objects.filter(
        job__session=row.pk, state=ShotState.STARTED.value
    ).aggregate(since=Min("started"))
    return seconds_to_charge(row.opened or now, now, running["since"])


def _tell_of(row: Session, what: str, note: Note) -> None:
    detail = f"session {row.pk} of {row.owner.key}"
    said = replace(note, detail=f"{detail}: {note.detail}" if note.detail else detail)
    record_of_apparatus(f"session.{what}", said, row.apparatus_id)
    wake(f"session:{row.pk}")
