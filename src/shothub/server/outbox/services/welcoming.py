"""Letting people in, and telling them and the lab of it."""

import smtplib
from datetime import datetime

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from shothub.server.accounts import people_queries, people_services
from shothub.server.accounts.models import User
from shothub.server.outbox.queries import staff_of
from shothub.server.outbox.services.telling import tell, tell_all

log = structlog.get_logger()


def let_in(user: int, *, now: datetime) -> None:
    """Let a new user in if the hub's rule says so; else ask the lab. Idempotent.

    Nothing happens before he has confirmed his address, nor if he waits no more.
    """
    with transaction.atomic():
        users = User.objects.select_for_update(no_key=True)
        found = users.filter(pk=user, state="pending").first()
        if found is None or not people_queries.has_confirmed(user):
            return
        if people_queries.enters(found):
            approve(found.username, now=now, why=settings.SHOTHUB.sign_up.value)
        else:
            _ask_the_lab(found, now)


def _ask_the_lab(user: User, now: datetime) -> None:
    tell_all(
        staff_of(""),
        "sign_up",
        f"{user.username} asks for an account",
        f"{user.username} <{user.email}> has signed up and confirmed the address."
        f"\n\nLet the user in: shothub admin user approve {user.username}",
        now=now,
        data={"username": user.username},
    )


def approve(username: str, *, key: str = "", now: datetime, why: str = "lab") -> User:
    """Let a user in who has signed up, and tell him; see ``people_services.approve``."""
    with transaction.atomic():
        user = people_services.approve(username, key=key, now=now, why=why)
        tell(
            user.pk,
            "approved",
            "Your account is ready",
            f"The lab has let you in. Your key is {user.key}: it names the folder of"
            " your shots, and never changes.\n\nBegin here:",
            now=now,
            data={"path": "/welcome"},
        )
    return user


def mail_invitation(code: str, *, email: str, by: str) -> bool:
    """Send an invitation, and tell whether the mail server took it.

    Args:
        code: the invitation's.
        email: where to.
        by: who invites.
    """
    public = settings.SHOTHUB.public_url
    mail = EmailMessage(
        subject="[shothub] An invitation",
        body=(
            f"{by or 'The lab'} invites you to run experiments on its apparatus.\n\n"
            f"Make your account: {public}/invitation/{code}\n\n"
            f"or sign up at {public}/sign-up with the code {code}\n"
        ),
        to=[email],
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        mail.send()
    except (smtplib.SMTPException, OSError) as error:
        log.warning("invitation not sent", error=str(error))
        return False
    return True
