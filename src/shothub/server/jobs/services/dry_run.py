"""What a submission would do: shots, seconds, start and end, and what is probably not meant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shothub.domain.quotas import is_exceeded, refusal_of, warning_of
from shothub.server.accounts.group_queries import memberships_of
from shothub.server.accounts.principals import Principal
from shothub.server.apparatus.models import Apparatus
from shothub.server.apparatus.queries import (
    apparatus_named,
    hindrance,
    known_apparatus,
)
from shothub.server.jobs.allowances import (
    StoredBytes,
    bounds_of,
    meters_of,
    typical_seconds,
)
from shothub.server.jobs.readiness import Ready, make_ready
from shothub.server.jobs.services.submit import names_of
from shothub.server.jobs.terms import Asker
from shothub.server.refusals import Invalid
from shothub.server.reservations.queries import standing
from shothub.wire.jobs import DryRun, JobRequestBase
from shothub.wire.problems import FaultModel

Forecast = Callable[
    [Principal, Ready, datetime], tuple[datetime | None, datetime | None]
]
"""Foresees start and end of a job that was not submitted."""


def no_forecast(
    _principal: Principal, _ready: Ready, _now: datetime
) -> tuple[None, None]:
    """Foresee nothing."""
    return None, None


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is known of a job that was not submitted."""

    ready: Ready
    apparatus: Apparatus
    seconds: float | None
    starts: datetime | None
    ends: datetime | None


def dry_run(
    principal: Principal,
    request: JobRequestBase,
    *,
    stored: StoredBytes,
    now: datetime,
    forecast: Forecast = no_forecast,
) -> DryRun:
    """Return what a submission would do, without storing anything.

    Args:
        principal: who would submit.
        request: what.
        stored: tells how many bytes of files somebody has.
        now: the present time.
        forecast: foresees start and end.

    Raises:
        Forbidden: the user may not submit this kind of job there.
    """
    groups = memberships_of(principal.user)
    asker = Asker(principal=principal, groups=groups, now=now)
    try:
        ready = make_ready(request, asker, known_apparatus([request.apparatus]))
    except Invalid as error:
        faults = [FaultModel(**vars(fault)) for fault in error.faults]
        return DryRun(shots=None, faults=faults)
    starts, ends = forecast(principal, ready, now)
    outlook = Outlook(
        ready=ready,
        apparatus=apparatus_named(request.apparatus),
        seconds=_seconds(ready),
        starts=starts,
        ends=ends,
    )
    refused, nearly = _about_quotas(asker, ready, stored)
    return DryRun(
        shots=ready.checked.shots,
        seconds=outlook.seconds,
        starts=starts,
        ends=ends,
        faults=refused,
        warnings=[*_warnings(outlook, principal, now), *nearly],
    )


def _seconds(ready: Ready) -> float | None:
    each = typical_seconds(ready.apparatus.name, ready.checked.source)
    shots = ready.checked.shots
    return shots * each if shots and each else None


def _about_quotas(
    asker: Asker, ready: Ready, stored: StoredBytes
) -> tuple[list[FaultModel], list[str]]:
    meters = meters_of(
        asker.principal.user,
        bounds_of(asker.principal.user, asker.groups),
        [ready.wish],
        names=names_of(asker.groups),
        stored=stored,
        now=asker.now,
    )
    refusals = [refusal_of(m, asker.now) for m in meters if is_exceeded(m)]
    faults = [FaultModel(**vars(refusal.fault)) for refusal in refusals]
    return faults, [f"{said}." for said in map(warning_of, meters) if said]


def _warnings(outlook: Outlook, principal: Principal, now: datetime) -> Sequence[str]:
    request = outlook.ready.request
    ahead = request.not_before
    said = []
    if outlook.ready.checked.shots is None:
        said.append("The number of shots is known after the script was compiled.")
    if ahead is not None and ahead <= now:
        said.append("The time before which it is not to start is over already.")
    said += [*_about_start(outlook), *_about_machine(outlook.apparatus, now)]
    return [*said, *_about_bookings(outlook, principal, now)]


def _about_start(outlook: Outlook) -> Sequence[str]:
    latest, starts = outlook.ready.request.start_by, outlook.starts
    if latest is None or starts is None or starts <= latest:
        return []
    return [
        f"It is foreseen to start at {starts:%Y-%m-%d %H:%M} UTC, after the time by"
        f" which it would expire, {latest:%Y-%m-%d %H:%M} UTC."
    ]


def _about_machine(apparatus: Apparatus, now: datetime) -> Sequence[str]:
    said = []
    why = hindrance(apparatus, now)
    if why:
        said.append(f"Nothing starts now: {why}.")
    if apparatus.draining:
        message = apparatus.pause_message
        text = f"The operator lets the apparatus run empty: {message}".strip(": ")
        said.append(f"{text}. The job would wait until he resumes it.")
    return said


def _about_bookings(
    outlook: Outlook, principal: Principal, now: datetime
) -> Sequence[str]:
    """Warn of what others have booked before the job could end."""
    group = outlook.ready.terms.group
    until = standing(outlook.apparatus, now).ends_before(principal.user, group)
    ends = outlook.ends
    if ends is None and outlook.seconds is not None:
        ends = now + timedelta(seconds=outlook.seconds)
    if until is None or ends is None or ends <= until:
        return []
    return [
        f"It does not end before {until:%Y-%m-%d %H:%M} UTC, from when the apparatus is"
        " booked: what is left then waits."
    ]
