"""Adding to the record, in the transaction of the act itself."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from shothub.domain.acts import Act
from shothub.server.audit.models import Entry


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts, and from where.

    Attributes:
        user: his number; None for whoever runs the hub.
        by: his credential, without its secret: ``session``, ``token <ident>``,
            ``command``, ``hub``, or ``nobody`` for a request without a valid one.
        address: empty if the act did not come by the network.
    """

    user: int | None = None
    name: str = ""
    by: str = "command"
    address: str = ""


@dataclass(frozen=True)
class Account:
    """Whose account an act concerns."""

    user: int
    name: str


_actor: ContextVar[Actor] = ContextVar("actor")
_HUB = Actor(by="hub")


def act_as(actor: Actor) -> None:
    """Say who acts in this request or command from now on."""
    _actor.set(actor)


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Say who acts within the block; afterwards it is who it was before."""
    before = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(before)


def acting() -> Actor:
    """Return who acts: the hub itself where nobody was named."""
    return _actor.get(_HUB)


def record(
    act: Act,
    *,
    now: datetime,
    subject: Account | None = None,
    on: str = "",
    detail: Mapping[str, object] | None = None,
) -> None:
    """Add an act of whoever acts to the record.

    Args:
        act: what was done.
        now: the present time.
        subject: whose account it concerns.
        on: what it was done to.
        detail: what else is to be known; never a secret.
    """
    actor = acting()
    Entry.objects.create(
        at=now,
        what=act.value,
        actor=actor.user,
        actor_name=actor.name,
        by=actor.by,
        subject=subject.user if subject else None,
        subject_name=subject.name if subject else "",
        on=on,
        detail=dict(detail or {}),
        address=actor.address,
    )
