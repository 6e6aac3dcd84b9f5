"""What can be asked of a hub to share jobs: each function builds one call."""

from urllib.parse import quote

from pydantic import TypeAdapter

from shothub.client.calls import BASE, Call
from shothub.wire.groups import GroupDetail, GroupView
from shothub.wire.sharing import JobShareView, ShareRequest

_SHARES = TypeAdapter(list[JobShareView])


def list_shares(job: str) -> Call[list[JobShareView]]:
    """Ask who may read a job."""
    return Call(method="GET", path=_path(job), answer=_SHARES)


def share(job: str, request: ShareRequest) -> Call[JobShareView]:
    """Ask that others may read a job; with a link not repeatable, as it is shown once."""
    return Call(
        method="POST",
        path=_path(job),
        answer=TypeAdapter(JobShareView),
        body=request.model_dump_json().encode(),
        repeatable=bool(request.group),
    )


def unshare(job: str, number: int) -> Call[list[JobShareView]]:
    """Ask that such leave be taken back."""
    return Call(method="DELETE", path=f"{_path(job)}/{number}", answer=_SHARES)


def list_groups() -> Call[list[GroupView]]:
    """Ask for one's groups."""
    path, answer = f"{BASE}/groups", TypeAdapter(list[GroupView])
    return Call(method="GET", path=path, answer=answer)


def get_group(name: str) -> Call[GroupDetail]:
    """Ask for a group with its members."""
    path = f"{BASE}/groups/{quote(name, safe='')}"
    return Call(method="GET", path=path, answer=TypeAdapter(GroupDetail))


def _path(job: str) -> str:
    return f"{BASE}/jobs/{quote(job, safe='')}/shares"
