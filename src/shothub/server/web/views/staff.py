"""People, for the lab's staff: approve, invite, suspend. Nobody acts as somebody else."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from shothub.domain.people import SignUp
from shothub.runtime.clock import now
from shothub.server.accounts import people_queries, people_services, standing_queries
from shothub.server.accounts.group_queries import groups
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.proofs import require_person
from shothub.server.audit.queries import Viewer, Wanted, recorded
from shothub.server.jobs.services import suspension
from shothub.server.outbox.services import welcoming
from shothub.server.refusals import Forbidden, Invalid, Refused
from shothub.server.web.access import member
from shothub.server.web.acts import detail_of, words_of

_PAGE, _ACTS = 100, 20
View = Callable[..., HttpResponse]


def staff(view: View) -> Callable[..., HttpResponseBase]:
    """Let the hub's staff in, and tell others that they are none."""

    def guarded(
        request: HttpRequest, principal: Principal, **given: Any
    ) -> HttpResponse:
        if not principal.staff:
            raise Forbidden("Only the hub's staff sees its people.", code="not_staff")
        return view(request, principal, **given)

    update_wrapper(guarded, view)
    return member(guarded)


def _act(view: View) -> Callable[..., HttpResponseBase]:
    """Let staff do something that wants a fresh proof of who they are."""

    def guarded(
        request: HttpRequest, principal: Principal, **given: Any
    ) -> HttpResponse:
        require_person(principal, now())
        return view(request, principal, **given)

    update_wrapper(guarded, view)
    return require_POST(staff(guarded))


@staff
@require_safe
def people(request: HttpRequest, _: Principal) -> HttpResponse:
    """Show who is there, who waits, and who is invited."""
    return _people(request)


def _people(request: HttpRequest, *, status: int = 200, **more: object) -> HttpResponse:
    state = request.GET.get("state", "")
    text = request.GET.get("q", "").strip().replace("\0", "")[:150]
    after = request.GET.get("after", "").replace("\0", "")[:150]
    wanted = state if state in standing_queries.STATES else ""
    found = standing_queries.people(
        now(), state=wanted, text=text, limit=_PAGE + 1, after=after
    )
    context = {
        "section": "people",
        "people": found[:_PAGE],
        "next": found[_PAGE - 1].username if len(found) > _PAGE else "",
        "state": wanted,
        "text": text,
        "states": standing_queries.STATES,
        "applicants": people_queries.applicants(),
        "invitations": people_queries.invitations(now()),
        "may_invite": settings.SHOTHUB.sign_up != SignUp.CLOSED,
        "groups": [group["name"] for group in groups()],
        "days": settings.SHOTHUB.invitation_days,
        **more,
    }
    return render(request, "shothub/staff/people.html", context, status=status)


@staff
@require_safe
def person(request: HttpRequest, principal: Principal, username: str) -> HttpResponse:
    """Show one user, and what was done lately by him and to his account."""
    return _person(request, principal, username)


def _person(
    request: HttpRequest,
    principal: Principal,
    username: str,
    refusal: Refused | None = None,
) -> HttpResponse:
    acts = recorded(
        Viewer(user=principal.user, staff=True), Wanted(who=username), limit=_ACTS
    )
    context = {
        "section": "people",
        "person": standing_queries.person(username, now()),
        "acts": [(act, words_of(act.what), detail_of(act)) for act in acts],
        "oneself": username == principal.username,
        "faults": refusal.faults if refusal else (),
    }
    status = 422 if refusal else 200
    return render(request, "shothub/staff/person.html", context, status=status)


@_act
def approve(request: HttpRequest, _: Principal, username: str) -> HttpResponse:
    """Let somebody in who has signed up."""
    key = request.POST.get("key", "").strip()
    try:
        welcoming.approve(username, key=key, now=now())
    except Refused as refusal:
        return _people(request, status=422, faults=refusal.faults)
    return _back()


@_act
def decline(request: HttpRequest, _: Principal, username: str) -> HttpResponse:
    """Turn somebody away who has signed up."""
    people_services.decline(username, now=now())
    return _back()


@_act
def invite(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Make an invitation, mail it if it has an address, and show it once."""
    email = request.POST.get("email", "").strip()
    try:
        _require_address(email)
        code = people_services.invite(
            by=principal.user,
            email=email,
            group=request.POST.get("group", ""),
            now=now(),
        )
    except Refused as refusal:
        return _people(request, status=422, faults=refusal.faults)
    mailed = bool(email and settings.SHOTHUB.smtp_host) and welcoming.mail_invitation(
        code, email=email, by=principal.username
    )
    link = request.build_absolute_uri(reverse("invitation", args=[code]))
    return _people(request, invited={"link": link, "email": email, "mailed": mailed})


def _require_address(email: str) -> None:
    try:
        if email:
            validate_email(email)
    except ValidationError:
        raise Invalid(f"{email[:80]!r} is no e-mail address.", where="email") from None


@_act
def withdraw(request: HttpRequest, _: Principal, ident: int) -> HttpResponse:
    """Make an invitation useless."""
    people_services.withdraw_invitation(ident, now=now())
    return _back()


@_act
def suspend(request: HttpRequest, principal: Principal, username: str) -> HttpResponse:
    """Keep a user out from now on."""
    try:
        suspension.suspend(
            username,
            why=request.POST.get("why", ""),
            cancel=request.POST.get("jobs") == "cancel",
            by=principal.user,
            now=now(),
        )
    except Refused as refusal:
        return _person(request, principal, username, refusal)
    return HttpResponseRedirect(reverse("person", args=[username]))


@_act
def reinstate(
    request: HttpRequest, principal: Principal, username: str
) -> HttpResponse:
    """Let a suspended user in again."""
    try:
        suspension.reinstate(username, now=now())
    except Refused as refusal:
        return _person(request, principal, username, refusal)
    return HttpResponseRedirect(reverse("person", args=[username]))


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("people"))
