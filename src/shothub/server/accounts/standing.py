"""Whether a user may use the hub: suspended by the lab, and let in again."""

from datetime import datetime

from allauth.usersessions.models import UserSession
from django.db import transaction

from shothub.domain.acts import Act
from shothub.server.accounts.models import Code, DeviceLogin, Token, User
from shothub.server.accounts.people_services import end_sessions
from shothub.server.audit.services import Account, record
from shothub.server.refusals import Conflict, Invalid, NotThere

_LONGEST_REASON = 500


def locked(user: int | str) -> User:
    """Return a user by primary key or name, locked until the transaction ends.

    Raises:
        NotThere: there is none.
    """
    users = User.objects.select_for_update(no_key=True)
    key = {"pk": user} if isinstance(user, int) else {"username": user}
    found = users.filter(**key).first()
    if found is None:
        raise NotThere(f"There is no user {str(user)[:150]!r}.", where="username")
    return found


def suspend(username: str, *, why: str, now: datetime, by: int | None) -> User:
    """Keep an active user out from now on, inside the caller's transaction.

    Raises:
        NotThere: there is no such user.
        Conflict: he is not active, or it is oneself.
        Invalid: there is no reason, or it is too long.
    """
    reason = why.strip()
    if not 1 <= len(reason) <= _LONGEST_REASON:
        raise Invalid(
            f"Say why, in at most {_LONGEST_REASON} characters: the user reads it.",
            code="no_reason",
            where="why",
        )
    user = locked(username)
    if user.pk == by:
        raise Conflict("Nobody suspends himself.", code="own_account")
    if user.state != "active":
        raise Conflict(
            f"{username} cannot be suspended: he is {user.state}.",
            code="not_active",
            hint="decline those who wait for approval",
        )
    user.state, user.is_active = "suspended", False
    user.suspended_why, user.decided = reason, now
    user.save(update_fields=["state", "is_active", "suspended_why", "decided"])
    return user


def reinstate(username: str, *, now: datetime) -> User:
    """Let a suspended user in again, inside the caller's transaction.

    Raises:
        NotThere: there is no such user.
        Conflict: he is not suspended.
    """
    user = locked(username)
    if user.state != "suspended":
        raise Conflict(
            f"{username} is not suspended: he is {user.state}.", code="not_suspended"
        )
    user.state, user.is_active = "active", True
    user.suspended_why, user.decided = "", now
    user.save(update_fields=["state", "is_active", "suspended_why", "decided"])
    return user


def set_staff(username: str, *, staff: bool, now: datetime) -> None:
    """Make an active user one of the hub's staff, or no longer one of it.

    Raises:
        NotThere: there is no such user.
        Conflict: he is not active.
    """
    with transaction.atomic():
        user = locked(username)
        if user.state != "active":
            raise Conflict(f"{username} is {user.state}.", code="not_active")
        user.is_staff = user.is_superuser = staff
        user.save(update_fields=["is_staff", "is_superuser"])
        whose = Account(user.pk, user.username)
        record(Act.GRANT_CHANGED, now=now, subject=whose, detail={"staff": staff})


def forget_sessions() -> None:
    """Forget which sessions there were; the sessions themselves are Django's."""
    UserSession.objects.all().delete()


def revoke_everything(*, now: datetime) -> int:
    """Revoke every token of everybody, those of agents too, and return how many."""
    return Token.objects.filter(revoked=None).update(revoked=now)


def cut_off(user: User, *, now: datetime) -> tuple[int, tuple[str, ...]]:
    """Revoke all that a user could come in with.

    Tokens of agents are not revoked, as a machine hangs on each: they are refused as long
    as their owner is out.

    Returns:
        How many tokens were revoked, and the apparatus whose agents are cut off.
    """
    end_sessions(user.pk)
    DeviceLogin.objects.filter(user=user, collected=None).delete()
    Code.objects.filter(by=user, used=None, expires__gt=now).update(expires=now)
    alive = Token.objects.filter(owner=user, revoked=None)
    agents = alive.filter(kind="agt", expires__gt=now)
    names = sorted(set(agents.values_list("apparatus", flat=True)))
    return alive.exclude(kind="agt").update(revoked=now), tuple(names)
