"""What can be done with reservations: rows alone; the caller holds the apparatus's lock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shothub.domain.calendar import clash, next_free, weeks_of
from shothub.domain.names import is_slug
from shothub.server.accounts.models import Group, Membership
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.refusals import Conflict, Forbidden, Invalid
from shothub.server.reservations.models import Reservation
from shothub.server.reservations.queries import (
    booked_hours,
    bookings_from,
    may_change,
    policy_of,
    weekly_hours,
)
from shothub.server.reservations.turn_queries import open_turn

SHORTEST = timedelta(minutes=1)
_LATE = timedelta(minutes=5)  # who books "from now" may have read his clock a while ago
_LONGEST = timedelta(days=31)  # of operators
_FARTHEST = timedelta(days=732)  # of operators


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody would book; ``group`` for the kind ``group`` only."""

    kind: str
    starts: datetime
    ends: datetime
    group: str = ""
    title: str = ""


class Overlap(Conflict):
    """Somebody else has booked the time."""

    code = "overlap"


class OverBudget(Conflict):
    """More hours than one may book in a week."""

    code = "over_budget"


def book(
    principal: Principal, apparatus: Apparatus, wish: Wish, *, now: datetime
) -> Reservation:
    """Book time on a locked apparatus.

    Raises:
        Invalid: the span is no span, lies in the past, is too long or too far ahead.
        Forbidden: one may not book this there.
        Overlap: the time is taken; says by whom, and when it is free.
        OverBudget: more than one may book in that week; says how much is left.
    """
    operates = principal.may("operator", apparatus.name)
    group = _group_for(principal, wish, operates=operates)
    if wish.starts < now - _LATE:
        raise _invalid("It would begin in the past.", "starts", "past")
    if not operates:
        _require_allowed(apparatus, (principal.user, group))
    _require_fitting(apparatus, (wish.starts, wish.ends), operates=operates, now=now)
    if not operates:
        _require_budget(apparatus, (principal.user, group), wish)
    _require_free(apparatus, wish.starts, wish.ends)
    if wish.kind != "maintenance":
        _require_no_turn(principal, apparatus, wish.starts)
    return Reservation.objects.create(
        apparatus=apparatus,
        kind=wish.kind,
        owner_id=principal.user,
        group=group,
        title=wish.title,
        starts=wish.starts,
        ends=wish.ends,
        created=now,
    )


def change(
    principal: Principal,
    row: Reservation,
    *,
    starts: datetime | None,
    ends: datetime | None,
    title: str | None,
    now: datetime,
) -> Reservation:
    """Move, shorten, extend or rename a reservation on a locked apparatus.

    Raises:
        Forbidden: it is another's.
        Conflict: it is over or cancelled, or has begun and would begin at another time.
        Invalid, Overlap, OverBudget: as in `book`.
    """
    require_changeable(principal, row, now)
    new_starts, new_ends = starts or row.starts, ends or row.ends
    if new_starts != row.starts and (row.starts <= now or new_starts < now):
        raise Conflict(
            "What has begun keeps its begin, and nothing begins in the past.",
            code="has_begun",
            where="starts",
        )
    operates = principal.may("operator", row.apparatus.name)
    if (new_starts, new_ends) != (row.starts, row.ends):
        span = (new_starts, new_ends)
        _require_fitting(row.apparatus, span, operates=operates, now=now)
        wish = Wish(kind=row.kind, starts=new_starts, ends=new_ends)
        if not operates:
            holder = (row.owner_id, row.group)
            _require_budget(row.apparatus, holder, wish, apart_from=row.pk)
        _require_free(row.apparatus, new_starts, new_ends, apart_from=row.pk)
        if row.kind != "maintenance" and new_starts < row.starts:
            _require_no_turn(principal, row.apparatus, new_starts)
    row.starts, row.ends = new_starts, new_ends
    row.title = row.title if title is None else title
    row.save(update_fields=["starts", "ends", "title"])
    return row


def cancel(principal: Principal, row: Reservation, *, now: datetime) -> bool:
    """Give a reservation up for good; tell whether it stood. Idempotent.

    Raises:
        Forbidden: it is another's.
        Conflict: it is over.
    """
    if row.cancelled is not None and may_change(row, principal):
        return False
    require_changeable(principal, row, now)
    row.cancelled = now
    row.save(update_fields=["cancelled"])
    return True


def require_changeable(principal: Principal, row: Reservation, now: datetime) -> None:
    """Refuse changes by others, and of what is over.

    Raises:
        Forbidden: it is another's.
        Conflict: it is over or cancelled.
    """
    if not may_change(row, principal):
        raise Forbidden(
            f"The reservation is {row.owner.key}'s.",
            code="not_yours",
            hint="its owner and the operators may change it",
        )
    if row.cancelled is not None or row.ends <= now:
        raise Conflict("The reservation is over.", code="reservation_over")


def _group_for(principal: Principal, wish: Wish, *, operates: bool) -> Group | None:
    if wish.kind == "maintenance" and not operates:
        raise Forbidden(
            "Only operators book maintenance.",
            code="operator_not_granted",
            where="kind",
        )
    if wish.kind != "group":
        if wish.group:
            raise _invalid("Only a reservation of kind group has one.", "group")
        return None
    named = Group.objects.filter(name=wish.group)
    group = named.first() if is_slug(wish.group) else None
    member = Membership.objects.filter(user_id=principal.user, group=group)
    if group is None or not (operates or member.exists()):
        raise Forbidden(
            f"You are in no group {wish.group[:48]!r}.",
            code="not_in_group",
            where="group",
        )
    return group


def _require_fitting(
    apparatus: Apparatus,
    span: tuple[datetime, datetime],
    *,
    operates: bool,
    now: datetime,
) -> None:
    starts, ends = span
    policy = policy_of(apparatus)
    longest = _LONGEST if operates else timedelta(hours=policy.longest_hours)
    if ends <= now:
        raise _invalid("It would end in the past.", "ends", "past")
    if ends - starts < SHORTEST:
        raise _invalid("It must end a minute after it starts, or later.", "ends")
    if ends - starts > longest:
        hours = longest.total_seconds() / 3600
        detail = f"It is longer than the {hours:g} hours that are allowed at once."
        raise _invalid(detail, "ends", "too_long")
    ahead = _FARTHEST if operates else timedelta(days=policy.days_ahead)
    if starts > now + ahead:
        days = ahead.total_seconds() / 86_400
        detail = f"One may book {days:g} days ahead, not more."
        raise _invalid(detail, "starts", "too_far_ahead")


def _invalid(detail: str, where: str, code: str = "bad_span") -> Invalid:
    return Invalid(detail, code=code, where=where)


def _require_allowed(apparatus: Apparatus, holder: tuple[int, Group | None]) -> None:
    if weekly_hours(apparatus, *holder) <= 0:
        raise Forbidden(
            f"The lab lets {_named(holder)} book no time on {apparatus.name!r}.",
            code="reservations_not_granted",
            hint="its operators book; ask the lab for hours of your own",
        )


def _named(holder: tuple[int, Group | None]) -> str:
    return f"the group {holder[1].name}" if holder[1] else "you"


def _require_budget(
    apparatus: Apparatus,
    holder: tuple[int, Group | None],
    wish: Wish,
    *,
    apart_from: int = 0,
) -> None:
    allowed = weekly_hours(apparatus, *holder)
    for week in weeks_of(wish.starts, wish.ends):
        booked = booked_hours(apparatus, holder, week, apart_from=apart_from)
        inside = min(wish.ends, week[1]) - max(wish.starts, week[0])
        asked = inside.total_seconds() / 3600
        if booked + asked > allowed + 1e-9:
            raise OverBudget(
                f"In the week from {week[0]:%Y-%m-%d}, {booked:.2f} of {allowed:g} hours"
                f" are booked for {_named(holder)}; {asked:.2f} more do not fit.",
                hint=f"book {max(allowed - booked, 0):.2f} hours, or in the week from"
                f" {week[1]:%Y-%m-%d}",
            )


def _require_free(
    apparatus: Apparatus, starts: datetime, ends: datetime, *, apart_from: int = 0
) -> None:
    bookings = bookings_from(apparatus, starts, apart_from=apart_from)
    found = clash(bookings, starts, ends)
    if found is None:
        return
    free = next_free(bookings, starts, ends - starts)
    whose = f"reserved for {found.name}" if found.holder else "kept for maintenance"
    raise Overlap(
        f"From {_in_words(found.starts)} to {_in_words(found.ends)} it is {whose}"
        f" (reservation {found.id}).",
        where="starts",
        hint=f"so long a time is free from {_in_words(free)}",
    )


def _require_no_turn(
    principal: Principal, apparatus: Apparatus, starts: datetime
) -> None:
    turn = open_turn(apparatus)
    if turn and turn.user != principal.user and starts < turn.until:
        raise Overlap(
            f"A session of {turn.name} is open until {_in_words(turn.until)} at most.",
            where="starts",
            hint="book from then on, or try again when the session is over",
        )


def _in_words(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
