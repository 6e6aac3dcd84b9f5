"""On what terms a job runs: for which group, in which class, when, after which others."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shothub.domain.bars import Conditions, bar_of, fault_of, is_good
from shothub.domain.faults import Fault
from shothub.server.accounts.group_queries import Member
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.jobs.dues import predecessor
from shothub.server.jobs.models import Job
from shothub.server.refusals import Forbidden
from shothub.server.reservations.models import Session
from shothub.wire.jobs import JobRequestBase

_OF_OPERATORS = frozenset({"safety", "calibration"})


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The terms of one job.

    Attributes:
        group: on whose allocation; None for the user's own.
        after: earlier jobs by id, and whether each is good already.
        after_listed: places of earlier jobs in the same list.
        barred: what keeps it waiting at first.
    """

    group: int | None = None
    after: dict[str, bool] = field(default_factory=dict)
    after_listed: tuple[int, ...] = ()
    session: str = ""
    barred: str = ""
    faults: tuple[Fault, ...] = ()

    @property
    def after_left(self) -> int:
        """How many jobs it waits for."""
        return len(self.after_listed) + sum(not good for good in self.after.values())


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who submits, when, and in which place of a list the job stands."""

    principal: Principal
    groups: Sequence[Member]
    now: datetime
    place: int = 0


def terms_of(request: JobRequestBase, apparatus: Apparatus, asker: Asker) -> Terms:
    """Return the terms of a request, with what is wrong with them.

    Raises:
        Forbidden: the class is for operators.
    """
    _require_class(request, asker.principal)
    group, faults = _group(request.group, asker.groups)
    faults += _time_faults(request, asker.now)
    session, more = _session(request, apparatus, asker.principal)
    after, listed, wrong = _after(request.after, asker)
    faults += [*more, *wrong]
    terms = Terms(
        group=session.group_id if session else group,
        after=after,
        after_listed=listed,
        session=request.session,
        faults=tuple(faults),
    )
    conditions = Conditions(
        held=request.hold,
        after_left=terms.after_left,
        not_before=request.not_before,
        drained=apparatus.draining,
        session_waits=session is not None and session.state == "waiting",
    )
    return Terms(**vars(terms) | {"barred": bar_of(conditions, asker.now) or ""})


def _require_class(request: JobRequestBase, principal: Principal) -> None:
    asked = request.service
    if asked in _OF_OPERATORS and not principal.may("operator", request.apparatus):
        raise Forbidden(
            f"Only operators of {request.apparatus!r} submit {asked} jobs.",
            code="operator_not_granted",
            where="service",
            hint="leave it out, or ask for scavenger: it runs when nobody else waits",
        )


def _group(name: str, groups: Sequence[Member]) -> tuple[int | None, list[Fault]]:
    if name == "-":
        return None, []
    for member in groups:
        if member.name == name or (not name and member.is_default):
            return member.group, []
    if not name:
        return None, []
    fault = Fault(
        code="not_in_group",
        detail=f"You are not in a group {name!r}.",
        where="group",
        hint=f"yours: {', '.join(m.name for m in groups) or 'none'}",
    )
    return None, [fault]


def _time_faults(request: JobRequestBase, now: datetime) -> list[Fault]:
    latest, earliest = request.start_by, request.not_before
    if latest is None:
        return []
    if latest <= now:
        text = (
            f"The time by which it is to start is over: {latest:%Y-%m-%d %H:%M:%S %Z}."
        )
        return [Fault(code="start_by_over", detail=text, where="start_by")]
    if earliest is not None and latest <= earliest:
        text = "It may not start before a time, and is to start by an earlier one."
        return [Fault(code="no_time_to_start", detail=text, where="start_by")]
    return []


def _session(
    request: JobRequestBase, apparatus: Apparatus, principal: Principal
) -> tuple[Session | None, list[Fault]]:
    if not request.session:
        return None, []
    rows = Session.objects.filter(owner_id=principal.user, apparatus_id=apparatus.pk)
    found = rows.filter(pk=request.session).first()
    if found and found.state != "ended":
        return found, []
    name, where = request.session, apparatus.name
    over = f"The session {name!r} is over."
    fault = Fault(
        code="no_session",
        detail=over if found else f"You have no session {name!r} on {where!r}.",
        where="session",
        hint="open one, or leave it out",
    )
    return None, [fault]


def _after(
    asked: Sequence[str], asker: Asker
) -> tuple[dict[str, bool], tuple[int, ...], list[Fault]]:
    if not asked:
        return {}, (), []
    listed = sorted({int(name[1:]) for name in asked if name.startswith("#")})
    ids = [name for name in dict.fromkeys(asked) if not name.startswith("#")]
    seen = Job.objects.owned_by(asker.principal).in_bulk(ids)
    faults = [_no_such_place(n) for n in listed if n >= asker.place]
    after: dict[str, bool] = {}
    for job in ids:
        if job not in seen:
            faults.append(_no_such_job(job))
            continue
        earlier = predecessor(seen[job])
        fault = fault_of(earlier)
        faults += [fault] if fault else []
        after[job] = is_good(earlier)
    return after, tuple(listed), faults


def _no_such_job(job: str) -> Fault:
    detail = f"There is no job {job!r} of yours to run after."
    return Fault(code="unknown_job", detail=detail, where="after")


def _no_such_place(place: int) -> Fault:
    return Fault(
        code="unknown_job",
        detail=f"#{place} is no earlier job of the same list.",
        where="after",
        hint="#0 is the first job of the list",
    )
