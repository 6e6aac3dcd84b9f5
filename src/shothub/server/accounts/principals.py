"""Who asks, and what he may do."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The user behind a request, with the rights of the credential that he shows.

    Attributes:
        user: primary key of the user.
        scopes: what the credential allows and the user's role too.
        apparatus: for agents, the apparatus that they speak for.
        token: primary key of the token, None for a browser session.
        grants: kinds of grants by apparatus name.
    """

    user: int
    username: str
    key: str
    email: str = ""
    staff: bool = False
    scopes: frozenset[str] = frozenset()
    apparatus: str = ""
    token: int | None = None
    token_expires: datetime | None = None
    grants: dict[str, list[str]] = field(default_factory=dict)

    def may(self, kind: str, apparatus: str) -> bool:
        """Tell whether the lab granted ``kind`` on the apparatus, staff having all."""
        return self.staff or kind in self.grants.get(apparatus, [])
