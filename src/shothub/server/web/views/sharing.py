"""Who else may read a job: what its owner sees of that, and his buttons."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from shothub.runtime.clock import now
from shothub.server.accounts.group_queries import groups_of
from shothub.server.accounts.principals import Principal
from shothub.server.jobs.services.sharing import (
    share_by_link,
    share_with_group,
    unshare,
)
from shothub.server.jobs.shares_of import shares_of
from shothub.server.refusals import Invalid
from shothub.server.web.access import member

_LIVES = {"1": "a day", "7": "a week", "30": "30 days", "90": "90 days"}


def context_of(principal: Principal, found: Any) -> dict[str, Any]:
    """Return who may read a job, if it is one's own."""
    if found.owner_id != principal.user:
        return {}
    shares = shares_of(principal, found.pk, now=now())
    taken = {share.group for share in shares}
    groups = [group.name for group in groups_of(principal)]
    return {
        "shares": shares,
        "share_groups": [name for name in groups if name not in taken],
        "share_lives": list(_LIVES.items()),
    }


@member
@require_POST
def job_share(request: HttpRequest, principal: Principal, job_id: str) -> HttpResponse:
    """Share a job with a group, or show a new link to it, just this once."""
    if group := request.POST.get("group", ""):
        share_with_group(principal, job_id, group, now=now())
        return HttpResponseRedirect(reverse("job", args=[job_id]) + "#sharing")
    days = request.POST.get("days", "7")
    if days not in _LIVES:
        raise Invalid(f"A link lives no {days[:20]!r} days.", where="days")
    made = share_by_link(principal, job_id, days=float(days), now=now())
    context = {
        "section": "jobs",
        "job_id": job_id,
        "link": request.build_absolute_uri(made.link),
        "share": made,
    }
    return render(request, "shothub/link.html", context)


@member
@require_POST
def job_unshare(
    request: HttpRequest, principal: Principal, job_id: str, share: int
) -> HttpResponse:
    """Take leave to read a job back."""
    unshare(principal, job_id, share, now=now())
    return HttpResponseRedirect(reverse("job", args=[job_id]) + "#sharing")
