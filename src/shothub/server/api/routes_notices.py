"""Routes: of what one is told, by e-mail and by webhooks."""

from typing import Annotated

from django.http import HttpResponse
from ninja import Path, Query, Router

from shothub.runtime import clock
from shothub.server.api.access import Needs, Request
from shothub.server.api.replies import reply, reply_list
from shothub.server.outbox import queries
from shothub.server.outbox.services import preferences, webhooks
from shothub.wire.notices import (
    DeliveryView,
    NewWebhook,
    NotificationsRequest,
    NotificationsView,
    WebhookRequest,
    WebhookView,
)

router = Router(tags=["notifications"])
MANAGE = Needs("notifications:manage")
Ident = Annotated[int, Path(ge=1, lt=2**63)]


@router.get("/me/notifications", response=NotificationsView, auth=MANAGE)
def show_notifications(request: Request) -> HttpResponse:
    """Show of which events the user is sent an e-mail, and which there are."""
    return reply(queries.notifications_of(request.auth))


@router.put("/me/notifications", response=NotificationsView, auth=MANAGE)
def set_notifications(request: Request, asked: NotificationsRequest) -> HttpResponse:
    """Choose of which events the user is sent an e-mail."""
    return reply(preferences.set_notifications(request.auth, email=asked.email))


@router.get("/webhooks", response=list[WebhookView], auth=MANAGE)
def list_webhooks(request: Request) -> HttpResponse:
    """List the user's webhooks, without their secrets."""
    return reply_list(queries.webhooks_of(request.auth))


@router.post("/webhooks", response={201: NewWebhook}, auth=MANAGE)
def create_webhook(request: Request, asked: WebhookRequest) -> HttpResponse:
    """Register an address to be told of events; the secret is in this answer only."""
    made = webhooks.create_webhook(
        request.auth, url=asked.url, events=asked.events, now=clock.now()
    )
    return reply(made, status=201)


@router.delete("/webhooks/{webhook}", response=WebhookView, auth=MANAGE)
def delete_webhook(request: Request, webhook: Ident) -> HttpResponse:
    """Delete a webhook; what waits for it is not delivered any more."""
    return reply(webhooks.delete_webhook(request.auth, webhook))


@router.post("/webhooks/{webhook}/test", response=DeliveryView, auth=MANAGE)
def try_webhook(request: Request, webhook: Ident) -> HttpResponse:
    """Send a test message; how it went is among the deliveries soon."""
    return reply(webhooks.try_webhook(request.auth, webhook, now=clock.now()))


@router.post("/webhooks/{webhook}/resume", response=WebhookView, auth=MANAGE)
def resume_webhook(request: Request, webhook: Ident) -> HttpResponse:
    """Switch a webhook on again that was switched off because nothing arrived."""
    return reply(webhooks.switch_on(request.auth, webhook))


@router.get("/webhooks/{webhook}/deliveries", response=list[DeliveryView], auth=MANAGE)
def list_deliveries(
    request: Request,
    webhook: Ident,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> HttpResponse:
    """List the messages to a webhook and how their delivery went, newest first."""
    return reply_list(queries.deliveries_of(request.auth, webhook, limit=limit))
