"""Times as users write them: with a zone, or else in the zone of this computer."""

import re
from datetime import datetime, timedelta

from shothub.client.errors import Refused
from shothub.domain.faults import Fault

AnyMoment = datetime | str
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def moment(given: AnyMoment, *, now: datetime, where: str = "start") -> datetime:
    """Return a moment with its zone.

    Args:
        given: a datetime, ``now``, ``14:30`` (the next time that the clock here shows so),
            or ISO 8601 such as ``2026-12-24 14:30``; without a zone it is local time.
        now: the present time.
        where: what it is, for the refusal.

    Raises:
        Refused: it is none of these.
    """
    if isinstance(given, datetime):
        return _aware(given)
    text = given.strip()
    if text == "now":
        return now
    clock = _CLOCK.fullmatch(text)
    if clock:
        here = now.astimezone()
        hour, minute = (int(part) for part in clock.groups())
        today = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return today if today > here else today + timedelta(days=1)
    try:
        return _aware(datetime.fromisoformat(text))
    except ValueError:
        raise Refused(
            Fault(
                code="bad_time",
                detail=f"{text!r} is no time.",
                where=where,
                hint="write 2026-12-24 14:30, 14:30 or now",
            )
        ) from None


def _aware(given: datetime) -> datetime:
    return given.astimezone() if given.tzinfo is None else given


def local(at: datetime) -> str:
    """Return a moment in the zone of this computer, as tables show it."""
    return f"{at.astimezone():%a %Y-%m-%d %H:%M}"


def zone(at: datetime) -> str:
    """Return the name of this computer's zone at a moment, with its offset."""
    here = at.astimezone()
    return f"{here:%Z} (UTC{here:%z})"
