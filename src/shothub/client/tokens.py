"""The user's tokens."""

from collections.abc import Iterable

from shothub.client import calls
from shothub.client.connection import Connection
from shothub.wire.accounts import NewToken, TokenRequest, TokenView


class Tokens:
    """Makes, lists and revokes tokens of the user."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[TokenView]:
        """Return all tokens, without their secrets."""
        return self._connection.do(calls.list_tokens())

    def create(
        self, name: str, scopes: Iterable[str] = (), *, days: int = 90
    ) -> NewToken:
        """Make a token; its secret is shown only this once.

        Args:
            name: for people, e.g. ``laptop``.
            scopes: what it may do; never more than the present token.
            days: how long it is valid.

        Raises:
            Forbidden: it would exceed the present token.
        """
        request = TokenRequest(name=name, scopes=sorted(scopes), days=days)
        return self._connection.do(calls.create_token(request))

    def revoke(self, ident: str) -> None:
        """Make a token invalid at once.

        Raises:
            NotFound: there is no such token.
        """
        self._connection.do(calls.revoke_token(ident))
