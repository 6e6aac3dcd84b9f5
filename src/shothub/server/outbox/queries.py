"""Questions about who wants to be told what, and about what was delivered."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q

from shothub.domain.notices import ALWAYS, MAILED, OCCASIONS
from shothub.server.accounts.models import User
from shothub.server.outbox.models import Preference, Webhook


@dataclass(frozen=True, kw_only=True)
class Addressee:
    """A user and the way in which he is to be told: by mail if there is no webhook."""

    user: int
    webhook: int | None = None


def sends_mail() -> bool:
    """Tell whether this hub was told of a mail server."""
    return bool(settings.SHOTHUB.smtp_host)


def addressees(users: Iterable[int], event: str) -> list[Addressee]:
    """Return who of the users is to be told of an event, and how.

    Raises:
        KeyError: there is no such occasion.
    """
    asked = list(users)
    occasion = OCCASIONS[event]
    hooks = Webhook.objects.filter(owner__in=asked, switched_off="")
    wanted = hooks.order_by("id").values_list("id", "owner_id", "events")
    found = [
        Addressee(user=owner, webhook=hook)
        for hook, owner, events in wanted
        if event in events
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
    operators = Q(grants__apparatus=apparatus, grants__operator=True)
    found = User.objects.filter(operators | Q(is_staff=True), is_active=True)
    return list(found.order_by("pk").values_list("pk", flat=True).distinct())


def mailed_to(user: int) -> list[str]:
    """Return the events of which a user is sent an e-mail."""
    chosen = Preference.objects.filter(user=user).first()
    return list(MAILED) if chosen is None else list(chosen.email)
