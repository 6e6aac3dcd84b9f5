"""Apparatus: status, queue, procedures, outputs, connection table, functions."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from shothub.domain.calendar import in_words
from shothub.runtime.clock import now
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.queries import apparatus_named
from shothub.server.jobs.queries import Undecided, undecided_of_apparatus
from shothub.server.jobs.queue_view import queue_view
from shothub.server.jobs.services.machines import drain, lift, pause, resume
from shothub.server.reservations.queries import standing
from shothub.server.web.access import member
from shothub.server.web.machines import machine_named, machines_for
from shothub.wire.apparatus import ApparatusView

_SHOWN_QUEUE = 100


@member
@require_safe
def apparatus_list(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show every apparatus."""
    views = [machine.view for machine in machines_for(principal, now=now())]
    context = {"section": "apparatus", "machines": views}
    return render(request, "shothub/apparatuses.html", context)


@member
@require_safe
def apparatus(request: HttpRequest, principal: Principal, name: str) -> HttpResponse:
    """Show one apparatus."""
    return render(request, "shothub/apparatus.html", _context(principal, name))


@member
@require_safe
def apparatus_live(
    request: HttpRequest, principal: Principal, name: str
) -> HttpResponse:
    """Show its status and queue anew."""
    return render(request, "shothub/_apparatus_live.html", _context(principal, name))


def _context(principal: Principal, name: str) -> dict[str, Any]:
    machine = machine_named(principal, name, now=now())
    found = apparatus_named(name)
    queue = queue_view(found, principal, now=now(), limit=_SHOWN_QUEUE)
    stands = standing(found, now())
    return {
        "section": "apparatus",
        "apparatus": machine.view,
        "description": machine.description,
        "scripts": machine.scripts,
        "queue": queue,
        "calendar": in_words(stands),
        "is_taken": bool(stands.closed or stands.running or stands.turn),
        "may_control": "operator" in machine.view.may,
        "undecided": _undecided(machine.view, name),
    }


def _undecided(view: ApparatusView, name: str) -> list[Undecided]:
    if "operator" not in view.may:
        return []
    return undecided_of_apparatus(apparatus_named(name))


@member
@require_safe
def connection_table(
    request: HttpRequest, principal: Principal, name: str
) -> HttpResponse:
    """Show the source of the connection table."""
    context = _context(principal, name)
    return render(request, "shothub/connection_table.html", context)


@member
@require_safe
def api(request: HttpRequest, principal: Principal, name: str) -> HttpResponse:
    """Show the functions that scripts may import."""
    return render(request, "shothub/api.html", _context(principal, name))


@member
@require_POST
def pause_apparatus(
    request: HttpRequest, principal: Principal, name: str
) -> HttpResponse:
    """Let nothing start there, or no more than what waits already."""
    act = drain if request.POST.get("do") == "drain" else pause
    message = request.POST.get("message", "").strip()[:500]
    act(principal, apparatus_named(name), message=message, now=now())
    return HttpResponseRedirect(reverse("apparatus", args=[name]))


@member
@require_POST
def resume_apparatus(
    request: HttpRequest, principal: Principal, name: str
) -> HttpResponse:
    """Let shots start there again, or lift the hub's hold."""
    act = lift if request.POST.get("do") == "lift" else resume
    act(principal, apparatus_named(name), now=now())
    return HttpResponseRedirect(reverse("apparatus", args=[name]))
