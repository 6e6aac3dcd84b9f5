"""A hub without a network: answers as the real one does, and breaks on demand."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import httpx

from shothub.client import Hub, Manner
from shothub.domain.states import JOB_ENDS
from shothub.wire.accounts import Me
from shothub.wire.apparatus import ApparatusView
from shothub.wire.jobs import EventView, FileView, JobView, ResultTable
from shothub.wire.problems import FaultModel, Problem

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
URL = "http://hub.test"
TOKEN = "shb_pat_x"

Handler = Callable[[httpx.Request], httpx.Response]


def job_view(**changes: Any) -> JobView:
    known: dict[str, Any] = {
        "id": "j1",
        "rev": 1,
        "apparatus": "sim",
        "kind": "procedure",
        "source": "bec_tof",
        "name": "scan",
        "tags": [],
        "priority": 0,
        "owner": "alice",
        "state": "submitted",
        "submitted": NOON,
    }
    return JobView(**{**known, **changes})


def problem(status: int, code: str, **more: Any) -> httpx.Response:
    faults = [FaultModel(**fault) for fault in more.pop("faults", [])]
    headers = more.pop("headers", {})
    body = Problem(
        type=f"https://shothub.dev/problems/{code}",
        title=code,
        status=status,
        code=code,
        **{"detail": "No.", "faults": faults, **more},
    )
    kind = {"content-type": "application/problem+json"}
    return httpx.Response(
        status, content=body.model_dump_json(), headers={**kind, **headers}
    )


def reply(model: Any, status: int = 200) -> httpx.Response:
    if isinstance(model, list):
        content = f"[{','.join(one.model_dump_json() for one in model)}]"
    else:
        content = model.model_dump_json()
    return httpx.Response(
        status, content=content, headers={"content-type": "application/json"}
    )


class Clock:
    """A clock that stands still except when somebody waits."""

    def __init__(self) -> None:
        self.time = 0.0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds


class FakeHub:
    """Answers requests; ``troubles`` come first, one for each request.

    A trouble is an answer, an exception that is raised before the request was seen, or
    ``lost``: the request is carried out and its answer lost.
    """

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.troubles: deque[httpx.Response | Exception | str] = deque()
        self.course: deque[JobView] = deque([job_view()])
        self.jobs: dict[str, JobView] = {}
        self.files: dict[str, bytes] = {}
        self.views: list[FileView] = []
        self.events: list[EventView] = []
        self.answers: dict[str, Any] = {
            "GET /me": Me(username="alice", key="alice", scopes=["jobs:read"]),
            "GET /apparatus": [ApparatusView(name="sim", online=True)],
            "GET /apparatus/sim": ApparatusView(name="sim", title="Sim", online=True),
        }
        self.clock = Clock()

    def hub(self, **manner: Any) -> Hub:
        given = {
            "pause": self.clock.pause,
            "monotonic": lambda: self.clock.time,
            "jitter": lambda: 1.0,
            **manner,
        }
        return Hub(
            URL,
            TOKEN,
            manner=Manner(**given),
            transport=httpx.MockTransport(self),
        )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        trouble = self.troubles.popleft() if self.troubles else None
        if isinstance(trouble, Exception):
            raise trouble
        if isinstance(trouble, httpx.Response):
            return trouble
        answer = self._answer(request)
        if trouble == "lost":
            raise httpx.ReadError("connection reset by peer")
        return answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v1")
        known = self.answers.get(f"{request.method} {path}")
        if callable(known):
            response: httpx.Response = known(request)
            return response
        if known is not None:
            return reply(known)
        if path == "/jobs" and request.method == "POST":
            return self._submit(request)
        if path == "/jobs/j1" and request.method == "GET":
            return self._job(request)
        if path == "/jobs/j1/stream":
            return self._stream(request)
        if path == "/jobs/j1/events":
            return reply(self._events_after(int(request.url.params.get("since", 0))))
        if path == "/jobs/j1/files":
            return reply(self.views)
        if path.startswith("/jobs/j1/files/"):
            return self._file(request, path.removeprefix("/jobs/j1/files/"))
        return problem(404, "not_found")

    def _submit(self, request: httpx.Request) -> httpx.Response:
        key = request.headers["Idempotency-Key"]
        body = json.loads(request.content)
        if isinstance(body, list):
            return reply([job_view(id=f"j{i}") for i in range(len(body))], 201)
        if key not in self.jobs:
            self.jobs[key] = job_view(id=f"j{len(self.jobs) + 1}")
        return reply(self.jobs[key], 201)

    def _job(self, request: httpx.Request) -> httpx.Response:
        since = int(request.url.params.get("since", -1))
        while len(self.course) > 1 and self.course[0].rev <= since:
            self.course.popleft()
        if self.course[0].rev == since:
            self.clock.time += float(request.url.params.get("wait", 0))
        return reply(self.course[0])

    def _events_after(self, since: int) -> list[EventView]:
        return [event for event in self.events if event.id > since][:3]

    def _stream(self, request: httpx.Request) -> httpx.Response:
        last = int(request.headers.get("Last-Event-ID", 0))
        frames = [
            f"id: {e.id}\nevent: event\ndata: {e.model_dump_json()}\n\n"
            for e in self.events
            if e.id > last
        ]
        frames += [
            f"event: job\ndata: {view.model_dump_json()}\n\n" for view in self.course
        ]
        if self.course[-1].state in JOB_ENDS:
            frames.append("event: end\ndata: {}\n\n")
        content = "".join(["retry: 1000\n\n", *frames])
        kind = {"content-type": "text/event-stream"}
        return httpx.Response(200, content=content, headers=kind)

    def _file(self, request: httpx.Request, name: str) -> httpx.Response:
        content = self.files[name]
        start = request.headers.get("range", "bytes=0-")[6:-1]
        status = 206 if "range" in request.headers else 200
        return httpx.Response(status, content=content[int(start) :])

    def add_file(self, name: str, content: bytes, **fields: Any) -> FileView:
        view = FileView(
            name=name,
            kind=fields.pop("kind", "figure"),
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            **fields,
        )
        self.files[name] = content
        self.views.append(view)
        return view

    def sent(self, method: str, path: str) -> list[httpx.Request]:
        return [
            request
            for request in self.requests
            if request.method == method and request.url.path == f"/api/v1{path}"
        ]


def table(**changes: Any) -> ResultTable:
    known: dict[str, Any] = {
        "job": "j1",
        "columns": [["tof"], ["atom_number", "atoms"], ["atom_number", "ok"]],
        "units": ["s", "", ""],
        "index": [0, 1, 2],
        "states": ["done", "failed", "done"],
        "rows": [[0.005, 1000, True], [0.01, None, None], [0.015, 900.5, False]],
        "multishot": {"tof_temperature": {"temperature": 1e-7}},
    }
    return ResultTable(**{**known, **changes})


def course(*views: dict[str, Any]) -> deque[JobView]:
    return deque(job_view(rev=rev, **view) for rev, view in enumerate(views, start=1))


def lines(texts: Iterable[str]) -> str:
    return "".join(f"{text}\n" for text in texts)
