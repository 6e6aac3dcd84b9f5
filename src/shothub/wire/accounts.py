"""Who one is, and the tokens one holds."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from shothub.wire.base import Message, Reply

Name = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=120,
        pattern=r"^[^\x00-\x1f\x7f]*$",
    ),
]
ApparatusName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_\-]{0,47}$")]


class MembershipView(Reply):
    """A group that one is in; jobs run on the default one unless they say otherwise."""

    name: str
    is_default: bool = False


class QuotaView(Reply):
    """A bound on what one, or one's group as a whole, may take.

    Attributes:
        what: ``pending_jobs``, ``pending_shots``, ``machine_day``, ``machine_week``,
            ``stored`` or ``requests``.
        used: how much is taken; for machine time without what waits in the queue.
        queued: machine time of what waits.
        unit: of these numbers; empty for counts.
        apparatus: the only one on which it counts; empty for all.
        group: the group that it bounds as a whole; empty for oneself.
    """

    what: str
    words: str = ""
    limit: float
    used: float
    queued: float = 0.0
    unit: str = ""
    apparatus: str = ""
    group: str = ""


class Me(Reply):
    """The user and the rights of the credential that asks.

    Attributes:
        only_on: the only apparatus that the credential is good for; empty for all.
    """

    username: str
    key: str
    email: str = ""
    staff: bool = False
    scopes: list[str] = []
    token_expires: datetime | None = None
    only_on: list[str] = []
    grants: dict[str, list[str]] = {}
    groups: list[MembershipView] = []
    quotas: list[QuotaView] = []


class TokenRequest(Message):
    """A token to be made; never more than the credential that makes it.

    Attributes:
        apparatus: the only ones that it shall be good for; none named: those of the
            credential that makes it.
    """

    name: Name
    scopes: list[str] = []
    apparatus: list[ApparatusName] = []
    days: int = 90


class TokenView(Reply):
    """A token without its secret.

    Attributes:
        kind: ``pat`` made by a user, ``cli`` by a login, ``agt`` an agent's.
        apparatus: the only ones that it is good for; empty for all.
        last_address: from where it was last used.
    """

    id: str
    kind: str = "pat"
    name: str
    scopes: list[str]
    apparatus: list[str] = []
    created: datetime
    expires: datetime
    revoked: datetime | None = None
    last_used: datetime | None = None
    last_address: str = ""


class NewToken(TokenView):
    """A token just made, with its secret, shown only this once."""

    token: str


class DeviceRequest(Message):
    """A program asks to be let in by its user at the browser (RFC 8628).

    Attributes:
        client: what the program calls itself, with the machine's name.
    """

    client: Name
    scopes: list[str] = []
    apparatus: list[ApparatusName] = []
    days: Annotated[int, Field(ge=1, le=100_000)] = 90


class DeviceStarted(Reply):
    """What a program shows to its user, and how it goes on asking.

    Attributes:
        device_code: the program's own secret, with which it asks for its token.
        user_code: what the person sees on the page and compares.
        expires_in: seconds for which both are good.
        interval: seconds between two questions.
    """

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


class DevicePoll(Message):
    """A program asks whether it was let in."""

    device_code: Annotated[str, Field(max_length=100)]


class Enrolment(Message):
    """An agent asks for its token, by a code that is good once."""

    code: Annotated[str, Field(max_length=100)]


class EnrolmentCode(Reply):
    """A code that enrols the agent of one apparatus, once."""

    code: str
    apparatus: str
    expires: datetime
