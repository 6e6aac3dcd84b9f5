"""Reading the hub's answers: a value, or the exception that says what was wrong."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx
from pydantic import ValidationError

from shothub.client.calls import Call
from shothub.client.errors import (
    Conflict,
    Forbidden,
    HubFailed,
    HubRefused,
    NotFound,
    RateLimited,
    Refused,
    ShothubError,
    Unauthorized,
    UnexpectedAnswer,
    faults_of,
)
from shothub.domain.faults import Fault
from shothub.wire.problems import Problem

T = TypeVar("T")

_REFUSALS: dict[int, type[HubRefused]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
}
_HINTS = {
    401: "log in again with `shothub login`",
    403: "ask the lab for the right, or make a token that has the scope",
    404: "see what there is: `shothub jobs`, `shothub show JOB`, `shothub apparatus list`",
}


def read(call: Call[T], answer: httpx.Response) -> T:
    """Return the value in ``answer``.

    Raises:
        ShothubError: the hub refused, or it is not a hub that answered.
    """
    if not answer.is_success:
        raise refusal(answer)
    if call.answer is None:
        return _untyped(answer)
    try:
        return call.answer.validate_json(answer.content)
    except ValidationError as error:
        raise _not_a_hub(answer, f"{error.error_count()} fields misfit") from error


def _untyped(answer: httpx.Response) -> T:  # type: ignore[type-var]
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    return answer.json() if is_json else answer.text  # type: ignore[return-value]


def refusal(answer: httpx.Response) -> ShothubError:
    """Return the exception for an answer that is no success."""
    problem = _problem(answer)
    if problem is None:
        return _foreign(answer)
    if problem.status == 429:
        return RateLimited(problem, retry_after(answer))
    if problem.status in _REFUSALS:
        return _REFUSALS[problem.status](problem)
    if problem.status < 500:
        return Refused(*faults_of(problem))
    return HubFailed(problem)


def _problem(answer: httpx.Response) -> Problem | None:
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        return None
    return _with_advice(problem.model_copy(update={"status": answer.status_code}))


def _with_advice(problem: Problem) -> Problem:
    """Return the problem with a hint, where the hub gave none."""
    first = problem.faults[0] if problem.faults else problem
    hint = first.hint or problem.hint or _HINTS.get(problem.status, "")
    if problem.status >= 500 and problem.request_id:
        hint = f"quote the request id {problem.request_id} to the lab"
    faults = [fault.model_copy(update={"hint": hint}) for fault in problem.faults[:1]]
    return problem.model_copy(
        update={"hint": hint, "faults": [*faults, *problem.faults[1:]]}
    )


def _foreign(answer: httpx.Response) -> ShothubError:
    """Return the exception for an answer that is not the hub's own, e.g. a proxy's."""
    status = answer.status_code
    if status in {429, *range(500, 600)}:
        problem = Problem(
            type="about:blank",
            title=answer.reason_phrase,
            status=status,
            code=f"http_{status}",
            detail=f"{answer.url.host} answered {status} {answer.reason_phrase}.",
            hint="the hub may be starting or overloaded; try again in a minute",
        )
        limited = status == 429
        return (
            RateLimited(problem, retry_after(answer)) if limited else HubFailed(problem)
        )
    if answer.is_redirect:
        place = answer.headers.get("location", "elsewhere")
        return _not_a_hub(answer, f"it sends us to {place}; log in with that address")
    return _not_a_hub(answer, f"status {status}")


def _not_a_hub(answer: httpx.Response, why: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        Fault(
            code="unexpected_answer",
            detail=f"What answers there does not speak as a hub does: {why}.",
            where=str(answer.url.copy_with(query=None)),
            hint="check the address; the hub may also be of another version",
        )
    )


def retry_after(answer: httpx.Response) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, if it does.

    A date is held against the answer's own ``Date``, so that no clocks are compared.
    """
    text = answer.headers.get("retry-after", "")
    if text.isascii() and text.isdigit():
        return float(text)
    then, sent = _date(text), _date(answer.headers.get("date", ""))
    if then is None or sent is None:
        return None
    return max(0.0, (then - sent).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
