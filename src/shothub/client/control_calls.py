"""What can be asked of a hub to control jobs and apparatus: each function builds one call."""

from urllib.parse import quote

from pydantic import TypeAdapter

from shothub.client.calls import BASE, Call
from shothub.client.errors import Refused
from shothub.domain.evidence import Decision
from shothub.domain.faults import Fault
from shothub.wire.apparatus import ApparatusView
from shothub.wire.jobs import DecisionRequest, JobView, KeepRequest

_JOB = TypeAdapter(JobView)


def hold(job: str) -> Call[JobView]:
    """Ask that a job be held back."""
    return Call(method="POST", path=f"{_path(job)}/hold", answer=_JOB)


def release(job: str) -> Call[JobView]:
    """Ask that a job go on that was held back."""
    return Call(method="POST", path=f"{_path(job)}/release", answer=_JOB)


def keep(job: str, *, wanted: bool) -> Call[JobView]:
    """Ask that the results of a job stay however old they are, or no longer."""
    body = KeepRequest(keep=wanted).model_dump_json().encode()
    return Call(method="POST", path=f"{_path(job)}/keep", answer=_JOB, body=body)


def decide(job: str, index: int, choice: str) -> Call[JobView]:
    """Say what shall become of a shot whose outcome is unknown.

    Raises:
        Refused: there is no such choice.
    """
    if choice not in set(Decision):
        raise _no_such_choice(choice)
    return Call(
        method="POST",
        path=f"{_path(job)}/shots/{index}/decision",
        answer=_JOB,
        body=DecisionRequest(choice=Decision(choice).value).model_dump_json().encode(),
    )


def _no_such_choice(choice: str) -> Refused:
    return Refused(
        Fault(
            code="bad_choice",
            detail=f"{choice!r} is no choice.",
            where="choice",
            hint=f"one of: {', '.join(Decision)}",
        )
    )


def _path(job: str) -> str:
    return f"{BASE}/jobs/{quote(job, safe='')}"


def control_apparatus(
    name: str, what: str, message: str | None = None
) -> Call[ApparatusView]:
    """Ask that an apparatus be paused, drained, resumed, or its hold lifted."""
    body = (
        None if message is None else TypeAdapter(dict).dump_json({"message": message})
    )
    return Call(
        method="POST",
        path=f"{BASE}/apparatus/{quote(name, safe='')}/{what}",
        answer=TypeAdapter(ApparatusView),
        body=body,
    )
