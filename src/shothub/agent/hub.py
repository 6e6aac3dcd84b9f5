"""The hub as an agent sees it: the agent endpoints over HTTP, typed.

HubError
├── Unreachable     no answer, or one that says to come again: retry
└── Refused         the hub's problem, with its code
    ├── Fenced      a newer session exists
    └── NotAllowed  the token is missing, wrong, expired or lacks ``agent:run``
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from shothub.domain.faults import Fault
from shothub.wire.accounts import Enrolment, NewToken, TokenView
from shothub.wire.agents import (
    Accepted,
    Compiled,
    OpenSession,
    Poll,
    SessionOpened,
    Start,
    Started,
    Work,
)
from shothub.wire.problems import Problem

_CHUNK = 1 << 20
_ANSWER_SECONDS = 30.0
_SHORT_SECONDS = 10.0
"""After which a poll that should have been answered, or a START, is asked again: where a
line was cut without a word, nothing else ends the waiting."""

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})

ReplyT = TypeVar("ReplyT", bound=BaseModel)


class HubError(Exception):
    """A call to the hub did not succeed."""


class Unreachable(HubError):
    """The hub gave no usable answer; the same call may be made again."""


class Refused(HubError):
    """The hub refused the call."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(f"{problem.detail} ({problem.code}, {problem.status})")


class Fenced(Refused):
    """A newer session of this apparatus exists."""


class NotAllowed(Refused):
    """The hub does not accept this agent's token."""

    @property
    def fault(self) -> Fault:
        """Return the refusal in words that say how to mend it."""
        return Fault(
            code=self.problem.code,
            detail=self.problem.detail,
            where="the agent's token",
            hint="have a code made (shothub admin agent code APPARATUS) and give it by --enrol;"
            " or give a token by --token-file, SHOTHUB_AGENT_TOKEN or SHOTHUB_AGENT_TOKEN_FILE",
        )


class AgentHub:
    """A client of the hub's agent endpoints; safe to be used from several threads."""

    def __init__(
        self, url: str, token: str, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1/agent/",
            # An agent that enrols has none yet, and a header may not end in a blank.
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=5.0),
            limits=httpx.Limits(max_keepalive_connections=8, keepalive_expiry=60.0),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; calls under way end as Unreachable."""
        self._http.close()

    def enrol(self, code: str) -> NewToken:
        """Use a code up for the agent's first token."""
        return self._call("enrol", Enrolment(code=code), NewToken)

    def token(self) -> TokenView:
        """Return when the token in use was made and when it expires."""
        return _read(self._send("GET", "token"), "token", TokenView)

    def rotate_token(self) -> NewToken:
        """Ask for a new token; the one in use works on for a day."""
        return _read(self._send("POST", "token"), "token", NewToken)

    def use_token(self, token: str) -> None:
        """Show this token from the next call on."""
        self._http.headers["Authorization"] = f"Bearer {token}"

    def open_session(self, hello: OpenSession) -> SessionOpened:
        """Open a session; every older one of the same apparatus is fenced."""
        return self._call("sessions", hello, SessionOpened)

    def poll(self, poll: Poll) -> Work:
        """Ask for work; the hub answers at once if there is some, else after a while."""
        return self._call("poll", poll, Work, seconds=poll.wait + _SHORT_SECONDS)

    def start(self, shot: int, start: Start) -> Started:
        """Ask for leave to start an attempt at a shot."""
        return self._call(f"shots/{shot}/start", start, Started, seconds=_SHORT_SECONDS)

    def compiled(self, job: str, compiled: Compiled) -> Accepted:
        """Tell the shots of a compiled job, or why there are none."""
        return self._call(f"jobs/{job}/compiled", compiled, Accepted)

    def report(self, route: str, body: str) -> None:
        """Deliver a report (JSON) to one of the agent endpoints."""
        self._send(
            "POST", route, content=body, headers={"Content-Type": "application/json"}
        )

    def upload(self, route: str, params: dict[str, str], file: Path) -> None:
        """Deliver a file; ``params`` has its kind, label, shot, media type and sha256."""
        query = {key: value for key, value in params.items() if key != "sha256"}
        headers = {
            "X-Content-SHA256": params["sha256"],
            "Content-Length": str(file.stat().st_size),
            "Content-Type": "application/octet-stream",
        }
        self._send("PUT", route, content=_chunks(file), params=query, headers=headers)

    def _call(
        self,
        route: str,
        message: BaseModel,
        reply: type[ReplyT],
        *,
        seconds: float = _ANSWER_SECONDS,
    ) -> ReplyT:
        answer = self._send(
            "POST",
            route,
            content=message.model_dump_json(),
            headers={"Content-Type": "application/json"},
            timeout=httpx.Timeout(seconds, connect=5.0),
        )
        return _read(answer, route, reply)

    def _send(self, method: str, route: str, **request: object) -> httpx.Response:
        try:
            answer = self._http.request(method, route, **request)  # type: ignore[arg-type]
        except (httpx.HTTPError, RuntimeError) as error:
            # A client that was closed meanwhile raises RuntimeError.
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        if answer.is_success:
            return answer
        raise _error(answer)


def _read(answer: httpx.Response, route: str, reply: type[ReplyT]) -> ReplyT:
    try:
        return reply.model_validate_json(answer.content)
    except ValidationError:
        # The error would quote the answer, which may hold a token.
        raise Unreachable(f"the hub's answer to {route} makes no sense") from None


def _error(answer: httpx.Response) -> HubError:
    if answer.status_code in _AGAIN:
        return Unreachable(f"the hub answered {answer.status_code}")
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        problem = _no_problem(answer)
    if problem.code == "fenced":
        return Fenced(problem)
    if answer.status_code in (401, 403):
        return NotAllowed(problem)
    return Refused(problem)


def _no_problem(answer: httpx.Response) -> Problem:
    return Problem(
        type="about:blank",
        title=answer.reason_phrase,
        status=answer.status_code,
        code=f"http_{answer.status_code}",
        detail=f"{answer.request.url.path} answered {answer.status_code}.",
    )


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk
