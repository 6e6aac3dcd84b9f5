"""Telling people: messages are written in the transaction of what they tell of."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.apps import apps
from pydantic import JsonValue

from shothub.domain.notices import OCCASIONS
from shothub.server.outbox.models import Message
from shothub.server.outbox.queries import Addressee, addressees, staff_of
from shothub.server.rows import insert

TOPIC = "outbox"


def tell(
    user_id: int,
    event: str,
    subject: str,
    body: str,
    *,
    now: datetime,
    data: Mapping[str, JsonValue] | None = None,
) -> None:
    """Tell a user, in the caller's transaction, by the ways that he has chosen.

    Nothing is written if he wants to hear nothing of it.

    Args:
        user_id: whom to tell.
        event: one of domain.notices.OCCASIONS.
        subject: one line.
        body: the text of a mail, without greeting and link.
        now: the present time.
        data: for webhooks, beside the text; ``path`` is a page of the hub to link to.

    Raises:
        KeyError: there is no such occasion.
    """
    tell_all([user_id], event, subject, body, now=now, data=data)


def tell_staff(
    apparatus: str,
    event: str,
    subject: str,
    body: str,
    *,
    now: datetime,
    data: Mapping[str, JsonValue] | None = None,
) -> None:
    """Tell the operators of an apparatus and the staff of the hub, as in ``tell``."""
    whole = {"apparatus": apparatus, **(data or {})}
    tell_all(staff_of(apparatus), event, subject, body, now=now, data=whole)


def tell_all(
    users: Iterable[int],
    event: str,
    subject: str,
    body: str,
    *,
    now: datetime,
    data: Mapping[str, JsonValue] | None = None,
) -> None:
    """Tell several users the same."""
    whole = {"text": body, **(data or {})}
    found = addressees(users, event, apparatus=str(whole.get("apparatus", "")))
    write(found, event, subject=subject, body=whole, now=now)


def hears(user_id: int, event: str) -> bool:
    """Tell whether anything would be written for the user: texts may cost a query."""
    return bool(addressees([user_id], event))


def write(
    found: Iterable[Addressee],
    event: str,
    *,
    subject: str,
    body: Mapping[str, JsonValue],
    now: datetime,
) -> None:
    """Store one message for each addressee, and wake the delivery once they commit."""
    OCCASIONS[event]
    messages = [
        Message(
            channel="email" if to.webhook is None else "webhook",
            user_id=to.user,
            webhook_id=to.webhook,
            event=event,
            ident=f"msg_{secrets.token_hex(12)}",
            subject=" ".join(subject.split())[:200],
            body=dict(body),
            created=now,
            due=now,
        )
        for to in found
    ]
    insert(messages)
    if messages:
        apps.get_app_config("jobs").wakeups.notify(TOPIC)  # type: ignore[attr-defined]
