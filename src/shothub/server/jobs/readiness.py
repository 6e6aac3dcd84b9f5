"""Requests that were checked and may become jobs: all of a list, or the faults of all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from shothub.domain.faults import Fault
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.queries import known_apparatus
from shothub.server.jobs.allowances import Wish
from shothub.server.jobs.checks import Checked, check
from shothub.server.jobs.terms import Asker, Terms, terms_of
from shothub.server.refusals import Forbidden, Invalid
from shothub.wire.jobs import JobRequestBase


@dataclass(frozen=True)
class Ready:
    """A request that may become a job."""

    request: JobRequestBase
    apparatus: Apparatus
    checked: Checked
    terms: Terms

    @property
    def wish(self) -> Wish:
        """What it would take of quotas."""
        return Wish(
            apparatus=self.apparatus.name,
            group=self.terms.group,
            shots=self.checked.shots or 1,
            source=self.checked.source,
        )


def make_all_ready(
    requests: Sequence[JobRequestBase], asker: Asker, *, is_list: bool = True
) -> list[Ready]:
    """Check all requests of one submission.

    Raises:
        Invalid: some are wrong; the faults name their places.
        Forbidden: one asks for what the user may not.
    """
    if not 1 <= len(requests) <= settings.SHOTHUB.max_batch:
        raise Invalid(
            f"A list takes 1 to {settings.SHOTHUB.max_batch} jobs, not {len(requests)}.",
            code="bad_batch",
            where="body",
        )
    ready, faults = [], []
    machines = known_apparatus({request.apparatus for request in requests})
    for number, request in enumerate(requests):
        place = f"body.{number}" if is_list else "body"
        try:
            ready.append(make_ready(request, replace(asker, place=number), machines))
        except Invalid as error:
            faults += [_at(place, fault) for fault in error.faults]
        except Forbidden as error:
            raise Forbidden(faults=[_at(place, f) for f in error.faults]) from None
    if faults:
        raise Invalid(faults=faults)
    return ready


def _at(place: str, fault: Fault) -> Fault:
    inner = fault.where.removeprefix("body").lstrip(".")
    return replace(fault, where=f"{place}.{inner}" if inner else place)


def make_ready(
    request: JobRequestBase, asker: Asker, machines: Mapping[str, Apparatus]
) -> Ready:
    """Check one request.

    Raises:
        Invalid: something is wrong with it.
        Forbidden: the user may not submit such a job there.
    """
    apparatus = machines.get(request.apparatus)
    if apparatus is None:
        raise Invalid(
            f"There is no apparatus named {request.apparatus!r}.",
            code="unknown_apparatus",
            where="apparatus",
        )
    _require_reach(asker.principal, apparatus.name)
    checked = check(request, apparatus, asker.principal)
    terms = terms_of(request, apparatus, asker)
    faults = (*checked.faults, *terms.faults)
    if faults:
        raise Invalid(faults=faults)
    return Ready(request, apparatus, checked, terms)


def _require_reach(principal: Principal, apparatus: str) -> None:
    if not principal.reaches(apparatus):
        raise Forbidden(
            f"The token is not good for {apparatus!r}.",
            code="not_for_apparatus",
            where="body.apparatus",
            hint=f"it is good on {', '.join(sorted(principal.only_on))} only",
        )
