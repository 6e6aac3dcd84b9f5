"""Questions about who wants to be told what, and about what was delivered."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet
from pydantic import JsonValue

from shothub.domain.notices import (
    ALWAYS,
    CHOOSABLE,
    MAIL_WINDOW,
    MAILED,
    OCCASIONS,
)
from shothub.server.accounts.models import User
from shothub.server.accounts.principals import Principal
from shothub.server.outbox.models import Message, Preference, Webhook
from shothub.server.refusals import NotThere
from shothub.wire.notices import (
    DeliveryView,
    NotificationsView,
    OccasionView,
    WebhookPayload,
    WebhookView,
)


@dataclass(frozen=True, kw_only=True)
class Addressee:
    """A user and the way in which he is to be told: by mail if there is no webhook."""

    user: int
    webhook: int | None = None


def sends_mail() -> bool:
    """Tell whether this hub was told of a mail server."""
    return bool(settings.SHOTHUB.smtp_host)


def addressees(
    users: Iterable[int], event: str, *, apparatus: str | None = None
) -> list[Addressee]:
    """Return who of the users is to be told of an event, and how.

    Args:
        users: who may be told.
        event: what has happened.
        apparatus: where, empty for nowhere; None for anywhere. A webhook hears no more
            than the token that made it may.

    Raises:
        KeyError: there is no such occasion.
    """
    asked = list(users)
    occasion = OCCASIONS[event]
    hooks = Webhook.objects.filter(owner__in=asked, switched_off="")
    columns = ("id", "owner_id", "events", "token__only_on")
    found = [
        Addressee(user=owner, webhook=hook)
        for hook, owner, events, only_on in hooks.order_by("id").values_list(*columns)
        if event in events and (not only_on or apparatus in {None, *only_on})
    ]
    if sends_mail():
        chosen = dict(
            Preference.objects.filter(user__in=asked).values_list("user_id", "email")
        )
        usual = [event] if event in ALWAYS or occasion.mailed else []
        found += [
            Addressee(user=user)
            for user in _with_address(asked)
            if event in ALWAYS or event in chosen.get(user, usual)
        ]
    return found


def _with_address(users: Iterable[int]) -> list[int]:
    reachable = User.objects.filter(pk__in=list(users), is_active=True)
    return list(reachable.exclude(email="").order_by("pk").values_list("pk", flat=True))


def staff_of(apparatus: str) -> list[int]:
    """Return the operators of an apparatus and the staff of the hub."""
    there = Q(grants__apparatus=apparatus)
    operators = there & (Q(grants__operator=True) | Q(grants__admin=True))
    found = User.objects.filter(operators | Q(is_staff=True), is_active=True)
    return list(found.order_by("pk").values_list("pk", flat=True).distinct())


def mailed_to(user: int) -> list[str]:
    """Return the events of which a user is sent an e-mail."""
    chosen = Preference.objects.filter(user=user).first()
    return list(MAILED) if chosen is None else list(chosen.email)


def notifications_of(principal: Principal) -> NotificationsView:
    """Return of what the user is sent an e-mail, and of what he could be."""
    is_staff = principal.staff or any(
        "operator" in kinds for kinds in principal.grants.values()
    )
    shown = [
        OccasionView(name=name, meaning=o.meaning, audience=o.audience)
        for name in CHOOSABLE
        if (o := OCCASIONS[name]).audience == "owner" or is_staff
    ]
    return NotificationsView(
        email=mailed_to(principal.user),
        address=principal.email,
        sends_mail=sends_mail(),
        mails_per_hour=settings.SHOTHUB.mails_per_hour,
        events=shown,
    )


def find_webhook(principal: Principal, ident: int) -> Webhook:
    """Return one of the user's webhooks.

    Raises:
        NotThere: he has no such webhook.
    """
    found = _hooks_of(principal).filter(pk=ident).first()
    if found is None:
        raise NotThere("You have no such webhook.")
    return found


def webhooks_of(principal: Principal) -> list[WebhookView]:
    """Return the user's webhooks, oldest first."""
    return [webhook_view(hook) for hook in _hooks_of(principal).order_by("id")]


def _hooks_of(principal: Principal) -> QuerySet[Webhook]:
    """Return a user's webhooks; a token for some apparatus sees those that it has made."""
    mine = Webhook.objects.filter(owner_id=principal.user)
    return mine.filter(token_id=principal.token or 0) if principal.only_on else mine


def webhook_view(hook: Webhook) -> WebhookView:
    """Return a webhook without its secret."""
    return WebhookView(
        id=hook.pk,
        url=hook.url,
        events=hook.events,
        created=hook.created,
        switched_off=hook.switched_off,
        failures=hook.failures,
        delivered=hook.delivered,
    )


def deliveries_of(
    principal: Principal, ident: int, *, limit: int = 50
) -> list[DeliveryView]:
    """Return what was or is to be delivered to a webhook, newest first.

    Raises:
        NotThere: the user has no such webhook.
    """
    hook = find_webhook(principal, ident)
    messages = Message.objects.filter(webhook=hook).order_by("-id")
    return [delivery_view(message) for message in messages[:limit]]


def mails_of(principal: Principal, *, limit: int = 20) -> list[DeliveryView]:
    """Return what was or is to be mailed to the user, newest first."""
    mine = Message.objects.filter(user_id=principal.user, channel="email")
    return [delivery_view(message) for message in mine.order_by("-id")[:limit]]


def delivery_view(message: Message) -> DeliveryView:
    """Return how the delivery of a message goes."""
    given_up = message.outcome not in {"", "delivered"}
    delivered = message.outcome == "delivered"
    return DeliveryView(
        id=message.ident,
        event=message.event,
        subject=message.subject,
        created=message.created,
        state="given_up" if given_up else "delivered" if delivered else "waiting",
        tries=message.tries,
        error=message.outcome if given_up else "" if delivered else message.last_error,
        next_try=None if message.outcome else message.due,
        done=message.done,
    )


def sent_since(user: int, now: datetime) -> list[datetime]:
    """Return when mails were sent to a user within the last hour, oldest first."""
    sent = Message.objects.filter(
        user_id=user,
        channel="email",
        outcome="delivered",
        sent_with=None,
        done__gt=now - MAIL_WINDOW,
    )
    return [at for at in sent.order_by("done").values_list("done", flat=True) if at]


def payload_of(message: Message) -> dict[str, JsonValue]:
    """Return what a webhook is told of a message (wire.notices.WebhookPayload)."""
    data = {k: v for k, v in message.body.items() if k not in {"text", "path"}}
    path = message.body.get("path")
    if path and settings.SHOTHUB.public_url:
        data["url"] = f"{settings.SHOTHUB.public_url}{path}"
    payload = WebhookPayload(
        id=message.ident,
        type=message.event,
        timestamp=message.created,
        subject=message.subject,
        text=str(message.body.get("text", "")),
        data=data,
    )
    return payload.model_dump(mode="json")
