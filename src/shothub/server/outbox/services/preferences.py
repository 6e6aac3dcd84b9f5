"""Of what a user wants to be sent an e-mail."""

from collections.abc import Iterable

from shothub.server.accounts.principals import Principal
from shothub.server.outbox.models import Preference
from shothub.server.outbox.queries import notifications_of
from shothub.server.outbox.services.webhooks import known_events
from shothub.wire.notices import NotificationsView


def set_notifications(
    principal: Principal, *, email: Iterable[str]
) -> NotificationsView:
    """Store of which events the user is sent an e-mail.

    Raises:
        Invalid: there is no such event.
    """
    chosen = known_events(email)
    Preference.objects.update_or_create(
        user_id=principal.user, defaults={"email": chosen}
    )
    return notifications_of(principal)
