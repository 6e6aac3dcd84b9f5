"""The agent of an apparatus: its tokens, and a code to enrol it; for the apparatus's admins."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from shothub.runtime.clock import now
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.credentials import (
    agent_code,
    agents_tokens,
    revoke_agents_token,
)
from shothub.server.web.access import member


@member
@require_http_methods(["GET", "HEAD", "POST"])
def agent(request: HttpRequest, principal: Principal, name: str) -> HttpResponse:
    """Show the tokens of the apparatus's agents; make a code that enrols one."""
    made = agent_code(principal, name, now=now()) if request.method == "POST" else None
    context = {
        "section": "apparatus",
        "name": name,
        "tokens": agents_tokens(principal, name),
        "made": made,
        "now": now(),
        "hub_url": request.build_absolute_uri("/").rstrip("/"),
    }
    return render(request, "shothub/agent.html", context)


@member
@require_POST
def agent_revoke(
    request: HttpRequest, principal: Principal, name: str, ident: str
) -> HttpResponse:
    """Revoke a token of an agent."""
    revoke_agents_token(principal, name, ident, now=now())
    return HttpResponseRedirect(reverse("agent", args=[name]))
