"""Of what the user is told, by webhooks and by mail; and the feed for operators."""

import builtins
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from pydantic import TypeAdapter

from shothub.client.calls import BASE, Call
from shothub.client.connection import Connection
from shothub.wire.notices import (
    DeliveryView,
    FeedEvent,
    FeedPage,
    NewWebhook,
    NotificationsRequest,
    NotificationsView,
    WebhookRequest,
    WebhookView,
)

T = TypeVar("T")
_LONG_POLL = 30.0


def _call(method: str, path: str, answer: type[T], **more: Any) -> Call[T]:
    return Call(method=method, path=BASE + path, answer=TypeAdapter(answer), **more)


class Webhooks:
    """Registers addresses that the hub tells of the user's jobs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> builtins.list[WebhookView]:
        """Return all webhooks, without their secrets."""
        return self._connection.do(
            _call("GET", "/webhooks", builtins.list[WebhookView])
        )

    def create(self, url: str, events: Iterable[str] = ()) -> NewWebhook:
        """Register an address; the secret of its signatures is shown only this once.

        Args:
            url: begins with ``https://``.
            events: names of events; done, failed and unknown if none is named.

        Raises:
            Refused: the address or an event is refused.
        """
        chosen = list(events)
        given = {"url": url} | ({"events": chosen} if chosen else {})
        request = WebhookRequest.model_validate(given)
        body = request.model_dump_json().encode()
        # Not repeatable: the secret of a lost answer would be lost too.
        call = _call("POST", "/webhooks", NewWebhook, body=body, repeatable=False)
        return self._connection.do(call)

    def delete(self, ident: int) -> WebhookView:
        """Delete a webhook; what waits for it is not delivered.

        Raises:
            NotFound: there is no such webhook.
        """
        call = _call("DELETE", f"/webhooks/{ident}", WebhookView, repeatable=False)
        return self._connection.do(call)

    def test(self, ident: int) -> DeliveryView:
        """Send a test message; `deliveries` tells soon how it went.

        Raises:
            NotFound: there is no such webhook.
            Conflict: it is switched off.
        """
        return self._connection.do(
            _call("POST", f"/webhooks/{ident}/test", DeliveryView, repeatable=False)
        )

    def resume(self, ident: int) -> WebhookView:
        """Switch a webhook on again.

        Raises:
            NotFound: there is no such webhook.
        """
        return self._connection.do(
            _call("POST", f"/webhooks/{ident}/resume", WebhookView)
        )

    def deliveries(self, ident: int, *, limit: int = 50) -> builtins.list[DeliveryView]:
        """Return the messages to a webhook and how their delivery went, newest first.

        Raises:
            NotFound: there is no such webhook.
        """
        path = f"/webhooks/{ident}/deliveries"
        params = {"limit": str(limit)}
        return self._connection.do(
            _call("GET", path, builtins.list[DeliveryView], params=params)
        )


class Notifications:
    """Chooses of which events the user is sent an e-mail."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self) -> NotificationsView:
        """Return what is chosen, and what can be."""
        return self._connection.do(_call("GET", "/me/notifications", NotificationsView))

    def set(self, email: Iterable[str]) -> NotificationsView:
        """Choose of which events to be sent an e-mail.

        Raises:
            Refused: there is no such event.
        """
        body = NotificationsRequest(email=list(email)).model_dump_json().encode()
        return self._connection.do(
            _call("PUT", "/me/notifications", NotificationsView, body=body)
        )


def feed(
    connection: Connection, *, since: int | None, apparatus: str, follow: bool
) -> Iterator[FeedEvent]:
    """Yield the events of the apparatus that one operates, each once and in order.

    Args:
        connection: to the hub.
        since: after which event to begin; None begins with the newest hundred.
        apparatus: only those of this one.
        follow: wait for more, without end.

    Raises:
        Forbidden: one operates none.
    """
    place = since
    while True:
        wait = _LONG_POLL if follow and place is not None else 0.0
        asked = {"since": place, "wait": f"{wait:g}", "apparatus": apparatus or None}
        params = {k: str(v) for k, v in asked.items() if v is not None}
        call = _call("GET", "/events", FeedPage, params=params, wait=wait)
        page: FeedPage = connection.do(call, connection.tries(None))
        yield from page.events
        if not follow and (place is None or not page.events):
            return
        place = page.next
