"""Of what the user is told: e-mail and webhooks; and the feed of events for operators."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from shothub.domain.faults import Fault
from shothub.runtime.clock import now
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.queries import all_apparatus
from shothub.server.jobs.feed import readable, stretch
from shothub.server.outbox import queries
from shothub.server.outbox.services import preferences, webhooks
from shothub.server.refusals import Refused
from shothub.server.web.access import member
from shothub.wire.notices import NewWebhook

_SHOWN = 100
_USUAL = frozenset({"done", "failed", "unknown"})


@member
@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show what the user is told; store of what he is mailed."""
    if request.method != "POST":
        return _page(request, principal)
    try:
        preferences.set_notifications(principal, email=request.POST.getlist("email"))
    except Refused as refusal:
        return _page(request, principal, faults=list(refusal.faults))
    return HttpResponseRedirect(f"{reverse('notifications')}?saved=1")


@member
@require_POST
def webhook_create(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Register a webhook; its secret is on this answer only."""
    given = request.POST
    try:
        made = webhooks.create_webhook(
            principal,
            url=given.get("url", "").strip(),
            events=given.getlist("events"),
            now=now(),
        )
    except Refused as refusal:
        return _page(request, principal, faults=list(refusal.faults))
    return _page(request, principal, made=made)


def _page(
    request: HttpRequest,
    principal: Principal,
    *,
    made: NewWebhook | None = None,
    faults: list[Fault] | None = None,
) -> HttpResponse:
    chosen = queries.notifications_of(principal)
    asked = frozenset(request.POST.getlist("events")) if faults else _USUAL
    events = [
        {
            "name": event.name,
            "words": event.meaning,
            "mailed": event.name in chosen.email,
            "hooked": event.name in asked,
        }
        for event in chosen.events
    ]
    context: dict[str, Any] = {
        "section": "notifications",
        "chosen": chosen,
        "events": events,
        "hooks": queries.webhooks_of(principal),
        "mails": queries.mails_of(principal, limit=10),
        "made": made,
        "faults": faults or [],
        "saved": "saved" in request.GET,
        "url": request.POST.get("url", "") if faults else "",
        "operates": principal.staff
        or any("operator" in k for k in principal.grants.values()),
    }
    status = 422 if faults else 200
    return render(request, "shothub/notifications.html", context, status=status)


@member
@require_http_methods(["GET", "HEAD"])
def webhook(request: HttpRequest, principal: Principal, ident: int) -> HttpResponse:
    """Show one webhook and how its deliveries went."""
    context = {
        "section": "notifications",
        "hook": queries.webhook_view(queries.find_webhook(principal, ident)),
        "deliveries": queries.deliveries_of(principal, ident),
    }
    return render(request, "shothub/webhook.html", context)


@member
@require_POST
def webhook_delete(
    request: HttpRequest, principal: Principal, ident: int
) -> HttpResponse:
    """Delete a webhook."""
    webhooks.delete_webhook(principal, ident)
    return HttpResponseRedirect(reverse("notifications"))


@member
@require_POST
def webhook_test(
    request: HttpRequest, principal: Principal, ident: int
) -> HttpResponse:
    """Send a test message to a webhook."""
    webhooks.try_webhook(principal, ident, now=now())
    return HttpResponseRedirect(reverse("webhook", args=[ident]))


@member
@require_POST
def webhook_resume(
    request: HttpRequest, principal: Principal, ident: int
) -> HttpResponse:
    """Switch a webhook on again."""
    webhooks.switch_on(principal, ident)
    return HttpResponseRedirect(reverse("webhook", args=[ident]))


@member
@require_http_methods(["GET", "HEAD"])
def feed(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show the newest events of the apparatus that one operates."""
    wanted = request.GET.get("apparatus", "")[:48]
    found = stretch(readable(principal, wanted), None, limit=_SHOWN)
    names = [a.name for a in all_apparatus() if principal.may("operator", a.name)]
    context = {
        "section": "notifications",
        "events": found.events[::-1],
        "last": found.last,
        "wanted": wanted,
        "names": names,
        "most": _SHOWN,
    }
    return render(request, "shothub/feed.html", context)
