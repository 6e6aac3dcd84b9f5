"""The ways in which the hub says no; each carries the faults that a person can mend.

Refused
├── Unauthorized   no credential, or a bad one
├── Forbidden      a credential that does not suffice
├── NotThere       not there, or not yours
├── Conflict       the present state does not allow it
├── TooLarge       more bytes than allowed
├── Invalid        the request itself is wrong
└── TooMany        more than one's share; try again later
"""

from collections.abc import Sequence

from shothub.domain.faults import Fault


class Refused(Exception):
    """The hub refuses; ``fault`` says why, ``faults`` names all reasons."""

    code = "refused"

    def __init__(
        self,
        detail: str = "",
        *,
        code: str = "",
        where: str = "",
        hint: str = "",
        faults: Sequence[Fault] = (),
    ) -> None:
        own = Fault(code=code or self.code, detail=detail, where=where, hint=hint)
        self.faults = tuple(faults) or (own,)
        self.fault = own if detail or not faults else self.faults[0]
        super().__init__(str(self.fault))


class Unauthorized(Refused):
    """There is no credential, or it is not valid."""

    code = "unauthorized"


class Forbidden(Refused):
    """The credential is valid but does not suffice."""

    code = "forbidden"


class NotThere(Refused):
    """It does not exist, or it is not yours."""

    code = "not_found"


class Conflict(Refused):
    """The present state does not allow it."""

    code = "conflict"


class TooLarge(Refused):
    """More bytes than allowed."""

    code = "too_large"


class Invalid(Refused):
    """The request is wrong in itself."""

    code = "invalid"


class TooMany(Refused):
    """More than one's share.

    Attributes:
        retry_after: seconds after which to try again.
    """

    code = "too_many"

    def __init__(self, detail: str, *, code: str, hint: str, retry_after: int) -> None:
        super().__init__(detail, code=code, hint=hint)
        self.retry_after = retry_after
