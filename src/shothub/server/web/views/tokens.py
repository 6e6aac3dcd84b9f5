"""Tokens: list, make, revoke."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from shothub.domain.faults import Fault
from shothub.runtime.clock import now
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.queries import tokens as tokens_of
from shothub.server.accounts.services import revoke
from shothub.server.apparatus.credentials import mint_by
from shothub.server.apparatus.queries import all_for
from shothub.server.refusals import Refused
from shothub.server.web.access import member
from shothub.server.web.scopes import SCOPES, USUAL
from shothub.wire.accounts import NewToken, TokenRequest

_DAYS, _LONGEST_NAME = "90", 120


@dataclass(frozen=True, kw_only=True)
class TokenForm:
    """What the user has filled in."""

    name: str = ""
    days: str = _DAYS
    apparatus: frozenset[str] = frozenset()
    scopes: frozenset[str] = USUAL


@member
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show the tokens; make one."""
    if request.method != "POST":
        return _page(request, principal, TokenForm())
    form = _read(request.POST)
    faults = _faults(form, {machine.name for machine in all_for(principal)})
    if faults:
        return _page(request, principal, form, faults=faults)
    try:
        asked = TokenRequest(
            name=form.name,
            scopes=sorted(form.scopes),
            apparatus=sorted(form.apparatus),
            days=int(form.days),
        )
        made = mint_by(principal, asked, now=now())
    except Refused as refusal:
        return _page(request, principal, form, faults=list(refusal.faults))
    return _page(request, principal, TokenForm(), made=made)


def _read(given: QueryDict) -> TokenForm:
    return TokenForm(
        name=given.get("name", "").strip(),
        days=given.get("days", "").strip(),
        apparatus=frozenset(given.getlist("apparatus")),
        scopes=frozenset(given.getlist("scopes")),
    )


def _faults(form: TokenForm, machines: Set[str]) -> list[Fault]:
    faults = []
    if unknown := form.apparatus - machines:
        said = f"There is no apparatus {min(unknown)[:48]!r}."
        faults.append(_fault(said, "apparatus"))
    if not (1 <= len(form.name) <= _LONGEST_NAME and form.name.isprintable()):
        faults.append(
            _fault("Give the token a name, so that you can tell it apart.", "name")
        )
    if not (form.days.isascii() and form.days.isdecimal() and len(form.days) <= 6):
        faults.append(_fault("The number of days is a whole number.", "days"))
    if not form.scopes:
        faults.append(_fault("Tick at least one thing that it may do.", "scopes"))
    return faults


def _fault(detail: str, where: str) -> Fault:
    return Fault(code="bad_value", detail=detail, where=where)


def _page(
    request: HttpRequest,
    principal: Principal,
    form: TokenForm,
    *,
    made: NewToken | None = None,
    faults: list[Fault] | None = None,
) -> HttpResponse:
    scopes = [
        {"name": scope, "words": said, "chosen": scope in form.scopes}
        for scope, said in SCOPES.items()
        if scope in principal.scopes
    ]
    context: dict[str, Any] = {
        "section": "tokens",
        "tokens": tokens_of(principal),
        "form": form,
        "scopes": scopes,
        "machines": [apparatus.name for apparatus in all_for(principal)],
        "made": made,
        "faults": faults or [],
        "max_days": settings.SHOTHUB.max_token_days,
        "now": now(),
        "hub_url": request.build_absolute_uri("/").rstrip("/"),
    }
    status = 422 if faults else 200
    return render(request, "shothub/tokens.html", context, status=status)


@member
@require_POST
def token_revoke(
    request: HttpRequest, principal: Principal, ident: str
) -> HttpResponse:
    """Revoke a token."""
    revoke(principal, ident=ident, now=now())
    return HttpResponseRedirect(reverse("tokens"))
