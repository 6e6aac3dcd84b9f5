"""One's account: welcomed, shown, closed; and the way in by an invitation."""

import hashlib
from typing import Any

from allauth.usersessions.views import ListUserSessionsView
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from shothub.runtime.clock import now
from shothub.server.accounts import people_queries, people_services
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.proofs import require_person
from shothub.server.accounts.queries import principal_of_session, tokens
from shothub.server.jobs.services.leaving import close_account
from shothub.server.jobs.services.submit import IdempotencyKey, submit
from shothub.server.refusals import NotThere
from shothub.server.results.queries import stored_bytes
from shothub.server.web.access import member
from shothub.server.web.machines import Machine, machines_for
from shothub.wire.apparatus import ProcedureView
from shothub.wire.jobs import ProcedureRequest


@require_safe
def invitation(request: HttpRequest, code: str) -> HttpResponse:
    """Take the code of an invitation's link to the sign-up form, out of the address."""
    request.session["invitation"] = code
    return HttpResponseRedirect(reverse("account_signup"))


@require_safe
@login_required
def welcome(request: HttpRequest) -> HttpResponse:
    """Welcome a user who has been let in; tell another that the lab decides."""
    user: Any = request.user
    if user.state != "active":
        waiting = {"confirmed": people_queries.has_confirmed(user.pk)}
        return render(request, "shothub/people/waiting.html", waiting)
    principal = principal_of_session(user)
    first = _first(principal)
    page: dict[str, Any] = {
        "key": principal.key,
        "protected": people_queries.setup_of(user.pk).protected,
        "tokens": bool(tokens(principal)),
        "machine": first[0].view if first else None,
        "procedure": first[1] if first else None,
        "hub_url": request.build_absolute_uri("/").rstrip("/"),
    }
    return render(request, "shothub/people/welcome.html", page)


def _first(principal: Principal) -> tuple[Machine, ProcedureView] | None:
    """Return what a newcomer may run first: the quickest to reach is the first listed."""
    for machine in machines_for(principal, now=now()):
        for procedure in machine.description.procedures:
            if principal.may_run(procedure.name, machine.view.name):
                return machine, procedure
    return None


@member
@require_POST
def first_job(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Run a procedure's own example, and show the job; pressed twice it runs once."""
    first = _first(principal)
    if first is None:
        raise NotThere("There is no procedure that you may run yet.")
    machine, procedure = first
    wanted = ProcedureRequest(
        apparatus=machine.view.name,
        procedure=procedure.name,
        globals=dict(procedure.example),
        name="my first job",
    )
    body = wanted.model_dump_json().encode()
    once = IdempotencyKey(
        key=f"welcome-{principal.key}", digest=hashlib.sha256(body).hexdigest()
    )
    made = submit(
        principal,
        [wanted],
        idempotency=once,
        stored=stored_bytes,
        now=now(),
        is_list=False,
    )
    return HttpResponseRedirect(reverse("job", args=[made[0].id]))


@member
@require_safe
def account(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show how the user's account is set up."""
    user: Any = request.user
    page = {
        "section": "account",
        "key": principal.key,
        "email": principal.email,
        "has_password": user.has_usable_password(),
        "setup": people_queries.setup_of(user.pk),
    }
    return render(request, "shothub/people/account.html", page)


class Sessions(ListUserSessionsView):  # type: ignore[misc]
    """The user's sessions; he may end all but this one."""

    def form_valid(self, form: Any) -> HttpResponse:
        """End the others, and put it on the record."""
        user: Any = self.request.user
        with transaction.atomic():
            people_services.note_sessions_ended(user.pk, now=now())
            answer: HttpResponse = super().form_valid(form)
        return answer


@require_safe
@login_required
def prove_elsewhere(request: HttpRequest) -> HttpResponse:
    """Let a user without a password prove by his other account that it is he."""
    mine = people_queries.other_accounts(request.user.pk or 0)
    page = {
        "providers": [account.get_provider(request) for account in mine],
        "next": request.GET.get("next", ""),
    }
    return render(request, "shothub/people/elsewhere.html", page)


@member
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Close the account once its owner has proved who he is and typed his name."""
    require_person(principal, now())
    typed = request.POST.get("username", "").strip()
    if request.method == "POST" and typed == principal.username:
        close_account(principal, now=now())
        logout(request)
        messages.success(request, "Your account is closed.")
        return HttpResponseRedirect(reverse("account_login"))
    faults = ["This is not your name."] if request.method == "POST" else []
    page = {"section": "account", "key": principal.key, "faults": faults}
    status = 422 if faults else 200
    return render(request, "shothub/people/close.html", page, status=status)
