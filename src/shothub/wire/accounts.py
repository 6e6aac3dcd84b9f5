"""Who one is, and the tokens one holds."""

from datetime import datetime

from shothub.wire.base import Message, Reply


class Me(Reply):
    """The user and the rights of the credential that asks."""

    username: str
    key: str
    email: str = ""
    staff: bool = False
    scopes: list[str] = []
    token_expires: datetime | None = None
    grants: dict[str, list[str]] = {}


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
