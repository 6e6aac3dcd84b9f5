"""Questions about what is on record."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Q

from shothub.server.audit.models import Entries, Entry

_AT_ONCE = 1_000


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which acts are asked for; what is empty does not narrow it.

    Attributes:
        what: an act, or the part before its point: ``token`` for all of tokens.
        who: name of a user who did it or whose account it concerns.
        on: a part of what it was done to.
        since, until: the first is included, the last is not.
        before: only acts with lower numbers, for the next page.
    """

    what: str = ""
    who: str = ""
    on: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """Who reads the record.

    Attributes:
        user: his number.
        staff: whether he reads all of it, not only of his own account.
    """

    user: int | None = None
    staff: bool = False


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """An act as somebody may read it; names are as they were then.

    Attributes:
        address: empty if the reader may not know from where another acted.
    """

    number: int
    at: datetime
    what: str
    actor: str
    by: str
    subject: str
    on: str
    address: str
    detail: dict[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**vars(self), "at": self.at.isoformat()}


def recorded(viewer: Viewer, wanted: Wanted, *, limit: int) -> list[Recorded]:
    """Return what is on record and may be read, newest first."""
    return [_seen(row, viewer) for row in _fitting(viewer, wanted)[:limit]]


def all_recorded(viewer: Viewer, wanted: Wanted) -> Iterator[Recorded]:
    """Yield all of it, however much there is, newest first."""
    for row in _fitting(viewer, wanted).iterator(_AT_ONCE):
        yield _seen(row, viewer)


def _fitting(viewer: Viewer, wanted: Wanted) -> Entries:
    rows = Entry.objects.visible_to(viewer.user, staff=viewer.staff).order_by("-pk")
    if wanted.what:
        rows = rows.filter(Q(what=wanted.what) | Q(what__startswith=f"{wanted.what}."))
    if wanted.who:
        rows = rows.filter(Q(actor_name=wanted.who) | Q(subject_name=wanted.who))
    if wanted.on:
        rows = rows.filter(on__icontains=wanted.on)
    if wanted.since:
        rows = rows.filter(at__gte=wanted.since)
    if wanted.until:
        rows = rows.filter(at__lt=wanted.until)
    return rows.filter(pk__lt=wanted.before) if wanted.before else rows


def _seen(row: Entry, viewer: Viewer) -> Recorded:
    seen = Recorded(
        number=row.pk,
        at=row.at,
        what=row.what,
        actor=row.actor_name,
        by=row.by,
        subject=row.subject_name,
        on=row.on,
        address=row.address,
        detail=row.detail,
    )
    others = row.actor is not None and row.actor != viewer.user
    return replace(seen, address="") if others and not viewer.staff else seen
