"""Questions about sessions: users' turns of their own."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shothub.domain.calendar import Turn
from shothub.domain.names import is_file_name
from shothub.domain.turns import Life
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.refusals import NotThere
from shothub.server.reservations.models import Session
from shothub.server.rows import ask, aware
from shothub.wire.reservations import SessionView

ALIVE = ("waiting", "open")
_ANY_WAITS = """
    SELECT 1 FROM reservations_session
    WHERE apparatus_id = %s AND state IN ('waiting', 'open') AND state = 'waiting'
    LIMIT 1
"""


class NoSuchSession(NotThere):
    """There is no such session, or it is not yours."""


# Plain SQL, asked at every lease and every start within a session.
_OPEN = """
    SELECT turn.id, turn.owner_id, turn.group_id, turn.until, owner.key
    FROM reservations_session turn JOIN accounts_user owner ON owner.id = turn.owner_id
    WHERE turn.apparatus_id = %s AND turn.state = 'open'
"""


def open_turn(apparatus: Apparatus) -> Turn | None:
    """Return the open session of an apparatus, if there is one."""
    rows = ask(_OPEN, [apparatus.pk])
    if not rows:
        return None
    [(ident, user, group, until, name)] = rows
    return Turn(id=ident, user=user, group=group, until=aware(until), name=name)


def waiting_turns(apparatus: Apparatus) -> list[Session]:
    """Return the sessions that wait for their turn, first asked for first."""
    # Plain SQL, asked at every lease: nearly always none waits.
    if not ask(_ANY_WAITS, [apparatus.pk]):
        return []
    rows = Session.objects.filter(apparatus=apparatus, state="waiting")
    return list(rows.order_by("requested", "id"))


@dataclass(frozen=True, kw_only=True)
class AliveTurn:
    """A session that waits or is open, as everybody sees it on the calendar."""

    id: str
    owner: str
    state: str
    until: datetime | None
    may_end: bool


def alive_turns(apparatus: Apparatus, principal: Principal) -> list[AliveTurn]:
    """Return the open session and those that wait, in order."""
    rows = Session.objects.filter(apparatus=apparatus, state__in=ALIVE)
    return [
        AliveTurn(
            id=row.pk,
            owner=row.owner.key,
            state=row.state,
            until=row.until,
            may_end=may_see(row, principal),
        )
        for row in rows.select_related("owner", "apparatus").order_by("requested")
    ]


def find_session(principal: Principal, session: str) -> Session:
    """Return one session of the user, or any on an apparatus that he operates.

    Raises:
        NoSuchSession: there is none, or it is another's.
    """
    rows = Session.objects.select_related("apparatus", "owner", "group")
    rows = rows.defer("apparatus__description")
    row = rows.filter(pk=session).first() if is_file_name(session) else None
    if row is None or not may_see(row, principal):
        raise NoSuchSession(f"There is no session {session[:16]!r} of yours.")
    return row


def may_see(row: Session, principal: Principal) -> bool:
    """Tell whether a session is one's own, or on an apparatus that one operates."""
    where = row.apparatus.name
    mine = row.owner_id == principal.user and principal.reaches(where)
    return mine or principal.may("operator", where)


def list_sessions(
    principal: Principal, apparatus: Apparatus | None = None, *, limit: int = 100
) -> list[SessionView]:
    """Return the user's sessions, newest first, or those of an apparatus he operates."""
    rows = Session.objects.select_related("apparatus", "owner", "group")
    rows = rows.defer("apparatus__description")
    if apparatus:
        rows = rows.filter(apparatus=apparatus)
    if principal.only_on:
        rows = rows.filter(apparatus__name__in=principal.only_on)
    if apparatus is None or not principal.may("operator", apparatus.name):
        rows = rows.filter(owner_id=principal.user)
    return [session_view(row) for row in rows.order_by("-requested", "id")[:limit]]


def session_view(
    row: Session, *, others: int | None = None, notice: str = ""
) -> SessionView:
    """Return a session as its owner sees it."""
    return SessionView(
        id=row.pk,
        apparatus=row.apparatus.name,
        owner=row.owner.key,
        group=row.group.name if row.group else "",
        state=row.state,
        idle_seconds=row.idle_seconds,
        total_seconds=row.total_seconds,
        requested=row.requested,
        opened=row.opened,
        until=row.until,
        ended=row.ended,
        charged=row.charged,
        others=others,
        notice=notice or row.why,
    )


def life_of(row: Session) -> Life:
    """Return what decides when a session is over."""
    return Life(
        opened=row.opened,
        until=row.until,
        idle=timedelta(seconds=row.idle_seconds),
        total=timedelta(seconds=row.total_seconds),
        last_active=row.last_active or row.requested,
    )
