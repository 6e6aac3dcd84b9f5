"""Letting a program in: its code, what it asks for, yes or no."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from shothub.domain.faults import Fault
from shothub.runtime.clock import monotonic, now
from shothub.server.accounts import devices
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.rates import count_bad_credential
from shothub.server.refusals import NotThere
from shothub.server.requests import address_of
from shothub.server.web.access import member
from shothub.server.web.scopes import SCOPES


@member
@require_http_methods(["GET", "HEAD", "POST"])
def device(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Ask for the code, show who waits under it, and carry out what the person says."""
    if request.method == "POST":
        return _decided(request, principal)
    code = request.GET.get("code", "")
    if not code:
        return _page(request)
    try:
        waiting = devices.waiting(principal, code, now=now())
    except NotThere as refusal:
        return _unknown(request, code, refusal)
    may = [SCOPES.get(scope, scope) for scope in waiting.scopes]
    beyond = [SCOPES.get(scope, scope) for scope in waiting.beyond]
    return _page(request, waiting=waiting, may=may, beyond=beyond)


def _decided(request: HttpRequest, principal: Principal) -> HttpResponse:
    code, answer = request.POST.get("code", ""), request.POST.get("answer", "")
    try:
        if answer == "allow":
            devices.allow(principal, code, now=now())
        else:
            devices.deny(principal, code, now=now())
    except NotThere as refusal:
        return _unknown(request, code, refusal)
    return _page(request, decided=answer)


def _unknown(request: HttpRequest, code: str, refusal: NotThere) -> HttpResponse:
    """Say that there is no such code; whoever tries many is told to wait."""
    count_bad_credential(address_of(request), monotonic())
    return _page(request, code=code, faults=refusal.faults)


def _page(
    request: HttpRequest, *, faults: tuple[Fault, ...] = (), **context: object
) -> HttpResponse:
    status = 404 if faults else 200
    known = {"section": "tokens", "faults": faults, **context}
    return render(request, "shothub/device.html", known, status=status)
