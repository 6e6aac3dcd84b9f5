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
        ident: public name of the token, empty for a browser session.
        only_on: names of the only apparatus that the credential is good for; empty for
            all.
        groups: primary keys of the groups that he is in.
        grants: kinds of grants by apparatus name, his own and those of his groups, cut to
            ``only_on``.
        procedures: names of the only procedures that he may run, by apparatus name; all
            on an apparatus that is not named.
        proved: when he last proved who he is (password, second factor), in a browser.
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
    ident: str = ""
    only_on: frozenset[str] = frozenset()
    groups: frozenset[int] = frozenset()
    grants: dict[str, list[str]] = field(default_factory=dict)
    procedures: dict[str, frozenset[str]] = field(default_factory=dict)
    proved: datetime | None = None

    def may(self, kind: str, apparatus: str) -> bool:
        """Tell whether the lab granted ``kind`` on the apparatus, staff having all."""
        if not self.reaches(apparatus):
            return False
        return self.staff or kind in self.grants.get(apparatus, [])

    def reaches(self, apparatus: str) -> bool:
        """Tell whether the credential is good for the apparatus."""
        return not self.only_on or apparatus in self.only_on

    def may_run(self, procedure: str, apparatus: str) -> bool:
        """Tell whether he may run a procedure of the apparatus."""
        if not self.reaches(apparatus):
            return False
        allowed = self.procedures.get(apparatus)
        return self.staff or allowed is None or procedure in allowed
