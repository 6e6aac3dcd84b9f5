"""Buttons that hold and release jobs, and decide about shots of unknown outcome."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from shothub.domain.evidence import Decision
from shothub.domain.names import is_slug
from shothub.runtime.clock import now
from shothub.server.accounts.principals import Principal
from shothub.server.jobs.services.control import hold, release
from shothub.server.jobs.services.unknown import decide
from shothub.server.refusals import Conflict, Invalid
from shothub.server.web.access import member


@member
@require_POST
def job_hold(request: HttpRequest, principal: Principal, job_id: str) -> HttpResponse:
    """Hold a job back; one that has ended meanwhile is simply shown."""
    try:
        hold(principal, job_id, now=now())
    except Conflict as conflict:
        if conflict.fault.code != "nothing_to_hold":
            raise
    return HttpResponseRedirect(reverse("job", args=[job_id]))


@member
@require_POST
def job_release(
    request: HttpRequest, principal: Principal, job_id: str
) -> HttpResponse:
    """Let a job go on."""
    release(principal, job_id, now=now())
    return HttpResponseRedirect(reverse("job", args=[job_id]))


@member
@require_POST
def job_decide(
    request: HttpRequest, principal: Principal, job_id: str, index: int
) -> HttpResponse:
    """Decide about a shot; one whose outcome is known by now is simply shown."""
    choice = request.POST.get("choice", "")
    if choice not in set(Decision):
        raise Invalid(f"{choice[:20]!r} is no choice.", where="choice")
    try:
        decide(principal, job_id, index, Decision(choice), now=now())
    except Conflict as conflict:
        if conflict.fault.code != "not_unknown":
            raise
    return HttpResponseRedirect(_back(request, job_id))


def _back(request: HttpRequest, job_id: str) -> str:
    """Return the apparatus's page for an operator who came from there."""
    apparatus = request.POST.get("back", "")
    if is_slug(apparatus):
        return reverse("apparatus", args=[apparatus])
    return reverse("job", args=[job_id])
