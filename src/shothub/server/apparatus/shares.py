"""The rows of fair queueing: shares read as the rules see them, and written back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from shothub.domain import express
from shothub.domain.budgets import Window
from shothub.domain.charging import tag_on_arrival
from shothub.domain.queue import Key, Policy, Service, Share, State
from shothub.domain.shares import HOUR
from shothub.server.apparatus import models
from shothub.server.apparatus.models import Apparatus, Usage
from shothub.server.apparatus.queries import description_of
from shothub.server.rows import ask, columns, update


def share_of(apparatus: Apparatus, *, group: int | None, user: int) -> models.Share:
    """Return the row of a user, within a group or alone; made if it is new."""
    known = columns(models.Share, "share")
    where, values = _one(apparatus, group, user)
    sql = f"SELECT {known.sql} FROM apparatus_share share WHERE {where}"  # noqa: S608
    for row in ask(sql, values):
        return known.object(row)
    rows = models.Share.objects
    if group is not None:  # whoever has a row in a group has one of the whole
        rows.get_or_create(apparatus=apparatus, group_id=group, user=None)
    found, _ = rows.get_or_create(apparatus=apparatus, **_whose(group, user))
    return found


def _one(
    apparatus: Apparatus, group: int | None, user: int
) -> tuple[str, list[object]]:
    """Return the condition of a user's row, within a group or alone, and its values."""
    where = "apparatus_id = %s AND user_id = %s AND group_id"
    if group is None:
        return f"{where} IS NULL", [apparatus.pk, user]
    return f"{where} = %s", [apparatus.pk, user, group]


def _whose(group: int | None, user: int | None) -> dict[str, Any]:
    return {"group_id": group, "user_id": user}


# Plain SQL, as every lease of a shot counts.
_COUNT = """
    UPDATE apparatus_share
    SET waiting = CASE WHEN waiting + %s > 0 THEN waiting + %s ELSE 0 END
    WHERE id = %s OR id = (
        SELECT whole.id FROM apparatus_share mine
        JOIN apparatus_share whole ON whole.apparatus_id = mine.apparatus_id
            AND whole.group_id = mine.group_id AND whole.user_id IS NULL
        WHERE mine.id = %s
    )
"""


def add_waiting(share: int, shots: int) -> None:
    """Count shots of a share that may run from now on, or not any more if negative.

    Who begins to wait is lifted to the virtual time: idle time earns no credit.
    """
    if shots > 0:
        _lift(share)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [shots, shots, share, share])


def _lift(share: int) -> None:
    row = models.Share.objects.select_related("apparatus").get(pk=share)
    apparatus = row.apparatus
    floor = apparatus.virtual_time
    if row.group_id is not None:
        whole = models.Share.objects.get(
            apparatus=apparatus, group_id=row.group_id, user=None
        )
        _begin_waiting(whole, floor)
        floor = whole.virtual_time
    _begin_waiting(row, floor)
    if not apparatus.stirred:
        Apparatus.objects.filter(pk=apparatus.pk).update(stirred=True)


def _begin_waiting(row: models.Share, virtual_time: float) -> None:
    tag = tag_on_arrival(row.tag, virtual_time)
    if not row.waiting and tag != row.tag:
        models.Share.objects.filter(pk=row.pk).update(tag=tag)


def empty_state(apparatus: Apparatus) -> State:
    """Return the queue of an apparatus without its shares and without work."""
    return State(
        policy=policy_of(apparatus),
        virtual_time=apparatus.virtual_time,
        burst=apparatus.burst,
        config=apparatus.config,
        switch=apparatus.switch_seconds,
        express=_window(apparatus, Service.EXPRESS, express.SPAN),
        calibration=_window(apparatus, Service.CALIBRATION, HOUR),
    )


def policy_of(apparatus: Apparatus) -> Policy:
    """Return how the lab wants the machine shared, within what makes sense."""
    told = Policy(**description_of(apparatus).queue.model_dump())
    return replace(
        told,
        setup_share=min(max(told.setup_share, 0.01), 1.0),
        half_life=max(told.half_life, 1.0),
        memory=max(told.memory, 1.0),
    )


def _time_of(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _window(apparatus: Apparatus, service: Service, span: float) -> Window:
    spent = apparatus.spent.get(service.value, [])
    return Window(span, tuple((int(part), float(used)) for part, used in spent))


def write_state(apparatus: Apparatus, key: Key, state: State, *, share: int) -> None:
    """Store what a charge to one share has changed; the apparatus is locked.

    Args:
        apparatus: as read in this transaction.
        key: of the share.
        state: the queue after the charge.
        share: primary key of the share.
    """
    _write('"id" = %s', [share], state.share(key))
    if key.group is not None:
        whole = '"apparatus_id" = %s AND "group_id" = %s AND "user_id" IS NULL'
        _write(whole, [apparatus.pk, key.group], state.group(key.group))
    if state.serving == key:
        apparatus.serving_id = share
    apparatus.virtual_time, apparatus.burst = state.virtual_time, state.burst
    apparatus.spent = {
        Service.EXPRESS.value: state.express.spent,
        Service.CALIBRATION.value: state.calibration.spent,
    }
    fields = ("virtual_time", "serving_id", "burst", "spent")
    changes = {name: getattr(apparatus, name) for name in fields}
    update(Apparatus, '"id" = %s', [apparatus.pk], changes)


def _write(where: str, values: Sequence[object], share: Share) -> None:
    changes = {
        "tag": share.tag,
        "virtual_time": share.virtual_time,
        "usage": share.usage,
        "usage_at": _time_of(share.usage_at),
        "credit": share.credit,
        "credit_at": _time_of(share.credit_at),
    }
    update(models.Share, where, values, changes)


def add_usage(
    apparatus: Apparatus, key: Key, seconds: float, ended: datetime, *, shots: int = 1
) -> None:
    """Enter machine seconds, and the shots that took them, into the user's day."""
    day = ended.astimezone(UTC).date()
    where, values = _one(apparatus, key.group, key.user)
    values.append(connection.ops.adapt_datefield_value(day))
    more = {"seconds": seconds, "shots": shots}
    if update(Usage, f"{where} AND day = %s", values, {}, more):
        return
    Usage.objects.create(
        apparatus=apparatus,
        day=day,
        **_whose(key.group, key.user),
        seconds=seconds,
        shots=shots,
    )
