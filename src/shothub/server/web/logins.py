"""Puts on the record who logged in, who logged out, and who tried in vain."""

from collections.abc import Mapping

from django.contrib.auth.signals import (
    user_logged_in,
    user_logged_out,
    user_login_failed,
)
from django.http import HttpRequest

from shothub.domain.acts import Act
from shothub.runtime.clock import now
from shothub.server.accounts.acting import account_known_as, note_session
from shothub.server.audit.services import record


def connect() -> None:
    """Listen to what Django says of logins."""
    user_logged_in.connect(_logged_in, dispatch_uid="record logins")
    user_logged_out.connect(_logged_out, dispatch_uid="record logouts")
    user_login_failed.connect(_login_failed, dispatch_uid="record failed logins")


def _logged_in(request: HttpRequest | None, user: object, **_: object) -> None:
    account = note_session(user, request)
    record(Act.LOGGED_IN, now=now(), subject=account)


def _logged_out(request: HttpRequest | None, user: object, **_: object) -> None:
    if user is not None:  # else the session was over already
        account = note_session(user, request)
        record(Act.LOGGED_OUT, now=now(), subject=account)


def _login_failed(credentials: Mapping[str, object], **_: object) -> None:
    # A name of nobody is not kept: people type passwords there by mistake.
    typed = str(credentials.get("username") or credentials.get("email") or "")
    record(Act.LOGIN_FAILED, now=now(), subject=account_known_as(typed))
