"""What can be asked of the hub: each function builds one call, without sending it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import JsonValue, TypeAdapter

from shothub.wire.accounts import (
    DevicePoll,
    DeviceRequest,
    DeviceStarted,
    Me,
    NewToken,
    TokenRequest,
    TokenView,
)
from shothub.wire.apparatus import (
    ApiFunction,
    ApparatusView,
    OutputView,
    ProcedureView,
)
from shothub.wire.jobs import (
    DryRun,
    EventView,
    FileView,
    JobPage,
    JobView,
    LogView,
    ProcedureRequest,
    ResultTable,
    ScriptRequest,
    ShotView,
)
from shothub.wire.queue import QueueView

T = TypeVar("T")
Submission = ProcedureRequest | ScriptRequest

BASE = "/api/v1"


@dataclass(frozen=True, kw_only=True)
class Call(Generic[T]):
    """One request to the hub, and the form of its answer.

    Attributes:
        answer: reads the answer; None for text or nothing.
        repeatable: whether it may be sent again when its answer was lost.
        wait: seconds for which the hub may keep the answer back.
    """

    method: str
    path: str
    answer: TypeAdapter[T] | None
    params: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    wait: float = 0.0


def _get(path: str, answer: Any, **params: object) -> Call[Any]:
    return Call(
        method="GET", path=BASE + path, answer=TypeAdapter(answer), params=_text(params)
    )


def _text(params: Mapping[str, object]) -> dict[str, str]:
    return {
        name: str(value) for name, value in params.items() if value not in (None, "")
    }


def _part(name: str) -> str:
    return quote(name, safe="")


def me() -> Call[Me]:
    """Ask who one is."""
    return _get("/me", Me)


def export_me() -> Call[None]:
    """Ask for all that the hub stores about oneself."""
    return Call(method="GET", path=f"{BASE}/me/export", answer=None, wait=600.0)


def list_apparatus() -> Call[list[ApparatusView]]:
    """Ask for all apparatus that one may see."""
    return _get("/apparatus", list[ApparatusView])


def get_apparatus(name: str) -> Call[ApparatusView]:
    """Ask for one apparatus."""
    return _get(f"/apparatus/{_part(name)}", ApparatusView)


def procedures(name: str) -> Call[list[ProcedureView]]:
    """Ask for the procedures that an apparatus publishes."""
    return _get(f"/apparatus/{_part(name)}/procedures", list[ProcedureView])


def procedure(name: str, which: str) -> Call[ProcedureView]:
    """Ask for one procedure with its source."""
    return _get(f"/apparatus/{_part(name)}/procedures/{_part(which)}", ProcedureView)


def api(name: str) -> Call[list[ApiFunction]]:
    """Ask for the functions that scripts may call."""
    return _get(f"/apparatus/{_part(name)}/api", list[ApiFunction])


def outputs(name: str) -> Call[list[OutputView]]:
    """Ask for the outputs of an apparatus and the lab's limits on them."""
    return _get(f"/apparatus/{_part(name)}/outputs", list[OutputView])


def queue(name: str) -> Call[QueueView]:
    """Ask for the jobs that wait for or run on an apparatus."""
    return _get(f"/apparatus/{_part(name)}/queue", QueueView)


def connection_table(name: str) -> Call[JsonValue]:
    """Ask for the current connection table."""
    path = f"{BASE}/apparatus/{_part(name)}/connection-table"
    return Call(method="GET", path=path, answer=None)


def submit(request: Submission, *, key: str) -> Call[JobView]:
    """Submit one job; ``key`` makes it one job however often this is sent."""
    return _post_jobs(request.model_dump_json().encode(), JobView, key)


def submit_many(requests: Sequence[Submission], *, key: str) -> Call[list[JobView]]:
    """Submit several jobs: all of them or none."""
    body = "[" + ",".join(request.model_dump_json() for request in requests) + "]"
    return _post_jobs(body.encode(), list[JobView], key)


def dry_run(request: Submission) -> Call[DryRun]:
    """Ask what a submission would do, without storing anything."""
    return Call(
        method="POST",
        path=f"{BASE}/jobs",
        params={"dry_run": "1"},
        answer=TypeAdapter(DryRun),
        body=request.model_dump_json().encode(),
    )


def _post_jobs(body: bytes, answer: Any, key: str) -> Call[Any]:
    return Call(
        method="POST",
        path=f"{BASE}/jobs",
        answer=TypeAdapter(answer),
        body=body,
        headers={"Idempotency-Key": key},
    )


def list_jobs(
    *,
    state: str = "",
    apparatus: str = "",
    tag: str = "",
    limit: int = 50,
    cursor: str | None = None,
    shared: bool = False,
) -> Call[JobPage]:
    """Ask for one page of jobs, newest first."""
    filters = {"state": state, "apparatus": apparatus, "tag": tag}
    filters["shared"] = "1" if shared else ""
    return _get("/jobs", JobPage, **filters, limit=limit, cursor=cursor)


def get_job(job: str, *, wait: float = 0.0, since: int | None = None) -> Call[JobView]:
    """Ask for a job; with ``since`` the answer waits for a newer revision."""
    params = _text({"wait": f"{wait:g}" if wait else None, "since": since})
    return Call(
        method="GET",
        path=f"{BASE}/jobs/{_part(job)}",
        answer=TypeAdapter(JobView),
        params=params,
        wait=wait,
    )


def cancel(job: str, *, abort: bool = False) -> Call[JobView]:
    """Ask that a job be cancelled and, if so wished, its running shot aborted."""
    path = f"{BASE}/jobs/{_part(job)}/cancel"
    params = {"abort": "1"} if abort else {}
    return Call(method="POST", path=path, answer=TypeAdapter(JobView), params=params)


def shots(job: str) -> Call[list[ShotView]]:
    """Ask for the shots of a job."""
    return _get(f"/jobs/{_part(job)}/shots", list[ShotView])


def results(job: str) -> Call[ResultTable]:
    """Ask for the table of results."""
    return _get(f"/jobs/{_part(job)}/results", ResultTable)


def images(job: str) -> Call[list[FileView]]:
    """Ask for the list of a job's images."""
    return _get(f"/jobs/{_part(job)}/images", list[FileView])


def files(job: str) -> Call[list[FileView]]:
    """Ask for the list of a job's files."""
    return _get(f"/jobs/{_part(job)}/files", list[FileView])


def logs(job: str) -> Call[list[LogView]]:
    """Ask for what the user's own code printed."""
    return _get(f"/jobs/{_part(job)}/logs", list[LogView])


def events(job: str, *, since: int = 0) -> Call[list[EventView]]:
    """Ask for changes of a job and of its shots after event ``since``: the next ones."""
    return _get(f"/jobs/{_part(job)}/events", list[EventView], since=since or None)


def job_stream(job: str) -> Call[None]:
    """Ask for the changes of a job as they happen, to be streamed."""
    return Call(method="GET", path=f"{BASE}/jobs/{_part(job)}/stream", answer=None)


def file_content(job: str, name: str) -> Call[None]:
    """Ask for the content of a file, to be streamed."""
    path = f"{BASE}/jobs/{_part(job)}/files/{quote(name, safe='/')}"
    return Call(method="GET", path=path, answer=None)


def image_archive(job: str, label: str) -> Call[None]:
    """Ask for all images of one label as one archive, to be streamed."""
    path = f"{BASE}/jobs/{_part(job)}/images/{_part(label)}.npz"
    return Call(method="GET", path=path, answer=None)


def list_tokens() -> Call[list[TokenView]]:
    """Ask for one's tokens, without their secrets."""
    return _get("/tokens", list[TokenView])


def create_token(request: TokenRequest) -> Call[NewToken]:
    """Ask for a new token; not repeatable, since its secret is shown only once."""
    return Call(
        method="POST",
        path=f"{BASE}/tokens",
        answer=TypeAdapter(NewToken),
        body=request.model_dump_json().encode(),
        repeatable=False,
    )


def revoke_token(ident: str) -> Call[JsonValue]:
    """Ask that a token be revoked."""
    path = f"{BASE}/tokens/{_part(ident)}"
    return Call(method="DELETE", path=path, answer=None)


def revoke_own_token() -> Call[JsonValue]:
    """Ask that the token that asks be revoked."""
    return Call(method="DELETE", path=f"{BASE}/me/token", answer=None)


def ask_to_log_in(request: DeviceRequest) -> Call[DeviceStarted]:
    """Ask to be let in at the browser."""
    return Call(
        method="POST",
        path=f"{BASE}/device/code",
        answer=TypeAdapter(DeviceStarted),
        body=request.model_dump_json().encode(),
    )


def collect_token(device_code: str) -> Call[NewToken]:
    """Ask for the token of a login that was allowed."""
    return Call(
        method="POST",
        path=f"{BASE}/device/token",
        answer=TypeAdapter(NewToken),
        body=DevicePoll(device_code=device_code).model_dump_json().encode(),
    )
