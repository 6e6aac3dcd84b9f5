"""Who may do what by which route: the table against which every route is tried."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from tests.integration.access.world import Parts
from tests.integration.server.scripted_agent import DESCRIPTION

from shothub.runtime import clock

Who = Literal["owner", "shared", "reviewer", "operator", "staff", "everybody", "agent"]
By = Literal["anything", "token", "proof", "person"]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Who may call a route, and what is sent so that a permitted call succeeds.

    Attributes:
        of: kind of the thing in the address, as in ``World.things``; empty for none.
        whom: who may, besides the owner: those with whom it is shared, operators of its
            apparatus, staff, or everybody. ``agent`` alone: no user.
        seen: who knows that the thing exists, though he may not do this.
        by: ``token``: no browser; ``proof``: a browser's person must have proved lately
            who he is; ``person``: so must he, and no token will do.
        is_whole: whether a credential for some apparatus only does not suffice.
        is_open: whether it needs no credential.
        body: what is sent.
        digest: of what is uploaded, for its header.
        ok: status of a success.
        others: statuses that tell as well that he may, though it cannot be done now.
        elsewhere: status for a credential that is not good for the apparatus that the
            body names; 0 if it names none.
        lists: kind of the things in its answer; of which each is named by ``name``.
    """

    of: str = ""
    whom: frozenset[Who] = frozenset()
    seen: frozenset[Who] = frozenset()
    by: By = "anything"
    is_whole: bool = False
    is_open: bool = False
    body: Callable[[], object] | None = None
    query: str = ""
    digest: str = ""
    ok: int = 200
    others: frozenset[int] = frozenset()
    elsewhere: int = 0
    lists: str = ""
    name: str = "id"


def whom(*ways: Who) -> frozenset[Who]:
    """Return in which ways one may be related to a thing to be let in."""
    return frozenset(ways)


READERS = whom("shared", "operator")
STAFF = whom("staff")
MEMBERS = whom("shared", "staff")
SHARED = whom("shared")
OPERATORS = whom("operator")
EVERYBODY = whom("everybody")
AGENT = whom("agent")


def _job() -> object:
    return {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}


def _booking() -> object:
    starts = clock.now() + timedelta(days=1)
    ends = starts + timedelta(hours=1)
    times = {"starts": starts.isoformat(), "ends": ends.isoformat()}
    return {"apparatus": "sim", **times}


def _opening() -> object:
    return {"apparatus": "sim", "agent_version": "1", "description": DESCRIPTION}


CONTROL = Rule(of="apparatus", whom=OPERATORS, seen=EVERYBODY)
OF_OWNER = Rule(of="shared job", seen=SHARED)
OF_READER = Rule(of="shared job", whom=SHARED)
CONFLICT = frozenset({409})
OF_AGENT = Rule(of="agent's job", whom=AGENT, others=CONFLICT)  # most of it is over
_EPOCH = 1
_CHILD = {"name": "child", "scopes": ["jobs:read"], "days": 1}
_SHA = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # of nothing
_FINISH = {"epoch": _EPOCH, "outcome": "unknown", "reason": "BLACS gone"}
_NO_ROUTINES = {"epoch": _EPOCH, "routines": []}
_LOCAL = {
    "epoch": _EPOCH,
    "name": "2026/own.h5",
    "what": "done",
    "at": "2026-01-02T03:04:05Z",
}
_HOOK = {"url": "https://example.org/hook", "events": ["done"]}
_UNDELIVERED = {"name": "images/absorption/9.npy", "reason": "gone"}

RULES: dict[str, Rule] = {
    # How one gets a credential.
    "POST /device/code": Rule(is_open=True, body=lambda: {"client": "a program"}),
    "POST /device/token": Rule(
        is_open=True, body=lambda: {"device_code": "nonsense"}, ok=404
    ),
    "POST /agent/enrol": Rule(is_open=True, body=lambda: {"code": "nonsense"}, ok=401),
    # Who I am, and what is mine.
    "GET /me": Rule(whom=EVERYBODY),
    "GET /me/export": Rule(whom=EVERYBODY, is_whole=True),
    "DELETE /me/token": Rule(whom=EVERYBODY, by="token"),
    "GET /me/notifications": Rule(whom=EVERYBODY),
    "PUT /me/notifications": Rule(whom=EVERYBODY, body=lambda: {"email": []}),
    "GET /tokens": Rule(whom=EVERYBODY, lists="token"),
    "POST /tokens": Rule(whom=EVERYBODY, body=lambda: _CHILD, ok=201),
    "DELETE /tokens/{token}": Rule(of="token"),
    "GET /webhooks": Rule(whom=EVERYBODY, lists="webhook"),
    "POST /webhooks": Rule(whom=EVERYBODY, body=lambda: _HOOK, ok=201),
    "DELETE /webhooks/{webhook}": Rule(of="webhook"),
    "GET /webhooks/{webhook}/deliveries": Rule(of="webhook"),
    "POST /webhooks/{webhook}/resume": Rule(of="webhook"),
    "POST /webhooks/{webhook}/test": Rule(of="webhook"),
    # Groups: their members see them, owners and staff change them.
    "GET /groups": Rule(whom=EVERYBODY, lists="group", name="name"),
    "POST /groups": Rule(whom=STAFF, by="person", body=lambda: {"name": "new"}, ok=201),
    "GET /groups/{group}": Rule(of="group", whom=MEMBERS),
    "PATCH /groups/{group}": Rule(
        of="group", whom=STAFF, seen=SHARED, body=lambda: {"title": "Cold atoms"}
    ),
    "PUT /groups/{group}/members/{user}": Rule(
        of="group", whom=STAFF, seen=SHARED, body=lambda: {"weight": 2.0}
    ),
    # Alice herself is whom these take out of her group.
    "DELETE /groups/{group}/members/{user}": Rule(of="group", whom=MEMBERS),
    "POST /groups/{group}/default": Rule(of="group", whom=SHARED),
    # Apparatus: everybody sees them, operators control theirs.
    "GET /apparatus": Rule(whom=EVERYBODY, lists="apparatus", name="name"),
    "GET /apparatus/{name}": Rule(of="apparatus", whom=EVERYBODY),
    "GET /apparatus/{name}/api": Rule(of="apparatus", whom=EVERYBODY),
    "GET /apparatus/{name}/connection-table": Rule(of="apparatus", whom=EVERYBODY),
    "GET /apparatus/{name}/outputs": Rule(of="apparatus", whom=EVERYBODY),
    "GET /apparatus/{name}/procedures": Rule(of="apparatus", whom=EVERYBODY),
    "GET /apparatus/{name}/procedures/{procedure}": Rule(
        of="apparatus", whom=EVERYBODY
    ),
    "GET /apparatus/{name}/queue": Rule(of="apparatus", whom=EVERYBODY),
    "POST /apparatus/{name}/pause": CONTROL,
    "POST /apparatus/{name}/drain": CONTROL,
    "POST /apparatus/{name}/resume": replace(CONTROL, by="proof"),
    "POST /apparatus/{name}/lift-hold": replace(CONTROL, by="proof"),
    "POST /apparatus/{name}/agent-code": Rule(
        of="apparatus", whom=STAFF, seen=EVERYBODY, by="person", ok=201
    ),
    "GET /events": Rule(whom=OPERATORS, lists="shared job", name="job"),
    "GET /events/stream": Rule(whom=OPERATORS),
    # Jobs: their owner's; some of each for operators, and for those who share them.
    "GET /jobs": Rule(whom=EVERYBODY, lists="shared job"),
    "POST /jobs": Rule(whom=EVERYBODY, body=_job, ok=201, elsewhere=403),
    "GET /jobs/{job}": Rule(of="shared job", whom=READERS),
    "DELETE /jobs/{job}": OF_OWNER,
    "POST /jobs/{job}/cancel": OF_OWNER,
    "POST /jobs/{job}/keep": replace(OF_OWNER, body=lambda: {"keep": True}),
    "POST /jobs/{job}/hold": replace(OF_OWNER, whom=OPERATORS),
    "POST /jobs/{job}/release": replace(
        OF_OWNER,
        whom=OPERATORS,
        others=CONFLICT,  # its owner holds it
    ),
    "POST /jobs/{job}/shots/{index}/decision": replace(
        OF_OWNER, whom=OPERATORS, body=lambda: {"choice": "keep"}
    ),
    "GET /jobs/{job}/shots": Rule(of="shared job", whom=READERS),
    "GET /jobs/{job}/events": Rule(of="shared job", whom=READERS),
    "GET /jobs/{job}/logs": OF_READER,
    "GET /jobs/{job}/stream": OF_READER,
    "GET /jobs/{job}/results": OF_READER,
    "GET /jobs/{job}/images": OF_READER,
    "GET /jobs/{job}/images/{path:label}.npz": OF_READER,
    "GET /jobs/{job}/files": OF_READER,
    "GET /jobs/{job}/files/{path:name}": OF_READER,
    "GET /jobs/{job}/shares": OF_OWNER,
    "POST /jobs/{job}/shares": replace(OF_OWNER, body=lambda: {"days": 1}, ok=201),
    "DELETE /jobs/{job}/shares/{share}": OF_OWNER,
    # The calendar: everybody sees it, owners and operators change it.
    "GET /reservations": Rule(
        whom=EVERYBODY, lists="reservation", query="?to=2100-01-01T00:00:00Z"
    ),
    "POST /reservations": Rule(whom=EVERYBODY, body=_booking, ok=201, elsewhere=404),
    "GET /reservations/{int:reservation}": Rule(of="reservation", whom=EVERYBODY),
    "PATCH /reservations/{int:reservation}": Rule(
        of="reservation",
        whom=OPERATORS,
        seen=EVERYBODY,
        body=lambda: {"title": "later"},
    ),
    "DELETE /reservations/{int:reservation}": Rule(
        of="reservation", whom=OPERATORS, seen=EVERYBODY
    ),
    "GET /sessions": Rule(whom=EVERYBODY, lists="session"),
    "POST /sessions": Rule(
        whom=EVERYBODY,
        body=lambda: {"apparatus": "sim"},
        ok=201,
        others=CONFLICT,  # each has one already
        elsewhere=404,
    ),
    "GET /sessions/{session}": Rule(of="session", whom=OPERATORS),
    "DELETE /sessions/{session}": Rule(of="session", whom=OPERATORS),
    # Agents: what is of their own apparatus.
    "GET /agent/token": Rule(whom=AGENT),
    "POST /agent/token": Rule(whom=AGENT, ok=201),
    "POST /agent/sessions": Rule(whom=AGENT, body=_opening, elsewhere=403),
    "POST /agent/poll": Rule(
        whom=AGENT,
        body=lambda: {"epoch": _EPOCH, "capacity": {}, "wait": 0},
    ),
    "POST /agent/local": Rule(whom=AGENT, body=lambda: _LOCAL),
    "POST /agent/jobs/{job}/compiled": replace(
        OF_AGENT, body=lambda: {"epoch": _EPOCH, "shots": []}
    ),
    "POST /agent/jobs/{job}/analysed": replace(OF_AGENT, body=lambda: _NO_ROUTINES),
    "POST /agent/jobs/{job}/undelivered": replace(OF_AGENT, body=lambda: _UNDELIVERED),
    "PUT /agent/jobs/{job}/files/{path:name}": replace(
        OF_AGENT, query="?kind=image&label=absorption&shot=1", digest=_SHA
    ),
    "POST /agent/shots/{int:shot}/start": replace(
        OF_AGENT, body=lambda: {"epoch": _EPOCH, "fence": 1}
    ),
    "POST /agent/attempts/{int:attempt}/finish": replace(
        OF_AGENT, body=lambda: _FINISH
    ),
    "POST /agent/attempts/{int:attempt}/analysis": replace(
        OF_AGENT, body=lambda: _NO_ROUTINES
    ),
}
"""By method and address. A route that is not here fails the tests."""

_PART = re.compile(r"\{(?:[a-z]+:)?([a-z_]+)\}")


def address(path: str, parts: Parts) -> str:
    """Return an address with the parts of somebody's thing filled in."""
    return _PART.sub(lambda found: parts[found[1]], path)
