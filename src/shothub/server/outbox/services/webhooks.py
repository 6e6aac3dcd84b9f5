"""What users do with webhooks: make, delete, try, switch on again."""

import base64
import secrets
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction

from shothub.domain.addresses import BadTarget, target_of
from shothub.domain.notices import CHOOSABLE
from shothub.server.accounts.principals import Principal
from shothub.server.outbox.models import Message, Webhook
from shothub.server.outbox.posting import SECRET_PREFIX
from shothub.server.outbox.queries import (
    Addressee,
    delivery_view,
    find_webhook,
    webhook_view,
)
from shothub.server.outbox.sealing import seal
from shothub.server.outbox.services.telling import tell, write
from shothub.server.refusals import Conflict, Invalid
from shothub.wire.notices import DeliveryView, NewWebhook, WebhookView

_SECRET_BYTES = 32


def create_webhook(
    principal: Principal, *, url: str, events: Iterable[str], now: datetime
) -> NewWebhook:
    """Register an address to be told; its secret is in this answer only.

    Raises:
        Invalid: the address or an event is refused, or the user has too many.
    """
    chosen = known_events(events)
    try:
        target_of(url, trusted=settings.SHOTHUB.private_webhook_hosts)
    except BadTarget as refusal:
        raise Invalid(
            str(refusal),
            code="bad_url",
            where="body.url",
            hint="an address on the internet, such as https://example.org/hook",
        ) from None
    secret = secrets.token_bytes(_SECRET_BYTES)
    with transaction.atomic():
        _require_room(principal)
        hook = Webhook.objects.create(
            owner_id=principal.user,
            url=url,
            secret=seal(secret),
            events=chosen,
            created=now,
            token_id=principal.token,
        )
    shown = SECRET_PREFIX + base64.b64encode(secret).decode()
    return NewWebhook(**webhook_view(hook).model_dump(), secret=shown)


def known_events(events: Iterable[str]) -> list[str]:
    """Return names of events in their usual order.

    Raises:
        Invalid: there is no such event.
    """
    asked = set(events)
    if strange := asked - set(CHOOSABLE):
        raise Invalid(
            f"There is no event {min(strange)[:40]!r}.",
            code="unknown_event",
            where="body.events",
            hint=f"events: {', '.join(CHOOSABLE)}",
        )
    return [name for name in CHOOSABLE if name in asked]


def _require_room(principal: Principal) -> None:
    most = settings.SHOTHUB.max_webhooks
    held = Webhook.objects.filter(owner_id=principal.user).count()
    if held >= most:
        raise Invalid(
            f"You have {held} webhooks; {most} are allowed.",
            code="too_many_webhooks",
            hint="delete one that you no longer use",
        )


def delete_webhook(principal: Principal, ident: int) -> WebhookView:
    """Delete a webhook, and with it what waits to be delivered to it.

    Raises:
        NotThere: the user has no such webhook.
    """
    hook = find_webhook(principal, ident)
    view = webhook_view(hook)
    hook.delete()
    return view


def try_webhook(principal: Principal, ident: int, *, now: datetime) -> DeliveryView:
    """Send a test message to a webhook.

    Raises:
        NotThere: the user has no such webhook.
        Conflict: it is switched off.
    """
    with transaction.atomic():
        hook = find_webhook(principal, ident)
        if hook.switched_off:
            raise Conflict(
                f"The webhook is switched off: {hook.switched_off}.",
                code="switched_off",
                hint="switch it on again first",
            )
        write(
            [Addressee(user=principal.user, webhook=hook.pk)],
            "test",
            subject="A test message",
            body={"text": "You asked for this message to try your webhook."},
            now=now,
        )
        return delivery_view(Message.objects.filter(webhook=hook).latest("id"))


def switch_on(principal: Principal, ident: int) -> WebhookView:
    """Let a webhook be told again.

    Raises:
        NotThere: the user has no such webhook.
    """
    hook = find_webhook(principal, ident)
    hook.switched_off, hook.failures, hook.token_id = "", 0, principal.token
    hook.save(update_fields=["switched_off", "failures", "token"])
    return webhook_view(hook)


def silence(
    hook: Webhook, why: str, *, now: datetime, tells_owner: bool = True
) -> None:
    """Switch a webhook off; what waits for it is given up."""
    reason = why[:200]
    Webhook.objects.filter(pk=hook.pk).update(switched_off=reason)
    Message.objects.filter(webhook=hook, outcome="").update(
        outcome=f"given up: the webhook was switched off: {reason}",
        done=now,
        claimed_until=None,
    )
    if tells_owner:
        tell(
            hook.owner_id,
            "webhook",
            "A webhook of yours was switched off",
            f"The webhook to {hook.url} was switched off: {reason}."
            " Once it works again, you can switch it on again.",
            now=now,
            data={"path": "/notifications"},
        )
