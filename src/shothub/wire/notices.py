"""How people are told: webhooks, deliveries, e-mail; and the feed of all events."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from shothub.wire.base import Message, Reply

EventName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
EventNames = Annotated[list[EventName], Field(max_length=50)]


class WebhookRequest(Message):
    """An address to be told of events.

    Attributes:
        url: begins with ``https://``; at most 500 characters.
        events: names of events, see ``GET me/notifications``.
    """

    url: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    events: EventNames = ["done", "failed", "unknown"]


class WebhookView(Reply):
    """A webhook without its secret.

    Attributes:
        switched_off: why it is told nothing any more; empty while it is.
        failures: deliveries that failed since the last that succeeded.
        delivered: when a delivery succeeded last.
    """

    id: int
    url: str
    events: list[str]
    created: datetime
    switched_off: str = ""
    failures: int = 0
    delivered: datetime | None = None


class NewWebhook(WebhookView):
    """A webhook just made, with the secret of its signatures, shown only this once."""

    secret: str


class DeliveryView(Reply):
    """One message and how its delivery goes.

    Attributes:
        id: the same at every try: the header ``webhook-id``.
        event: name of the event.
        tries: how often delivery was tried.
        error: why the last try failed, or why it was given up.
        next_try: when it is tried next, while it waits.
        done: when it was delivered or given up.
    """

    id: str
    event: str
    subject: str
    created: datetime
    state: Literal["waiting", "delivered", "given_up"]
    tries: int = 0
    error: str = ""
    next_try: datetime | None = None
    done: datetime | None = None


class OccasionView(Reply):
    """An event of which one can be told."""

    name: str
    meaning: str
    audience: Literal["owner", "staff"]


class NotificationsView(Reply):
    """Of what the user is sent an e-mail.

    Attributes:
        email: names of events.
        address: where mails go; empty if the hub knows no address of the user.
        sends_mail: whether this hub sends mail at all.
        mails_per_hour: most mails in an hour; more messages are put into one.
        events: all events that can be chosen.
    """

    email: list[str]
    address: str = ""
    sends_mail: bool = False
    mails_per_hour: int = 0
    events: list[OccasionView] = []


class NotificationsRequest(Message):
    """Of which events to send an e-mail."""

    email: EventNames


class WebhookPayload(Reply):
    """The body of a webhook.

    Attributes:
        id: the same at every try.
        type: name of the event.
        timestamp: when it happened.
        data: what it is about: ``job``, ``apparatus``, ``state``, ``shots_done``, ``url``
            and others, where they are known.
    """

    id: str
    type: str
    timestamp: datetime
    subject: str
    text: str
    data: dict[str, JsonValue] = {}


class FeedEvent(Reply):
    """One change on the hub, as operators see it; never edited.

    Attributes:
        id: grows; pass it as ``since`` to go on after it.
        what: e.g. ``shot.started``.
        job: id of its job, None for changes of the apparatus itself.
        actor: a user name, ``agent``, ``hub`` or ``operator``.
        late: whether it was reported by a later session than its own.
    """

    id: int
    at: datetime
    what: str
    apparatus: str
    job: str | None = None
    shot: int | None = None
    actor: str = ""
    detail: str = ""
    epoch: int = 0
    fence: int = 0
    late: bool = False


class FeedPage(Reply):
    """Some events, oldest first; ``next`` is the ``since`` of the next page."""

    events: list[FeedEvent]
    next: int
