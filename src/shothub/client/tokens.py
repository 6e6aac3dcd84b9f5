"""The user's tokens."""

from collections.abc import Iterable

from shothub.client import calls
from shothub.client.connection import Connection
from shothub.client.requests import build_token
from shothub.wire.accounts import NewToken, TokenView


class Tokens:
    """Makes, lists and revokes tokens of the user."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[TokenView]:
        """Return all tokens, without their secrets."""
        return self._connection.do(calls.list_tokens())

    def create(
        self,
        name: str,
        scopes: Iterable[str] = (),
        *,
        days: int = 90,
        apparatus: Iterable[str] = (),
    ) -> NewToken:
        """Make a token; its secret is shown only this once.

        Args:
            name: for people, e.g. ``laptop``.
            scopes: what it may do; never more than the present token.
            days: how long it is valid.
            apparatus: names of the only apparatus that it shall be good for; none named:
                all for which the present token is.

        Raises:
            Refused: a name is malformed, or the hub knows no such scope or apparatus.
            Forbidden: it would exceed the present token.
        """
        request = build_token(
            name=name, scopes=sorted(scopes), days=days, apparatus=sorted(apparatus)
        )
        return self._connection.do(calls.create_token(request))

    def revoke(self, ident: str) -> None:
        """Make a token invalid at once.

        Raises:
            NotFound: there is no such token.
        """
        self._connection.do(calls.revoke_token(ident))

    def revoke_own(self) -> None:
        """Make the present token, and all that were made with it, invalid at once."""
        self._connection.do(calls.revoke_own_token())
