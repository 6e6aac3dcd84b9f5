"""What is stored about the user, all of it as a file, and how long results stay."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from shothub.runtime.clock import now
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.rates import in_turn
from shothub.server.results import retention
from shothub.server.results.personal import export
from shothub.server.results.personal_kinds import KINDS
from shothub.server.sending import send_open
from shothub.server.web.access import member


@member
@require_safe
def privacy(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show what is stored, why and until when, and which results end soon."""
    config = settings.SHOTHUB
    context = {
        "section": "privacy",
        "kinds": KINDS,
        "ending": retention.ending(principal),
        "keep_days": config.keep_results_days,
        "warn_days": config.warn_results_days,
    }
    return render(request, "shothub/privacy.html", context)


@member
@require_POST
def export_me(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Send everything that is stored about the user."""
    with in_turn(principal):
        file = export(principal, now=now())
    name = f"shothub-{principal.username}.json"
    return send_open(request, file, media_type="application/json", name=name)


@member
@require_POST
def job_keep(request: HttpRequest, principal: Principal, job_id: str) -> HttpResponse:
    """Keep the results of a job, or no longer; show the job, or the page of results."""
    retention.keep(principal, job_id, keep=request.POST.get("keep") != "no", now=now())
    if request.POST.get("back") == "privacy":
        return HttpResponseRedirect(f"{reverse('privacy')}#results")
    return HttpResponseRedirect(reverse("job", args=[job_id]))
