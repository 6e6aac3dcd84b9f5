"""What django-allauth tells of accounts: it goes on the record, and lets people in."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as factors
from allauth.socialaccount import signals as providers
from django.db import transaction
from django.http import HttpRequest

from shothub.domain.acts import Act
from shothub.runtime.clock import now
from shothub.server.audit.services import Account, record
from shothub.server.outbox.services import welcoming

_RECOVERY = "recovery_codes"


def connect() -> None:
    """Listen to it."""
    for signal, receiver in (
        (account.user_signed_up, _signed_up),
        (account.email_confirmed, _confirmed),
        (account.email_changed, _email_changed),
        (account.password_changed, _password_changed),
        (account.password_set, _password_changed),
        (account.password_reset, _password_changed),
        (account.authentication_step_completed, _step),
        (factors.authenticator_added, _factor_added),
        (factors.authenticator_removed, _factor_removed),
        (factors.authenticator_reset, _codes_made),
        (factors.authenticator_used, _factor_used),
        (factors.authentication_failed, _factor_failed),
        (providers.social_account_added, _linked),
        (providers.social_account_removed, _unlinked),
    ):
        signal.connect(
            receiver, dispatch_uid=f"people {receiver.__name__} {id(signal)}"
        )


def _signed_up(user: Any, **_: object) -> None:
    # A provider may have confirmed his address already.
    welcoming.let_in(user.pk, now=now())


def _confirmed(email_address: Any, **_: object) -> None:
    welcoming.let_in(email_address.user_id, now=now())


def _email_changed(user: Any, **_: object) -> None:
    _record(Act.EMAIL_CHANGED, user)


def _password_changed(user: Any, **_: object) -> None:
    _record(Act.PASSWORD_CHANGED, user)


def _step(user: Any, method: str, **extra: object) -> None:
    if extra.get("reauthenticated"):
        _record(Act.REAUTHENTICATED, user, method=method)


def _factor_added(user: Any, authenticator: Any, **_: object) -> None:
    if authenticator.type == _RECOVERY:
        _record(Act.RECOVERY_CODES_MADE, user)
    else:
        _record(Act.SECOND_FACTOR_ADDED, user, kind=authenticator.type)


def _factor_removed(user: Any, authenticator: Any, **_: object) -> None:
    _record(Act.SECOND_FACTOR_REMOVED, user, kind=authenticator.type)


def _codes_made(user: Any, **_: object) -> None:
    _record(Act.RECOVERY_CODES_MADE, user)


def _factor_used(user: Any, authenticator: Any, **_: object) -> None:
    if authenticator.type == _RECOVERY:
        _record(Act.RECOVERY_CODE_USED, user)


def _factor_failed(user: Any, **_: object) -> None:
    _record(Act.LOGIN_FAILED, user, second_factor=True)


def _linked(request: HttpRequest, sociallogin: Any, **_: object) -> None:
    _record(Act.PROVIDER_LINKED, sociallogin.user, on=sociallogin.account.provider)


def _unlinked(request: HttpRequest, socialaccount: Any, **_: object) -> None:
    _record(Act.PROVIDER_UNLINKED, socialaccount.user, on=socialaccount.provider)


def _record(act: Act, user: Any, *, on: str = "", **detail: object) -> None:
    with transaction.atomic():
        subject = Account(user.pk, user.get_username())
        record(act, now=now(), subject=subject, on=on, detail=detail)
