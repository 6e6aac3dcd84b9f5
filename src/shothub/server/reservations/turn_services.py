"""What can be done with sessions: rows alone; the caller holds the apparatus's lock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shothub.domain.calendar import turn_until
from shothub.server.accounts.models import Group, Membership
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.refusals import Conflict, Forbidden, Invalid
from shothub.server.reservations.models import Session
from shothub.server.reservations.queries import policy_of, standing
from shothub.server.reservations.turn_queries import ALIVE

_NOTED_EVERY = timedelta(seconds=5)


@dataclass(frozen=True, kw_only=True)
class TurnWish:
    """The turn that somebody would like; ``group`` as in jobs."""

    idle_seconds: float
    total_seconds: float
    group: str = ""


def ask_turn(
    principal: Principal,
    apparatus: Apparatus,
    wish: TurnWish,
    *,
    ident: str,
    now: datetime,
) -> Session:
    """Store a session that waits for its turn on a locked apparatus.

    Raises:
        Invalid: a limit is larger than the lab allows.
        Forbidden: the lab allows no sessions, or one is not in the group.
        Conflict: one has a session there already.
    """
    _require_allowed(apparatus, wish)
    alive = Session.objects.filter(
        apparatus=apparatus, owner_id=principal.user, state__in=ALIVE
    ).first()
    if alive:
        raise Conflict(
            f"You have a session on {apparatus.name!r} already: {alive.pk},"
            f" which is {alive.state}.",
            code="session_exists",
            hint="use it, or end it first",
        )
    return Session.objects.create(
        id=ident,
        apparatus=apparatus,
        owner_id=principal.user,
        group=group_for(principal.user, wish.group),
        state="waiting",
        idle_seconds=wish.idle_seconds,
        total_seconds=wish.total_seconds,
        requested=now,
        last_active=now,
    )


def _require_allowed(apparatus: Apparatus, wish: TurnWish) -> None:
    policy = policy_of(apparatus)
    if policy.session_total <= 0:
        raise Forbidden(
            f"The lab allows no sessions on {apparatus.name!r}.",
            code="sessions_not_allowed",
        )
    for name, asked, allowed in (
        ("idle_seconds", wish.idle_seconds, policy.session_idle),
        ("total_seconds", wish.total_seconds, policy.session_total),
    ):
        if asked > allowed:
            raise Invalid(
                f"{name} is {asked:g}; the lab allows {allowed:g}.",
                code="too_long",
                where=name,
            )


def group_for(user: int, asked: str) -> Group | None:
    """Return the group on whose allocation a user runs: as jobs name it.

    Raises:
        Forbidden: he is not in it.
    """
    if asked == "-":
        return None
    rows = Membership.objects.filter(user_id=user).select_related("group")
    wanted = {"group__name": asked} if asked else {"is_default": True}
    member = rows.filter(**wanted).first()
    if member is None and asked:
        raise Forbidden(
            f"You are in no group {asked!r}.", code="not_in_group", where="group"
        )
    return member.group if member else None


def open_row(row: Session, apparatus: Apparatus, *, now: datetime) -> bool:
    """Give a waiting session its turn; tell whether it still waited."""
    until = turn_until(
        standing(apparatus, now),
        user=row.owner_id,
        group=row.group_id,
        seconds=row.total_seconds,
        now=now,
    )
    changes = {"state": "open", "opened": now, "last_active": now, "until": until}
    moved = Session.objects.filter(pk=row.pk, state="waiting").update(**changes)
    if moved:
        row.refresh_from_db()
    return bool(moved)


def cut_turn(apparatus: Apparatus, starts: datetime) -> None:
    """Let the open session end where maintenance begins that was booked meanwhile."""
    rows = Session.objects.filter(apparatus=apparatus, state="open", until__gt=starts)
    rows.update(until=starts)


def end_row(row: Session, why: str, *, charged: float, now: datetime) -> bool:
    """End a session that is alive; tell whether it was."""
    moved = Session.objects.filter(pk=row.pk, state__in=ALIVE).update(
        state="ended", ended=now, charged=charged, why=why[:200]
    )
    if moved:
        row.refresh_from_db()
    return bool(moved)


def note_active(row: Session, *, now: datetime) -> None:
    """Note that a session is in use, or that its owner asked for it while it waits."""
    old = now - min(_NOTED_EVERY, timedelta(seconds=row.idle_seconds / 20))
    rows = Session.objects.filter(pk=row.pk, state__in=ALIVE, last_active__lt=old)
    rows.update(last_active=now)
