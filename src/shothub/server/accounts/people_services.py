"""How people come and go: invited, signed up, approved, and leaving of their own wish."""

import secrets
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction

from shothub.domain.acts import Act
from shothub.domain.names import is_slug
from shothub.domain.people import SignUp, make_code
from shothub.server.accounts.models import (
    Code,
    DeviceLogin,
    Group,
    Membership,
    Token,
    User,
)
from shothub.server.accounts.people_queries import (
    free_key,
    has_confirmed,
    usable,
    used_invitation,
)
from shothub.server.accounts.sealing import digest_of, newest_pepper
from shothub.server.audit.services import Account, record
from shothub.server.refusals import Conflict, Invalid, NotThere

UNCONFIRMED_FOR = timedelta(days=7)


def invite(
    *,
    by: int | None,
    email: str = "",
    group: str = "",
    days: int | None = None,
    now: datetime,
) -> str:
    """Make an invitation, and return its code, which is shown only this once.

    Args:
        by: primary key of who invites; None for whoever runs the hub.
        email: the only address that may use it; empty for any.
        group: name of the group that the invited joins; empty for none.
        days: how long it is good; None for as long as the hub is told to.
        now: the present time.

    Raises:
        Conflict: nobody may sign up at this hub.
        NotThere: there is no such group.
    """
    if settings.SHOTHUB.sign_up == SignUp.CLOSED:
        raise Conflict(
            "Nobody can sign up at this hub, invited or not.",
            code="sign_up_closed",
            hint="start it with SHOTHUB_SIGN_UP=invited",
        )
    joins = Group.objects.filter(name=group).first() if group else None
    if group and joins is None:
        raise NotThere(f"There is no group {group[:48]!r}.", where="group")
    code = make_code(secrets.choice)
    with transaction.atomic():
        Code.objects.create(
            kind="invitation",
            digest=digest_of(f"invitation {code}", newest_pepper()),
            pepper=newest_pepper(),
            by_id=by,
            email=email,
            group=joins,
            created=now,
            expires=now + timedelta(days=days or settings.SHOTHUB.invitation_days),
        )
        record(Act.USER_INVITED, now=now, on=group, detail={"email": email})
    return code


def withdraw_invitation(ident: int, *, now: datetime) -> None:
    """Make an invitation useless.

    Raises:
        NotThere: there is none that could still be used.
    """
    good = Code.objects.filter(pk=ident, kind="invitation", used=None, expires__gt=now)
    if not good.update(expires=now):
        raise NotThere("There is no such invitation.")


def vouch(user: User) -> None:
    """Hold a user's address for his: the lab itself has entered it.

    Raises:
        Invalid: another has it.
    """
    if not user.email:
        return
    if EmailAddress.objects.filter(email__iexact=user.email, verified=True).exists():
        raise Invalid("Another user has this address.", code="taken", where="email")
    EmailAddress.objects.create(
        user=user, email=user.email.lower(), verified=True, primary=True
    )


def signed_up(user: int, *, invitation: str, now: datetime) -> None:
    """Note that somebody has made an account for himself.

    Raises:
        Conflict: his invitation was used in the meantime.
    """
    found = User.objects.get(pk=user)
    with transaction.atomic():
        if invitation:
            good = usable(invitation, email=found.email, now=now)
            if not good.update(used=now, used_by=found):
                raise Conflict("This invitation was used already.", code="used")
        detail = {"invited": bool(invitation)}
        record(Act.USER_SIGNED_UP, now=now, subject=_account(found), detail=detail)


def approve(username: str, *, key: str = "", now: datetime, why: str = "lab") -> User:
    """Let a user in who has signed up; give him his key for good.

    Args:
        username: who.
        key: names his folder on the shot storage; empty for one that suits his name.
        now: the present time.
        why: ``lab``, or the rule by which he entered without it.

    Raises:
        NotThere: there is no such user.
        Conflict: he does not wait, or has not confirmed his address.
        Invalid: the key cannot be one, or is taken.
    """
    with transaction.atomic():
        users = User.objects.select_for_update(no_key=True)
        user = users.filter(username=username).first()
        if user is None:
            raise NotThere(f"There is no user {username[:150]!r}.", where="username")
        if user.state != "pending":
            raise Conflict(
                f"{username} does not wait for approval: he is {user.state}.",
                code="not_pending",
            )
        if not has_confirmed(user.pk):
            raise Conflict(
                f"{username} has not confirmed his e-mail address.",
                code="unconfirmed",
                hint="the link is in the mail that he was sent when he signed up",
            )
        user.state, user.decided = "active", now
        _give_key(user, _checked(key) if key else free_key(username))
        group = _join(user)
        detail = {"key": user.key, "why": why, "group": group}
        record(Act.USER_APPROVED, now=now, subject=_account(user), detail=detail)
    return user


def _give_key(user: User, key: str) -> None:
    try:
        with transaction.atomic():
            user.key = key
            user.save(update_fields=["key", "state", "decided"])
    except IntegrityError:
        # Somebody else was given it a moment ago.
        _give_key(user, free_key(user.username))


def _checked(key: str) -> str:
    if not is_slug(key):
        raise Invalid(
            f"{key[:48]!r} cannot be a key.",
            code="bad_key",
            where="key",
            hint="lower-case letters, digits, - and _, beginning with a letter",
        )
    if User.objects.filter(key=key).exists():
        raise Invalid(f"The key {key} is taken.", code="taken", where="key")
    return key


def _join(user: User) -> str:
    """Put an invited user into the group that he was invited to; return its name."""
    code = used_invitation(user.pk)
    if code is None or code.group is None:
        return ""
    Membership.objects.create(user=user, group=code.group)
    return code.group.name


def decline(username: str, *, now: datetime) -> None:
    """Turn away somebody who has signed up; nothing of him is kept but the record.

    Raises:
        NotThere: nobody of this name waits.
    """
    with transaction.atomic():
        user = User.objects.filter(username=username, state="pending").first()
        if user is None:
            raise NotThere(f"No user {username[:150]!r} waits for approval.")
        record(
            Act.USER_CLOSED,
            now=now,
            subject=_account(user),
            detail={"why": "declined"},
        )
        user.delete()


def require_closable(user: int, *, now: datetime) -> None:
    """Refuse to close an account on which a machine depends.

    Raises:
        Conflict: an agent speaks by one of its tokens.
    """
    alive = Token.objects.filter(owner_id=user, kind="agt", revoked=None)
    agent = alive.filter(expires__gt=now).first()
    if agent is not None:
        raise Conflict(
            f"The agent of {agent.apparatus} speaks by a token of this account.",
            code="owns_agent",
            hint="enrol the agent under another user first",
        )


def close(user: int, *, now: datetime) -> None:
    """Close an account at its owner's wish; what ran keeps his key, and no more of him.

    His name, address, password, second factors, other accounts and sessions are
    deleted, his tokens revoked; the row stays, as jobs refer to it.
    """
    with transaction.atomic():
        found = User.objects.select_for_update(no_key=True).get(pk=user)
        record(Act.USER_CLOSED, now=now, subject=_account(found))
        end_sessions(user)
        Token.objects.filter(owner=found, revoked=None).update(revoked=now)
        for model in (Authenticator, SocialAccount, EmailAddress):
            model.objects.filter(user=found).delete()
        DeviceLogin.objects.filter(user=found).delete()
        found.memberships.all().delete()
        found.grants.all().delete()
        found.quotas.all().delete()
        Code.objects.filter(by=found, used=None).update(expires=now)
        found.username, found.email = f"closed-{found.pk}", ""
        found.first_name = found.last_name = ""
        found.state, found.decided, found.is_active = "closed", now, False
        found.is_staff = found.is_superuser = False
        found.set_unusable_password()
        found.save()


def end_sessions(user: int) -> None:
    """Log a user out everywhere."""
    for session in UserSession.objects.filter(user_id=user):
        session.end()


def note_sessions_ended(user: int, *, now: datetime) -> None:
    """Put on the record that a user ends his other sessions."""
    found = User.objects.get(pk=user)
    record(Act.SESSION_ENDED, now=now, subject=_account(found), on="all others")


def forget_old_sessions(now: datetime) -> None:
    """Delete sessions that are over, which nobody can use any more."""
    Session.objects.filter(expire_date__lt=now).delete()
    alive = Session.objects.values("session_key")
    UserSession.objects.exclude(session_key__in=alive).delete()


def forget_unconfirmed(now: datetime) -> None:
    """Delete who signed up a week ago and never confirmed his address.

    The name is free again, and nobody keeps an address that its owner never gave.
    """
    old = User.objects.filter(state="pending", date_joined__lt=now - UNCONFIRMED_FOR)
    confirmed = EmailAddress.objects.filter(verified=True).values("user_id")
    for user in old.exclude(pk__in=confirmed):
        with transaction.atomic():
            record(
                Act.USER_CLOSED,
                now=now,
                subject=_account(user),
                detail={"why": "never confirmed"},
            )
            user.delete()


def _account(user: User) -> Account:
    return Account(user.pk, user.username)
