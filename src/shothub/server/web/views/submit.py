"""Submission: choose a procedure, fill in its globals, or upload a script."""

import hashlib
import secrets
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)
from pydantic import JsonValue

from shothub.domain.faults import Fault
from shothub.domain.scans import Scan, parse_value
from shothub.runtime.clock import now
from shothub.server.accounts.principals import Principal
from shothub.server.jobs.forecasts import foresee_submission
from shothub.server.jobs.queries import find_job, job_view
from shothub.server.jobs.services.dry_run import dry_run
from shothub.server.jobs.services.submit import IdempotencyKey, submit
from shothub.server.refusals import Forbidden, NotThere, Refused
from shothub.server.results.queries import stored_bytes
from shothub.server.web.access import member
from shothub.server.web.forms import (
    Form,
    Labels,
    fresh_form,
    judged,
    read_form,
)
from shothub.server.web.machines import Machine, machine_named, machines_for
from shothub.server.web.snippets import python_call, shell_call
from shothub.server.web.uploads import read_script
from shothub.server.web.words import hold, length
from shothub.wire.apparatus import ProcedureView
from shothub.wire.jobs import JobRequestBase, ProcedureRequest

Context = dict[str, Any]


@member
@require_safe
def choose(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show what can be run, and where."""
    machines = machines_for(principal, now=now())
    context = {"section": "submit", "machines": machines}
    return render(request, "shothub/submit.html", context)


@member
@require_http_methods(["GET", "HEAD", "POST"])
def procedure(
    request: HttpRequest, principal: Principal, name: str, procedure_name: str
) -> HttpResponse:
    """Show a procedure's form; check or submit what was filled in."""
    machine = machine_named(principal, name, now=now())
    chosen = _chosen(machine, procedure_name)
    if request.method != "POST":
        form, values = _first_form(request, principal, chosen)
        count = _count(principal, machine, chosen, form, (Labels(), values))[1]
        return _form_page(request, machine, form, count, chosen=chosen)
    form, labels, values = read_form(chosen, request.POST)
    form, count = _count(principal, machine, chosen, form, (labels, values))
    if form.is_good and request.POST.get("do") == "submit":
        wanted = _request(machine, chosen, labels, values)
        try:
            return _submitted(request, principal, wanted)
        except Refused as refusal:
            form = judged(form, refusal.faults)
    status = 200 if form.is_good else 422
    return _form_page(request, machine, form, count, chosen=chosen, status=status)


@member
@require_POST
def count(
    request: HttpRequest, principal: Principal, name: str, procedure_name: str
) -> HttpResponse:
    """Say how many shots the form would make, while it is being filled in."""
    machine = machine_named(principal, name, now=now())
    chosen = _chosen(machine, procedure_name)
    form, labels, values = read_form(chosen, request.POST)
    counted = _count(principal, machine, chosen, form, (labels, values))[1]
    return render(request, "shothub/_count.html", {"count": counted})


@member
@require_http_methods(["GET", "HEAD", "POST"])
def script(request: HttpRequest, principal: Principal, name: str) -> HttpResponse:
    """Show the form for a script of the user's own; submit what was filled in."""
    machine = machine_named(principal, name, now=now())
    if not machine.scripts:
        raise Forbidden(
            f"Scripts of your own do not run on {machine.view.name!r}.",
            hint="run one of its procedures, or ask the lab to grant you scripts",
        )
    form, status = Form(), 200
    if request.method == "POST":
        form, wanted = read_script(machine.view.name, request.POST, request.FILES)
        if wanted is not None:
            try:
                return _submitted(request, principal, wanted)
            except Refused as refusal:
                form = judged(form, refusal.faults)
        status = 422
    context = {
        "section": "submit",
        "apparatus": machine.view,
        "description": machine.description,
        "form": form,
        "groups": machine.groups,
        "once": secrets.token_urlsafe(16),
    }
    return render(request, "shothub/script.html", context, status=status)


def _chosen(machine: Machine, name: str) -> ProcedureView:
    found = machine.procedure(name)
    if found is None:
        raise NotThere(f"{machine.view.name!r} has no procedure {name[:48]!r}.")
    return found


def _first_form(
    request: HttpRequest, principal: Principal, chosen: ProcedureView
) -> tuple[Form, dict[str, JsonValue]]:
    values, name, tags = dict[str, JsonValue](), "", list[str]()
    if again := request.GET.get("again"):
        earlier = job_view(find_job(principal, again))
        values, name, tags = dict(earlier.globals), earlier.name, earlier.tags
    elif "plain" not in request.GET:
        values = dict(chosen.example)
    return fresh_form(chosen, values, name=name, tags=tags), values


def _request(
    machine: Machine,
    chosen: ProcedureView,
    labels: Labels,
    values: dict[str, JsonValue],
) -> ProcedureRequest:
    return ProcedureRequest(
        apparatus=machine.view.name,
        procedure=chosen.name,
        globals=values,
        **labels.fields(),
    )


def _count(
    principal: Principal,
    machine: Machine,
    chosen: ProcedureView,
    form: Form,
    given: tuple[Labels, dict[str, JsonValue]],
) -> tuple[Form, Context]:
    """Hold the values against the declaration; say how many shots they make, and when."""
    labels, values = given
    terms = {} if form.terms.errors else labels.terms
    wanted = _request(machine, chosen, Labels(terms=terms), values)
    answer = dry_run(
        principal,
        wanted,
        stored=stored_bytes,
        now=now(),
        forecast=foresee_submission,
    )
    found = [Fault(**vars(fault)) for fault in answer.faults]
    form = judged(form, found)
    if form.faults:
        return form, {"shots": None, "trouble": _trouble(form)}
    return form, {
        "shots": answer.shots,
        "scans": _scans(values),
        "seconds": answer.seconds and length(answer.seconds),
        "starts": answer.starts,
        "ends": answer.ends,
        "warnings": answer.warnings,
    }


def _trouble(form: Form) -> str:
    first = form.faults[0]
    name = first.where.rpartition("globals.")[2]
    return f"{name}: {first.detail}" if "globals." in first.where else first.detail


def _scans(values: dict[str, JsonValue]) -> str:
    """Return how the number of shots comes about, e.g. ``tof 11 × hold 3``."""
    parts = []
    for name, raw in values.items():
        value = parse_value(raw)
        if isinstance(value, Scan):
            parts.append(f"{name} {len(value.values)}")
    return " × ".join(parts)


def _submitted(
    request: HttpRequest, principal: Principal, wanted: JobRequestBase
) -> HttpResponse:
    body = wanted.model_dump_json().encode()
    once = IdempotencyKey(
        key=f"page-{request.POST.get('once', '')[:64] or secrets.token_urlsafe(16)}",
        digest=hashlib.sha256(body).hexdigest(),
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


def _form_page(
    request: HttpRequest,
    machine: Machine,
    form: Form,
    counted: Context,
    *,
    chosen: ProcedureView,
    status: int = 200,
) -> HttpResponse:
    said = {"apparatus": machine.view.name, "procedure": chosen.name}
    context = {
        "section": "submit",
        "apparatus": machine.view,
        "procedure": chosen,
        "form": form,
        "count": counted,
        "waiting": hold(machine.view),
        "once": secrets.token_urlsafe(16),
        "groups": machine.groups,
        "python": python_call(**said, values=chosen.example),
        "shell": shell_call(**said, values=chosen.example),
    }
    return render(request, "shothub/procedure.html", context, status=status)
