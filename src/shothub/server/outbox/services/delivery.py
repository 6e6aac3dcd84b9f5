"""Delivering what waits: claimed so that no two processes have the same row in hand."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Min, QuerySet

from shothub.domain.addresses import BadTarget, target_of
from shothub.domain.notices import GIVE_UP_AFTER, KEPT, next_mail, seconds_to_retry
from shothub.server.accounts.models import User
from shothub.server.outbox import mails
from shothub.server.outbox.models import Message, Webhook
from shothub.server.outbox.posting import Posted, Poster, headers
from shothub.server.outbox.queries import payload_of, sent_since
from shothub.server.outbox.sealing import CannotOpen, unseal
from shothub.server.outbox.services.webhooks import silence

# Longer than any delivery can last, so that whoever claims again finds the first gone.
CLAIM = timedelta(seconds=45)
MAIL_CLAIM = timedelta(seconds=180)


class Box(NamedTuple):
    """To whom messages go one after another: a webhook, or (0) a user's mail."""

    user: int
    webhook: int = 0


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Messages in hand: one for a webhook; for a mail all that it carries.

    Attributes:
        send: tries to deliver them; callable without a transaction.
    """

    box: Box
    messages: Sequence[Message]
    send: Callable[[], Posted]


class Round(NamedTuple):
    """Boxes of which something can be delivered now, and when to look again."""

    boxes: Sequence[Box]
    next: datetime | None


def look(now: datetime) -> Round:
    """Return which boxes are full, the longest waiting first, and what comes next."""
    rows = _waiting().order_by().values_list("user_id", "webhook_id")
    times = rows.annotate(first=Min("due"), hand=Max("claimed_until"))
    free = [(max(due, hand or due), Box(u, h or 0)) for u, h, due, hand in times]
    later = [at for at, _ in free if at > now]
    full = sorted((at, box) for at, box in free if at <= now)
    return Round([box for _, box in full], min(later, default=None))


def _waiting() -> QuerySet[Message]:
    return Message.objects.filter(outcome="")


def claim(box: Box, poster: Poster, now: datetime) -> Delivery | None:
    """Take what is due of a box in hand, unless somebody has some of it in hand."""
    with transaction.atomic():
        return _claim_hook(box, poster, now) if box.webhook else _claim_mail(box, now)


def _claim_hook(box: Box, poster: Poster, now: datetime) -> Delivery | None:
    rows = Webhook.objects.select_for_update(no_key=True, of=("self",))
    hook = rows.select_related("owner", "token").filter(pk=box.webhook).first()
    if hook is None or _in_hand(box, now):
        return None
    if why := _not_any_more(hook):
        silence(hook, why, now=now, tells_owner=False)
        return None
    first = _of(box).filter(due__lte=now).order_by("id").first()
    if first is None:
        return None
    _take([first], now)
    return Delivery(
        box=box,
        messages=[first],
        send=partial(_post, poster, hook, first, now),
    )


def _not_any_more(hook: Webhook) -> str:
    if hook.switched_off:
        return hook.switched_off
    if not hook.owner.is_active:
        return "its owner may not use the hub any more"
    if hook.token is not None and hook.token.revoked is not None:
        return "the token that made it was revoked"
    return ""


def _post(poster: Poster, hook: Webhook, message: Message, now: datetime) -> Posted:
    try:
        target = target_of(hook.url, trusted=settings.SHOTHUB.private_webhook_hosts)
        secret = unseal(bytes(hook.secret))
    except (BadTarget, CannotOpen) as error:
        return Posted(error=str(error))
    body = json.dumps(payload_of(message), ensure_ascii=False).encode()
    return poster.post(
        target, body, headers(secret, ident=message.ident, body=body, now=now)
    )


def _claim_mail(box: Box, now: datetime) -> Delivery | None:
    user = User.objects.select_for_update(no_key=True).filter(pk=box.user).first()
    if user is None or _in_hand(box, now):
        return None
    waiting = list(_of(box).filter(due__lte=now).order_by("id"))
    if not user.email or not user.is_active:
        _end(waiting, "given up: the user has no e-mail address", now)
        return None
    most = settings.SHOTHUB.mails_per_hour
    plan = next_mail(len(waiting), sent_since(box.user, now), most=most, now=now)
    if plan.wait_until:
        _of(box).filter(due__lt=plan.wait_until).update(due=plan.wait_until)
    carried = waiting[: plan.take]
    if not carried:
        return None
    _take(carried, now)
    return Delivery(
        box=box, messages=carried, send=partial(mails.send, carried, user.email)
    )


def _of(box: Box) -> QuerySet[Message]:
    if box.webhook:
        return _waiting().filter(webhook_id=box.webhook)
    return _waiting().filter(user_id=box.user, channel="email")


def _in_hand(box: Box, now: datetime) -> bool:
    return _of(box).filter(claimed_until__gt=now).exists()


def _take(messages: Sequence[Message], now: datetime) -> None:
    lasts = CLAIM if messages[0].webhook_id else MAIL_CLAIM
    claimed = {"claimed_until": now + lasts, "tries": F("tries") + 1}
    Message.objects.filter(pk__in=[m.pk for m in messages]).update(**claimed)
    for message in messages:
        message.tries += 1


def finish(
    delivery: Delivery, posted: Posted, now: datetime, jitter: Callable[[], float]
) -> None:
    """Store how a delivery went, unless another process has taken it over since."""
    lead = delivery.messages[0]
    with transaction.atomic():
        _lock(delivery.box)  # first, as in `claim`: else two processes could deadlock
        mine = Message.objects.filter(pk=lead.pk, tries=lead.tries, outcome="")
        if not mine.update(claimed_until=None):
            return
        if not posted.error:
            _delivered(delivery, now)
        elif delivery.box.webhook:
            _hook_failed(delivery.box.webhook, lead, posted, now, jitter)
        else:
            _mail_failed(delivery.messages, posted, now, jitter)


def _lock(box: Box) -> None:
    rows = Webhook.objects if box.webhook else User.objects
    row = rows.select_for_update(no_key=True).filter(pk=box.webhook or box.user)
    row.values_list("pk").first()


def _delivered(delivery: Delivery, now: datetime) -> None:
    lead, *rest = delivery.messages
    _end([lead], "delivered", now)
    _end(rest, "delivered", now, sent_with=lead)
    if delivery.box.webhook:
        Webhook.objects.filter(pk=delivery.box.webhook).update(
            failures=0, delivered=now
        )
        _of(delivery.box).filter(due__gt=now).update(due=now)


def _end(
    messages: Sequence[Message],
    outcome: str,
    now: datetime,
    **changes: object,
) -> None:
    rows = Message.objects.filter(pk__in=[m.pk for m in messages], outcome="")
    rows.update(outcome=outcome, done=now, claimed_until=None, **changes)


def _hook_failed(
    pk: int,
    message: Message,
    posted: Posted,
    now: datetime,
    jitter: Callable[[], float],
) -> None:
    hook = Webhook.objects.select_for_update(no_key=True).get(pk=pk)
    hook.failures += 1
    hook.save(update_fields=["failures"])
    Message.objects.filter(pk=message.pk).update(last_error=posted.error[:2000])
    if posted.gone:
        silence(hook, "its receiver answered 410 Gone", now=now)
        return
    if now - message.created >= GIVE_UP_AFTER:
        _end([message], f"given up: {posted.error}"[:2000], now)
        if hook.delivered is None or hook.delivered < message.created:
            silence(hook, f"nothing could be delivered: {posted.error}", now=now)
            return
    # The whole box waits: a dead receiver costs one try at a time, however much waits.
    due = now + timedelta(seconds=seconds_to_retry(hook.failures, jitter))
    _of(Box(0, pk)).filter(due__lt=due).update(due=due)


def _mail_failed(
    messages: Sequence[Message],
    posted: Posted,
    now: datetime,
    jitter: Callable[[], float],
) -> None:
    old = [m for m in messages if posted.gone or now - m.created >= GIVE_UP_AFTER]
    rows = Message.objects.filter(pk__in=[m.pk for m in messages], outcome="")
    due = now + timedelta(seconds=seconds_to_retry(messages[0].tries, jitter))
    rows.update(due=due, claimed_until=None, last_error=posted.error[:2000])
    _end(old, f"given up: {posted.error}"[:2000], now)


def prune(now: datetime) -> None:
    """Forget what was delivered or given up a month ago."""
    Message.objects.filter(done__lt=now - KEPT).delete()
