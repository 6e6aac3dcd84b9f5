"""What can be done with apparatus."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.transaction import TransactionManagementError

from shothub.domain.acts import Act
from shothub.domain.names import is_slug
from shothub.domain.numbers import fence_after
from shothub.domain.rivals import Opening, recent
from shothub.server.apparatus.models import Apparatus
from shothub.server.audit.services import record
from shothub.server.refusals import Invalid
from shothub.server.rows import ask, columns
from shothub.wire.agents import OpenSession
from shothub.wire.apparatus import ApparatusStatus, Description

_SEEN_EVERY = 5.0
_MOST_NAMED = 20


def create_apparatus(*, name: str, now: datetime, title: str = "") -> Apparatus:
    """Make an apparatus; its agent describes it when it first connects.

    Raises:
        Invalid: the name is no slug, or taken.
    """
    if not is_slug(name):
        raise Invalid(
            f"{name[:48]!r} cannot name an apparatus.",
            code="bad_name",
            where="name",
            hint="lower-case letters, digits, - and _, beginning with a letter",
        )
    if Apparatus.objects.filter(name=name).exists():
        raise Invalid(f"There is an apparatus {name!r}.", code="taken", where="name")
    described = _described(Description(title=title))
    with transaction.atomic():
        record(Act.APPARATUS_CREATED, now=now, on=f"apparatus {name}")
        return Apparatus.objects.create(
            name=name, title=title, created=now, **described
        )


def _described(description: Description) -> dict[str, Any]:
    text = description.model_dump_json()
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"description": json.loads(text), "description_digest": digest}


def lock_apparatus(which: int | str) -> Apparatus:
    """Return an apparatus, read anew and locked until the transaction ends.

    It must be the first statement of every transaction that changes jobs or shots, or
    that decides by what it reads of them: PostgreSQL, unlike SQLite, lets writers work at
    the same time, and only this row keeps them apart. What was read before it may be
    old. The order of locks is: apparatus, job, user or group, anything else. New jobs
    alone may be inserted without it.

    Args:
        which: its primary key or its name.

    Raises:
        Apparatus.DoesNotExist: there is none.
    """
    if connection.features.has_select_for_update and connection.get_autocommit():
        raise TransactionManagementError("an apparatus is locked within a transaction")
    # The key stays as it is, so that rows pointing here can be inserted meanwhile.
    how = " FOR NO KEY UPDATE" if connection.features.has_select_for_update else ""
    known = columns(Apparatus, "apparatus", "description")
    key = "id" if isinstance(which, int) else "name"
    sql = f"SELECT {known.sql} FROM apparatus_apparatus apparatus WHERE {key} = %s{how}"  # noqa: S608
    for row in ask(sql, [which]):
        return known.object(row)
    raise Apparatus.DoesNotExist(f"There is no apparatus {which!r}.")


def lock_several(apparatus: Iterable[int]) -> dict[int, Apparatus]:
    """Return several apparatus by primary key, locked in an order that cannot deadlock."""
    locked = Apparatus.objects.select_for_update(no_key=True).defer("description")
    rows = locked.filter(pk__in=set(apparatus)).order_by("pk")
    return {row.pk: row for row in rows}


def begin_epoch(apparatus: Apparatus, opening: OpenSession, *, now: datetime) -> int:
    """Raise the epoch and store what the new session publishes."""
    _note_limits(apparatus, opening.description, now)
    Apparatus.objects.filter(pk=apparatus.pk).update(
        epoch=F("epoch") + 1,
        fence=fence_after(apparatus.fence, now),
        **_described(opening.description),
        agent=f"{opening.agent_version} on {opening.host}"[:200],
        last_seen=now,
        polls={},
    )
    apparatus.refresh_from_db(
        fields=["epoch", "fence", "last_seen", "description_digest", "agent", "polls"]
    )
    return apparatus.epoch


def _note_limits(apparatus: Apparatus, new: Description, now: datetime) -> None:
    """Put on record which outputs got other limits, or are new or gone."""
    known = Description.model_validate(apparatus.description).outputs
    before = {output.name: output for output in known}
    after = {output.name: output for output in new.outputs}
    if not before or before == after:
        return
    differ = [
        name
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    detail = {"outputs": differ[:_MOST_NAMED], "number": len(differ)}
    where = f"apparatus {apparatus.name}"
    record(Act.LIMITS_CHANGED, now=now, on=where, detail=detail)


def note_opening(apparatus: Apparatus, agent: str, *, now: datetime) -> list[Opening]:
    """Remember who opens a session; return the sessions of the last minutes, this last."""
    known = [
        Opening(agent=who, at=datetime.fromisoformat(at))
        for who, at in apparatus.sessions
    ]
    openings = recent([*known, Opening(agent=agent, at=now)], now)
    apparatus.sessions = [[each.agent, each.at.isoformat()] for each in openings]
    Apparatus.objects.filter(pk=apparatus.pk).update(sessions=apparatus.sessions)
    return openings


def latch_hold(apparatus: Apparatus, reason: str) -> bool:
    """Let nothing start until a person lifts the hold; tell whether it is a new one."""
    if apparatus.hold:
        return False
    apparatus.hold = reason[:500]
    held = Apparatus.objects.filter(pk=apparatus.pk, hold="")
    return bool(held.update(hold=apparatus.hold))


def hold_all(reason: str) -> None:
    """Let nothing start on any apparatus until a person lifts its hold."""
    for apparatus in Apparatus.objects.defer("description"):
        latch_hold(apparatus, reason)


def is_newest_poll(
    apparatus: Apparatus, kind: str, serial: int, *, again: bool
) -> bool:
    """Tell whether this is the newest poll of its kind, and remember that it came.

    ``again`` says that it came before and is looked at once more.
    """
    newest = int(apparatus.polls.get(kind, 0))
    if again or serial <= newest:
        return again and serial == newest
    apparatus.polls = {**apparatus.polls, kind: serial}
    Apparatus.objects.filter(pk=apparatus.pk).update(polls=apparatus.polls)
    return True


def note_contact(
    apparatus: Apparatus, status: ApparatusStatus, *, now: datetime
) -> bool:
    """Store what the agent says of the machine, if it is news; tell whether it was."""
    told = status.model_dump(mode="json")
    seen = apparatus.last_seen
    fresh = seen is not None and (now - seen).total_seconds() < _SEEN_EVERY
    if fresh and told == apparatus.status:
        return False
    Apparatus.objects.filter(pk=apparatus.pk).update(status=told, last_seen=now)
    changed = bool(told != apparatus.status)
    apparatus.status, apparatus.last_seen = told, now
    return changed


def set_paused(apparatus: Apparatus, *, paused: bool, message: str) -> None:
    """Let nothing start, or let it start again."""
    apparatus.paused, apparatus.pause_message = paused, message[:500]
    apparatus.save(update_fields=["paused", "pause_message"])


def set_draining(apparatus: Apparatus, *, since: datetime | None, message: str) -> None:
    """Keep what is submitted after ``since`` waiting; None ends it."""
    apparatus.draining, apparatus.drained_from = since is not None, since
    apparatus.pause_message = message[:500]
    apparatus.save(update_fields=["draining", "drained_from", "pause_message"])


def lift_hold(apparatus: Apparatus) -> None:
    """Take back the hold that the hub has put on the apparatus.

    Whoever lifts it has ended the fight, if it was for one: the agent that stays may open
    a session without being taken for a rival again.
    """
    apparatus.hold, apparatus.sessions = "", apparatus.sessions[-1:]
    apparatus.save(update_fields=["hold", "sessions"])
