"""Who may do what on an apparatus: a page for its admins."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from shothub.domain.faults import Fault
from shothub.runtime.clock import now
from shothub.server.accounts.grant_queries import Granted, grants_on, whom_named
from shothub.server.accounts.grant_services import require_admin, set_grant_by
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.queries import apparatus_named, description_of
from shothub.server.refusals import Invalid
from shothub.server.web.access import member

_RIGHTS = {
    "scripts": "submit scripts of their own",
    "relay": "submit through the relay",
    "hdf5": "download shot files (HDF5)",
}
_ROLES = {
    "reviewer": "reviewer: reads the scripts of all jobs",
    "operator": "operator: pauses, holds, books, calibrates",
    "admin": "admin: grants all this to others",
}


@member
@require_http_methods(["GET", "HEAD", "POST"])
def grants(request: HttpRequest, principal: Principal, name: str) -> HttpResponse:
    """Show what is granted on an apparatus; grant."""
    machine = apparatus_named(name)
    require_admin(principal, name)
    given = request.POST if request.method == "POST" else request.GET
    whom = given.get("user", "").strip(), given.get("group", "").strip()
    faults: tuple[Fault, ...] = ()
    rows = grants_on(name)
    chosen = next((row for row in rows if (row.user, row.group) == whom), None)
    if request.method == "POST":
        asked = _asked(request)
        try:
            found = whom_named(user=whom[0], group=whom[1])
            set_grant_by(principal, found, name, asked, now=now())
            return HttpResponseRedirect(reverse("grants", args=[name]))
        except Invalid as wrong:
            faults, chosen = wrong.faults, _as_asked(name, asked)
    procedures = [p.name for p in description_of(machine).procedures]
    context: dict[str, Any] = {
        "section": "apparatus",
        "name": name,
        "rows": rows,
        "whom_user": whom[0],
        "whom_group": whom[1],
        "rights": _choices(_RIGHTS, chosen),
        "roles": _choices(_ROLES, chosen),
        "procedures": _procedures(procedures, chosen),
        "all_procedures": chosen is None or chosen.procedures is None,
        "faults": faults,
    }
    status = 422 if faults else 200
    return render(request, "shothub/grants.html", context, status=status)


def _as_asked(apparatus: str, asked: dict[str, Any]) -> Granted:
    """Return what was filled in, to be shown again."""
    kinds = [kind for kind in [*_RIGHTS, *_ROLES] if asked[kind]]
    return Granted(apparatus=apparatus, kinds=kinds, procedures=asked["procedures"])


def _choices(words: dict[str, str], chosen: Granted | None) -> list[dict[str, Any]]:
    kinds = chosen.kinds if chosen else []
    return [
        {"name": kind, "words": said, "chosen": kind in kinds}
        for kind, said in words.items()
    ]


def _procedures(published: list[str], chosen: Granted | None) -> list[dict[str, Any]]:
    """Return the procedures to choose among: also those that are no longer published."""
    named = (chosen.procedures if chosen else None) or []
    names = [*published, *(name for name in named if name not in published)]
    return [{"name": name, "chosen": name in named} for name in names]


def _asked(request: HttpRequest) -> dict[str, Any]:
    ticked = set(request.POST.getlist("kinds"))
    asked: dict[str, Any] = {kind: kind in ticked for kind in [*_RIGHTS, *_ROLES]}
    everything = request.POST.get("which", "all") == "all"
    asked["procedures"] = None if everything else request.POST.getlist("procedures")
    return asked
