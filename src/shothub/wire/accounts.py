"""Who one is, and the tokens one holds."""

from datetime import datetime

from shothub.wire.base import Message, Reply


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
    """The user and the rights of the credential that asks."""

    username: str
    key: str
    email: str = ""
    staff: bool = False
    scopes: list[str] = []
    token_expires: datetime | None = None
    grants: dict[str, list[str]] = {}
    groups: list[MembershipView] = []
    quotas: list[QuotaView] = []


class TokenRequest(Message):
    """A token to be made; never more than the credential that makes it."""

    name: str
    scopes: list[str] = []
    days: int = 90


class TokenView(Reply):
    """A token without its secret."""

    id: str
    name: str
    scopes: list[str]
    created: datetime
    expires: datetime
    revoked: datetime | None = None
    last_used: datetime | None = None


class NewToken(TokenView):
    """A token just made, with its secret, shown only this once."""

    token: str
