"""Questions of the lab about its people."""

from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from shothub.server.accounts.models import User
from shothub.server.refusals import NotThere

STATES = ("pending", "active", "suspended", "closed")


@dataclass(frozen=True, kw_only=True)
class Person:
    """A user as the lab's staff sees him.

    Attributes:
        key: empty until he is approved.
        since: when the account was made.
        decided: when the lab last approved or suspended him.
        why: why he is suspended.
        protected: whether he has a second factor.
        tokens: how many of his could be used now.
        grants: what was granted to him alone: apparatus, and what, in words.
    """

    user: int
    username: str
    key: str
    email: str
    state: str
    staff: bool
    since: datetime
    last_login: datetime | None
    decided: datetime | None
    why: str
    protected: bool
    tokens: int
    groups: tuple[str, ...]
    grants: tuple[tuple[str, str], ...]


def people(
    now: datetime, *, state: str = "", text: str = "", limit: int, after: str = ""
) -> list[Person]:
    """Return users in the order of their names.

    Args:
        now: the present time.
        state: only those in this state.
        text: a part of the name, the key or the address.
        limit: at most so many.
        after: only names that come later, for the next page.
    """
    fits = Q(username__icontains=text) | Q(key__icontains=text)
    rows = User.objects.filter(fits | Q(email__icontains=text), username__gt=after)
    if state:
        rows = rows.filter(state=state)
    return _seen(rows.order_by("username")[:limit], now)


def person(username: str, now: datetime) -> Person:
    """Return one user.

    Raises:
        NotThere: there is none of this name.
    """
    for found in _seen(User.objects.filter(username=username), now):
        return found
    raise NotThere(f"There is no user {username[:150]!r}.")


def _seen(rows: QuerySet[User], now: datetime) -> list[Person]:
    alive = Q(tokens__revoked=None, tokens__expires__gt=now)
    factors = Authenticator.objects.filter(user=OuterRef("pk"))
    found = rows.annotate(
        alive=Count("tokens", filter=alive, distinct=True),
        protected=Exists(factors.exclude(type="recovery_codes")),
    ).prefetch_related("memberships__group", "grants")
    return [
        Person(
            user=row.pk,
            username=row.username,
            key="" if row.state == "pending" else row.key,
            email=row.email,
            state=row.state,
            staff=row.is_staff,
            since=row.date_joined,
            last_login=row.last_login,
            decided=row.decided,
            why=row.suspended_why,
            protected=row.protected,
            tokens=row.alive,
            groups=tuple(m.group.name for m in row.memberships.all()),
            grants=tuple(
                (grant.apparatus, ", ".join(grant.kinds()) or "nothing")
                for grant in row.grants.all()
            ),
        )
        for row in found
    ]
