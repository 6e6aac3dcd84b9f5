"""Puts on the record who logged in, who logged out, and who tried in vain."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.signals import (
    user_logged_in,
    user_logged_out,
    user_login_failed,
)
from django.http import HttpRequest

from shothub.domain.acts import Act
from shothub.runtime.clock import now
from shothub.server.accounts.acting import (
    account_known_as,
    account_of,
    actor_of_session,
)
from shothub.server.audit.services import acting_as, record


def connect() -> None:
    """Listen to what Django says of logins."""
    user_logged_in.connect(_logged_in, dispatch_uid="record logins")
    user_logged_out.connect(_logged_out, dispatch_uid="record logouts")
    user_login_failed.connect(_login_failed, dispatch_uid="record failed logins")


def _logged_in(request: HttpRequest | None, user: Any, **_: object) -> None:
    _record(Act.LOGGED_IN, user, request)


def _logged_out(request: HttpRequest | None, user: Any, **_: object) -> None:
    if user is not None:  # else the session was over already
        _record(Act.LOGGED_OUT, user, request)


def _record(act: Act, user: Any, request: HttpRequest | None) -> None:
    with acting_as(actor_of_session(user, request)):
        record(act, now=now(), subject=account_of(user))


def _login_failed(credentials: Mapping[str, object], **_: object) -> None:
    # A name of nobody is not kept: people type passwords there by mistake.
    typed = str(credentials.get("username") or credentials.get("email") or "")
    record(Act.LOGIN_FAILED, now=now(), subject=account_known_as(typed))
