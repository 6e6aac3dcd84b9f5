"""Letting programs in at the browser: what they ask, what the person says, their token."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from shothub.domain.acts import Act
from shothub.domain.devices import (
    INTERVAL,
    LASTS,
    asks_too_often,
    make_user_code,
    read_user_code,
)
from shothub.domain.tokens import DEVICE, BadToken, parse_token
from shothub.server.accounts.models import DeviceLogin, Token
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.queries import principal_of_session, token_view
from shothub.server.accounts.sealing import digests_of, new_secret
from shothub.server.accounts.services import (
    lock_user,
    require_room,
    require_scopes,
    seal,
)
from shothub.server.audit.services import Account, record
from shothub.server.refusals import Conflict, Forbidden, NotThere, TooMany
from shothub.wire.accounts import DeviceRequest, DeviceStarted, NewToken

_MOST_WAITING = 1_000
_MOST_OF_AN_ADDRESS = 20
_KEPT = timedelta(days=1)


class Pending(Conflict):
    """Nobody has let the program in yet."""

    code = "authorization_pending"


class SlowDown(TooMany):
    """The program asks more often than it was told to."""

    code = "slow_down"


class Denied(Forbidden):
    """The person did not let the program in."""

    code = "access_denied"


class Expired(NotThere):
    """Nobody let the program in in time, or it has its token already."""

    code = "expired_token"


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A program that waits at the door, as the person sees it.

    Attributes:
        scopes: what it asks for and the person may give.
        beyond: what it asks for and the person may not do himself.
    """

    code: str
    client: str
    address: str
    asked: datetime
    scopes: list[str]
    beyond: list[str]
    apparatus: list[str]
    days: int


def ask(
    asked: DeviceRequest, *, page: str, address: str, now: datetime
) -> DeviceStarted:
    """Let a program wait for its user.

    Args:
        asked: what it wants.
        page: address of the page where the person decides.
        address: from where it asks.
        now: the present time.

    Raises:
        Invalid: a scope is unknown.
        TooMany: very many wait already.
    """
    require_scopes(frozenset(asked.scopes))
    _require_room_to_wait(address, now)
    sealed = new_secret(DEVICE)
    login = DeviceLogin(
        digest=sealed.digest,
        pepper=sealed.pepper,
        client=asked.client,
        scopes=sorted(set(asked.scopes)),
        only_on=sorted(set(asked.apparatus)),
        days=min(asked.days, settings.SHOTHUB.max_token_days),
        address=address,
        created=now,
        expires=now + LASTS,
    )
    _store(login)
    return DeviceStarted(
        device_code=sealed.raw,
        user_code=login.user_code,
        verification_uri=page,
        verification_uri_complete=f"{page}?code={login.user_code}",
        expires_in=int(LASTS.total_seconds()),
        interval=INTERVAL,
    )


def _require_room_to_wait(address: str, now: datetime) -> None:
    waiting = DeviceLogin.objects.filter(expires__gt=now, collected=None)
    own = waiting.filter(address=address)
    if own.count() >= _MOST_OF_AN_ADDRESS or waiting.count() >= _MOST_WAITING:
        raise TooMany(
            "Too many programs wait to be let in.",
            code="too_many_waiting",
            hint="let them in or wait until they have given up",
            retry_after=int(LASTS.total_seconds()),
        )


def _store(login: DeviceLogin) -> None:
    """Store a login under a code that no other one has."""
    while True:
        login.user_code = make_user_code(secrets.choice)
        try:
            with transaction.atomic():
                login.save(force_insert=True)
        except IntegrityError:
            continue
        return


def waiting(principal: Principal, typed: str, *, now: datetime) -> Waiting:
    """Return the program that waits under a code, for the person to decide.

    Raises:
        NotThere: none does.
    """
    login = _undecided(typed, now)
    return Waiting(
        code=login.user_code,
        client=login.client,
        address=login.address,
        asked=login.created,
        scopes=sorted(principal.scopes.intersection(login.scopes)),
        beyond=sorted(set(login.scopes) - principal.scopes),
        apparatus=login.only_on,
        days=login.days,
    )


def _undecided(typed: str, now: datetime) -> DeviceLogin:
    found = DeviceLogin.objects.filter(
        user_code=read_user_code(typed), allowed=None, denied=None, expires__gt=now
    ).first()
    if found is None:
        raise NotThere(
            "No program waits under this code.",
            code="unknown_code",
            where="code",
            hint="compare it letter by letter, or run the login once more:"
            " a code is good for ten minutes",
        )
    return found


def allow(principal: Principal, typed: str, *, now: datetime) -> None:
    """Let the program in that waits under a code, with the person's own rights.

    Raises:
        NotThere: none waits.
    """
    _decide(principal, typed, Act.DEVICE_ALLOWED, allowed=now, now=now)


def deny(principal: Principal, typed: str, *, now: datetime) -> None:
    """Turn the program away that waits under a code.

    Raises:
        NotThere: none waits.
    """
    _decide(principal, typed, Act.DEVICE_DENIED, denied=now, now=now)


def _decide(
    principal: Principal, typed: str, act: Act, *, now: datetime, **at: datetime
) -> None:
    with transaction.atomic():
        login = _undecided(typed, now)
        open_still = DeviceLogin.objects.filter(pk=login.pk, allowed=None, denied=None)
        if not open_still.update(user_id=principal.user, **at):
            _undecided("", now)  # somebody else was quicker
        record(
            act,
            now=now,
            subject=Account(principal.user, principal.username),
            on=login.client,
            detail={"scopes": login.scopes, "address": login.address},
        )


def collect(raw: str, *, now: datetime) -> NewToken:
    """Give a program its token once somebody has let it in.

    Raises:
        Pending: nobody has yet.
        SlowDown: it asks too often.
        Denied: the person turned it away.
        Expired: nobody let it in in time, it has its token, or it never asked.
    """
    login = _login_of(raw)
    DeviceLogin.objects.filter(pk=login.pk).update(polled=now)
    if login.collected or (login.expires <= now and not login.allowed):
        raise _expired()
    if login.denied:
        raise Denied("The login was refused in the browser.")
    if login.allowed is None:
        raise _still_waiting(login.polled, now)
    with transaction.atomic():
        fresh = DeviceLogin.objects.filter(pk=login.pk, collected=None)
        if login.expires + LASTS <= now or not fresh.update(collected=now):
            raise _expired()
        return _mint(login, now)


def _login_of(raw: str) -> DeviceLogin:
    try:
        parse_token(raw, {DEVICE})
    except BadToken:
        raise _expired() from None
    found = DeviceLogin.objects.filter(digest__in=digests_of(raw))
    login = found.select_related("user").first()
    if login is None:
        raise _expired()
    return login


def _still_waiting(last: datetime | None, now: datetime) -> Pending | SlowDown:
    if asks_too_often(last, now):
        return SlowDown(
            f"Ask every {INTERVAL} seconds.",
            code=SlowDown.code,
            hint="wait as long as Retry-After says",
            retry_after=INTERVAL,
        )
    return Pending("Nobody has let this program in yet.", hint="ask again")


def _expired() -> Expired:
    return Expired(
        "Nobody let this program in in time, or it was let in before.",
        hint="begin the login once more",
    )


def _mint(login: DeviceLogin, now: datetime) -> NewToken:
    user = login.user
    if user is None or not user.is_active or user.state != "active":
        raise Denied("The account that let this program in may not use the hub.")
    lock_user(user.pk)
    require_room(user.pk, now)
    rights = principal_of_session(user).scopes
    token = Token(
        kind="cli",
        name=login.client,
        owner=user,
        scopes=sorted(rights.intersection(login.scopes)),
        only_on=login.only_on,
        created=now,
        expires=now + timedelta(days=login.days),
    )
    raw = seal(token, of=Account(user.pk, user.username))
    return NewToken(**token_view(token).model_dump(), token=raw)


def forget(now: datetime) -> None:
    """Delete logins that ended long ago; what they led to is on the record."""
    DeviceLogin.objects.filter(expires__lt=now - _KEPT).delete()
