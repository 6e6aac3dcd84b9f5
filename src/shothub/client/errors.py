"""What can go wrong for a user of the SDK, as one tree of exceptions.

ShothubError
├── NotLoggedIn            no address or no token is known
├── UnsafeProfile          the profile file can be read by other people
├── HubUnreachable         no answer, though it was tried for as long as was allowed
├── UnexpectedAnswer       something answered that is not a hub
├── DamagedDownload        a file did not arrive as the hub described it
├── MissingPart            an optional part of shothub, or of its friends, is not installed
├── Refused                what was asked cannot be done as it is: see its faults
├── HubRefused             the hub said no
│   ├── Unauthorized       no token, or one that is expired or revoked
│   ├── Forbidden          the token lacks a scope
│   ├── NotFound           not there, or not yours
│   ├── Conflict           not in this state
│   ├── RateLimited        too many requests
│   └── HubFailed          a fault of the hub itself
├── SessionOver            a session has ended
├── StillUnfinished        a job did not end within the time given to ``wait``
├── JobFailed              a job ended without results
└── JobCancelled           a job was cancelled, or expired
"""

from collections.abc import Sequence

from shothub.domain.faults import Fault
from shothub.domain.tokens import ALL_SCOPES
from shothub.wire.jobs import JobView
from shothub.wire.problems import FaultModel, Problem
from shothub.wire.reservations import SessionView


class ShothubError(Exception):
    """Anything of shothub that went wrong, with its reasons.

    Attributes:
        faults: one or more reasons: code, detail, where, hint.
    """

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = faults


class NotLoggedIn(ShothubError):
    """No address or no token of a hub is known."""


class UnsafeProfile(ShothubError):
    """The profile file holds a token and can be read by other people."""


class HubUnreachable(ShothubError):
    """The hub did not answer for as long as was allowed."""


class UnexpectedAnswer(ShothubError):
    """Something answered that does not speak as a hub does."""


class DamagedDownload(ShothubError):
    """A file did not arrive as the hub described it."""


class MissingPart(ShothubError):
    """Something optional is not installed."""


class Refused(ShothubError):
    """What was asked cannot be done as it is; nothing was stored."""


class HubRefused(ShothubError):
    """The hub said no.

    Attributes:
        problem: its answer, with the request id to be quoted to the lab.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(*faults_of(problem))
        self.problem = problem


class Unauthorized(HubRefused):
    """The token is missing, mistyped, expired or revoked."""


class Forbidden(HubRefused):
    """The token lacks a scope, or the user lacks a grant."""

    @property
    def scope(self) -> str:
        """Name of the scope that is missing; empty if something else is."""
        named = (scope for scope in sorted(ALL_SCOPES) if scope in self.problem.detail)
        return next(named, "")


class NotFound(HubRefused):
    """It is not there, or not yours."""


class Conflict(HubRefused):
    """It is not in a state in which that can be done."""


class RateLimited(HubRefused):
    """Too many requests.

    Attributes:
        retry_after: seconds after which the hub answers again, if it said so.
    """

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        super().__init__(problem)
        self.retry_after = retry_after


class HubFailed(HubRefused):
    """A fault of the hub itself, or of what stands in front of it."""


class SessionOver(ShothubError):
    """A session has ended, before its turn came or while it was in use.

    Attributes:
        session: the session as it ended.
    """

    def __init__(self, session: SessionView) -> None:
        detail = f"Session {session.id} has ended: {session.notice}."
        super().__init__(Fault(code="session_over", detail=detail))
        self.session = session


class StillUnfinished(ShothubError):
    """A job did not end within the time given; it goes on, wait again at any time."""

    def __init__(self, job: JobView, said: str) -> None:
        super().__init__(
            Fault(
                code="still_unfinished",
                detail=f"Job {job.id} has not ended yet: {said}.",
                hint="it goes on; wait again, now or later",
            )
        )
        self.job = job


class JobFailed(ShothubError):
    """A job ended without results.

    Attributes:
        job: the job as it ended.
    """

    def __init__(self, job: JobView) -> None:
        super().__init__(*(faults_from(job.faults) or [_failed_without_fault(job)]))
        self.job = job


class JobCancelled(ShothubError):
    """A job was cancelled, or expired before it could run.

    Attributes:
        job: the job as it ended.
    """

    def __init__(self, job: JobView) -> None:
        detail = f"Job {job.id} was {job.state}; {job.shots_done} of its shots had run."
        super().__init__(Fault(code=f"job_{job.state}", detail=detail))
        self.job = job


def faults_from(models: Sequence[FaultModel]) -> list[Fault]:
    """Return faults as values of the domain."""
    return [Fault(**model.model_dump()) for model in models]


def faults_of(problem: Problem) -> list[Fault]:
    """Return the reasons that a problem gives: its faults, or itself as the only one."""
    return faults_from(problem.faults) or [
        Fault(
            code=problem.code,
            detail=problem.detail or problem.title,
            where=problem.where,
            hint=problem.hint,
        )
    ]


def _failed_without_fault(job: JobView) -> Fault:
    missing = f"{job.shots_failed} shots failed, {job.shots_unknown} are unknown"
    return Fault(
        code="job_failed",
        detail=f"Job {job.id} failed: {missing}.",
        hint="see its events and logs",
    )
