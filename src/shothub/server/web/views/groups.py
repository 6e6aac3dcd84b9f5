"""Groups: one's own, who is in them, and what their owners do with them."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from shothub.domain.faults import Fault
from shothub.runtime.clock import now
from shothub.server.accounts import member_services as services
from shothub.server.accounts.group_views import group_detail, group_list
from shothub.server.accounts.member_services import Place
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.queries import apparatus_named
from shothub.server.refusals import Invalid
from shothub.server.web.access import member

_QUOTAS = {
    "machine_week": "machine time in 7 days, seconds",
    "machine_day": "machine time in 24 hours, seconds",
    "reserved_week": "reservations in a week, seconds",
    "pending_jobs": "jobs that have not ended",
    "pending_shots": "shots that have not ended",
    "stored": "files at the hub, bytes",
    "requests": "requests in a minute",
}


@member
@require_http_methods(["GET", "HEAD", "POST"])
def groups(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show one's groups, to the lab's staff all; make one."""
    faults: tuple[Fault, ...] = ()
    if request.method == "POST":
        name = request.POST.get("name", "").strip()
        try:
            services.create_by(
                principal,
                name=name,
                title=request.POST.get("title", "").strip(),
                weight=_number(request.POST, "weight") or 1.0,
                now=now(),
            )
            return HttpResponseRedirect(reverse("group", args=[name]))
        except Invalid as wrong:
            faults = wrong.faults
    context = {
        "section": "groups",
        "groups": group_list(principal),
        "staff": principal.staff,
        "faults": faults,
        "given": request.POST,
    }
    status = 422 if faults else 200
    return render(request, "shothub/groups.html", context, status=status)


def _number(given: QueryDict, name: str) -> float | None:
    typed = given.get(name, "").strip()
    if not typed:
        return None
    try:
        return float(typed)
    except ValueError:
        raise Invalid(
            f"A {name} is a number, not {typed[:20]!r}.", code="bad_value", where=name
        ) from None


@member
@require_safe
def group(request: HttpRequest, principal: Principal, name: str) -> HttpResponse:
    """Show a group."""
    return _page(request, principal, name)


def _page(
    request: HttpRequest,
    principal: Principal,
    name: str,
    faults: tuple[Fault, ...] = (),
) -> HttpResponse:
    shown = group_detail(principal, name)
    context: dict[str, Any] = {
        "section": "groups",
        "group": shown,
        "may_manage": shown.is_owner or principal.staff,
        "staff": principal.staff,
        "faults": faults,
        "bounds": [(_QUOTAS[bound.what], bound) for bound in shown.bounds],
        "quotas": list(_QUOTAS.items()),
    }
    status = 422 if faults else 200
    return render(request, "shothub/group.html", context, status=status)


@member
@require_POST
def group_change(request: HttpRequest, principal: Principal, name: str) -> HttpResponse:
    """Change title or weight."""

    def change() -> None:
        title = request.POST.get("title")
        services.change_by(
            principal,
            name,
            title=None if title is None else title.strip(),
            weight=_number(request.POST, "weight"),
            now=now(),
        )

    return _done(request, principal, name, change)


@member
@require_POST
def group_member(request: HttpRequest, principal: Principal, name: str) -> HttpResponse:
    """Put a user into the group, weigh him, or make him an owner or none."""

    def change() -> None:
        owner = {"yes": True, "no": False}.get(request.POST.get("owner", ""))
        place = Place(weight=_number(request.POST, "weight"), is_owner=owner)
        user = request.POST.get("user", "").strip()
        services.set_member_by(principal, name, user, place, now=now())

    return _done(request, principal, name, change)


@member
@require_POST
def group_quota(request: HttpRequest, principal: Principal, name: str) -> HttpResponse:
    """Set or lift a number that bounds the group as a whole."""

    def change() -> None:
        what = request.POST.get("what", "")
        if what not in _QUOTAS:
            raise Invalid(f"No quota counts {what[:20]!r}.", where="what")
        where = request.POST.get("apparatus", "").strip()
        services.set_quota_by(
            principal,
            name,
            limits={what: _number(request.POST, "limit")},
            apparatus=apparatus_named(where).name if where else "",
            now=now(),
        )

    return _done(request, principal, name, change)


def _done(
    request: HttpRequest, principal: Principal, name: str, change: Callable[[], None]
) -> HttpResponse:
    try:
        change()
    except Invalid as wrong:
        return _page(request, principal, name, wrong.faults)
    return HttpResponseRedirect(reverse("group", args=[name]))


@member
@require_POST
def group_member_remove(
    request: HttpRequest, principal: Principal, name: str
) -> HttpResponse:
    """Take a user out of the group, or leave it."""
    user = request.POST.get("user", "")
    services.remove_member_by(principal, name, user, now=now())
    left = user == principal.username and not principal.staff
    page = reverse("groups") if left else reverse("group", args=[name])
    return HttpResponseRedirect(page)


@member
@require_POST
def group_default(
    request: HttpRequest, principal: Principal, name: str
) -> HttpResponse:
    """Let one's jobs run on this group's allocation."""
    services.choose_default(principal, name, now=now())
    return HttpResponseRedirect(reverse("groups"))
