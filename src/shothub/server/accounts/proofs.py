"""Dangerous acts want a person who has just proved who he is."""

from datetime import UTC, datetime
from typing import Any

from shothub.domain.proofs import is_fresh
from shothub.server.accounts.principals import Principal
from shothub.server.refusals import Forbidden

_PROOFS = "account_authentication_methods"
"""Where allauth notes in a session by what means, and when, its user proved himself."""


class ProveAgain(Forbidden):
    """Prove again who you are: this act is dangerous, and your last proof is old."""

    code = "prove_again"


class NotByToken(Forbidden):
    """No token does this, so that a stolen one cannot; a person does, in a browser."""

    code = "not_by_token"


def proved_at(session: Any) -> datetime | None:
    """Return when the person of a browser session last proved who he is."""
    records = session.get(_PROOFS)
    times = [r.get("at") for r in records] if isinstance(records, list) else []
    known = [at for at in times if isinstance(at, int | float)]
    return datetime.fromtimestamp(max(known), UTC) if known else None


def require_proof(principal: Principal, now: datetime) -> None:
    """Let tokens pass, whose scopes were chosen for it, and persons with a fresh proof.

    Raises:
        ProveAgain: the last proof of a browser's user is too old.
    """
    if principal.token is None and not is_fresh(principal.proved, now):
        raise ProveAgain(
            "Prove again who you are: this act is dangerous, and your last proof is old.",
            hint="give your password or second factor once more",
        )


def require_person(principal: Principal, now: datetime) -> None:
    """Let nobody pass but a person with a fresh proof.

    Raises:
        NotByToken: a program asks.
        ProveAgain: the last proof is too old.
    """
    if principal.token is not None:
        raise NotByToken(
            "No token does this, so that a stolen one cannot.",
            hint="do it in a browser, or with `shothub admin` on the hub's own machine",
        )
    require_proof(principal, now)
