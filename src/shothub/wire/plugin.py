"""The conversation between the agent and the plugin inside BLACS: one JSON line each.

The plugin listens on a loopback port and writes ``endpoint.json`` (port, boot id) beside
``secret`` into its state folder. Both sides prove with HMAC-SHA256 over nonces that they
can read the secret before anything else is said.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from shothub.domain.states import Outcome
from shothub.wire.base import Message


class Offer(Message):
    """The next shot, to be handed to BLACS when it asks for one.

    Attributes:
        seconds: expected length of the shot, for the watchdog.
    """

    type: Literal["offer"] = "offer"
    attempt: int
    path: str
    seconds: float


class Withdraw(Message):
    """Take an offer back; answered by ``Ended(not_started)`` or, too late, by nothing."""

    type: Literal["withdraw"] = "withdraw"
    attempt: int


class Pause(Message):
    """Start no further shot."""

    type: Literal["pause"] = "pause"


class Resume(Message):
    """Go on."""

    type: Literal["resume"] = "resume"


class Abort(Message):
    """Abort this attempt if it is running; the operator's own shots are left alone."""

    type: Literal["abort"] = "abort"
    attempt: int


class Recall(Message):
    """Tell again what the journal says of these attempts."""

    type: Literal["recall"] = "recall"
    attempts: list[int]


Order = Annotated[
    Offer | Withdraw | Pause | Resume | Abort | Recall, Field(discriminator="type")
]


class State(Message):
    """How BLACS is; sent on connection and on every change.

    Attributes:
        boot: identifies this run of BLACS.
        attempt: the attempt that BLACS has taken and not ended, if any.
        offered: the attempt that waits to be taken, if any.
        healthy: queue thread alive, no tab in error.
        ordered: an agent had BLACS paused, and nobody has let it go on since.
    """

    type: Literal["state"] = "state"
    boot: str
    blacs: Literal["idle", "running", "paused", "error"]
    message: str = ""
    attempt: int | None = None
    offered: int | None = None
    healthy: bool = True
    ordered: bool = False


class Taken(Message):
    """BLACS has taken the offered shot and programs the devices."""

    type: Literal["taken"] = "taken"
    attempt: int
    at: datetime


class Begun(Message):
    """All devices are armed; the journal line is on disk; the shot starts now."""

    type: Literal["begun"] = "begun"
    attempt: int
    at: datetime


class Ending(Message):
    """The shot is about to end, or already saves: the moment to offer the next."""

    type: Literal["ending"] = "ending"
    attempt: int


class Ended(Message):
    """How an attempt ended; the journal line is on disk."""

    type: Literal["ended"] = "ended"
    attempt: int
    outcome: Outcome
    reason: str = ""
    began: datetime | None = None
    at: datetime


class Unheard(Message):
    """Answer to Recall: the journal knows nothing of this attempt: it was never taken."""

    type: Literal["unheard"] = "unheard"
    attempt: int


class Local(Message):
    """What became of a shot that the operator ran himself."""

    type: Literal["local"] = "local"
    name: str
    what: Literal["started", "done", "failed", "aborted"]
    at: datetime
    detail: str = ""


Report = Annotated[
    State | Taken | Begun | Ending | Ended | Unheard | Local,
    Field(discriminator="type"),
]


class Endpoint(Message):
    """``endpoint.json``: where the plugin of this run of BLACS listens."""

    port: int
    boot: str
    pid: int


class Challenge(Message):
    """The plugin's first line to anybody: prove that you can read the secret."""

    type: Literal["challenge"] = "challenge"
    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Answer(Message):
    """The agent's proof, and its own challenge."""

    type: Literal["answer"] = "answer"
    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    proof: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Welcome(Message):
    """The plugin's proof; from here on orders and reports follow."""

    type: Literal["welcome"] = "welcome"
    proof: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


ORDERS: TypeAdapter[Order] = TypeAdapter(Order)
REPORTS: TypeAdapter[Report] = TypeAdapter(Report)
