"""What can be done with users, grants and tokens."""

import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from shothub.domain.names import is_slug
from shothub.domain.tokens import (
    AGENT_SCOPES,
    ALL_SCOPES,
    USER_SCOPES,
    BadToken,
    exceeds,
    make_token,
    parse_token,
)
from shothub.server.accounts.models import Grant, Token, User
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.queries import Credential, credential_of, token_view
from shothub.server.refusals import Forbidden, Invalid, NotThere, Unauthorized
from shothub.wire.accounts import NewToken, TokenView

_USED_EVERY = timedelta(minutes=1)
_MOST_TOKENS = 50


def create_user(
    *,
    username: str,
    password: str | None,
    key: str,
    email: str = "",
    staff: bool = False,
) -> User:
    """Make a user; without a password he cannot log in but may hold tokens.

    Raises:
        Invalid: the key is no slug or taken, the name is taken, the password is weak.
    """
    if not is_slug(key):
        raise Invalid(
            f"{key[:48]!r} cannot be a key.",
            code="bad_key",
            where="key",
            hint="lower-case letters, digits, - and _, beginning with a letter",
        )
    if User.objects.filter(Q(username=username) | Q(key=key)).exists():
        raise Invalid(
            "The user name or the key is taken.", code="taken", where="username"
        )
    user = User(username=username, key=key, email=email, is_staff=staff)
    if password is not None:
        _check_password(password, user)
    user.set_password(password)
    user.is_superuser = staff
    user.save()
    return user


def set_password(user: User, password: str) -> None:
    """Give a user a new password.

    Raises:
        Invalid: the password is weak.
    """
    _check_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(
            " ".join(error.messages), code="weak_password", where="password"
        ) from None


def grant(
    *,
    user: User,
    apparatus: str,
    scripts: bool | None = None,
    hdf5: bool | None = None,
    operator: bool | None = None,
) -> None:
    """Set what a user may do on an apparatus; None leaves a kind as it is."""
    kinds = {"scripts": scripts, "hdf5": hdf5, "operator": operator}
    given = {kind: value for kind, value in kinds.items() if value is not None}
    Grant.objects.update_or_create(user=user, apparatus=apparatus, defaults=given)


def mint_token(
    *,
    user: User,
    now: datetime,
    name: str = "",
    scopes: Iterable[str] | None = None,
    days: float = 90,
    apparatus: str = "",
) -> str:
    """Make a token by right of whoever runs the hub, and return its text.

    Args:
        user: its owner.
        now: the present time.
        name: what it is for.
        scopes: what it may do; None for all that its kind may.
        days: its life.
        apparatus: the apparatus for which it speaks, if it is an agent's.

    Raises:
        Invalid: a scope is unknown.
    """
    usual = AGENT_SCOPES if apparatus else USER_SCOPES
    asked = usual if scopes is None else frozenset(scopes)
    if asked - ALL_SCOPES:
        raise _unknown_scope(asked)
    token = Token(
        kind="agt" if apparatus else "pat",
        name=name,
        owner=user,
        apparatus=apparatus,
        scopes=sorted(asked),
        created=now,
        expires=now + timedelta(days=days),
    )
    return _seal(token)


def mint_by(
    principal: Principal,
    *,
    name: str,
    scopes: Iterable[str],
    days: int,
    now: datetime,
) -> NewToken:
    """Make a token that does not exceed the credential that asks for it.

    Raises:
        Forbidden: it would exceed it.
        Invalid: its life or its scopes make no sense, or there are too many.
    """
    most = settings.SHOTHUB.max_token_days
    if not 1 <= days <= most:
        raise Invalid(
            f"A token lives from 1 to {most} days, not {days}.",
            code="out_of_range",
            where="body.days",
        )
    asked, expires = frozenset(scopes), now + timedelta(days=days)
    if asked - ALL_SCOPES:
        raise _unknown_scope(asked)
    excess = exceeds(
        scopes=asked,
        expires=expires,
        parent_scopes=principal.scopes,
        parent_expires=principal.token_expires,
    )
    if excess:
        raise Forbidden(
            f"The token would exceed the credential that makes it: {excess}.",
            code="exceeds",
            where="body",
        )
    token = Token(
        kind="pat",
        name=name,
        owner_id=principal.user,
        scopes=sorted(asked),
        parent_id=principal.token,
        created=now,
        expires=expires,
    )
    with transaction.atomic():
        lock_user(principal.user)
        _require_unrevoked(principal)
        _check_count(principal, now)
        raw = _seal(token)
    return NewToken(**token_view(token).model_dump(), token=raw)


def lock_user(user: int) -> None:
    """Let one transaction at a time count what a user has, and add to it.

    After the apparatus's lock, if that is taken too; SQLite has one writer anyway.
    """
    User.objects.select_for_update(no_key=True).only("pk").get(pk=user)


def _require_unrevoked(principal: Principal) -> None:
    """Refuse a child of a token that was revoked since it was shown."""
    parent = Token.objects.filter(pk=principal.token or 0)
    if parent.exclude(revoked=None).exists():
        raise Unauthorized("The token was revoked.", code="bad_token")


def _check_count(principal: Principal, now: datetime) -> None:
    alive = Token.objects.filter(
        owner_id=principal.user, revoked=None, expires__gt=now
    ).count()
    if alive >= _MOST_TOKENS:
        raise Invalid(
            f"You hold {alive} tokens; {_MOST_TOKENS} are allowed.",
            code="too_many_tokens",
            hint="revoke some that you no longer use",
        )


def _unknown_scope(asked: frozenset[str]) -> Invalid:
    return Invalid(
        f"There is no scope {min(asked - ALL_SCOPES)!r}.",
        code="unknown_scope",
        where="body.scopes",
        hint=f"scopes: {', '.join(sorted(ALL_SCOPES))}",
    )


def _seal(token: Token) -> str:
    """Give a token its secret, store its digest, and return its text."""
    raw = make_token(token.kind, secrets.choice)
    token.ident = parse_token(raw).ident
    token.pepper = len(settings.SHOTHUB.token_peppers)
    token.digest = _digest(raw, token.pepper)
    token.save(force_insert=True)
    return raw


def _digest(raw: str, pepper: int) -> bytes:
    """Return the digest under pepper number ``pepper``, counted from the oldest, 1."""
    peppers = settings.SHOTHUB.token_peppers
    if not 1 <= pepper <= len(peppers):
        return b""
    secret = peppers[len(peppers) - pepper].get_secret_value()
    return hmac.digest(secret.encode(), raw.encode(), "sha256")


def authenticate(raw: str, *, now: datetime) -> Principal:
    """Return whom a token stands for.

    Raises:
        Unauthorized: it is malformed, unknown, revoked or expired; one answer for all,
            except that a mistyped one is told apart, which needs no secret.
    """
    try:
        name = parse_token(raw)
    except BadToken as error:
        raise Unauthorized(f"{error}.".capitalize(), code="bad_token") from None
    known = credential_of(name)
    pepper = known.pepper if known else len(settings.SHOTHUB.token_peppers)
    digest, stored = _digest(raw, pepper), known.digest if known else bytes(32)
    genuine = bool(digest) and hmac.compare_digest(digest, stored)
    if known is None or not genuine or not _is_alive(known, now):
        raise Unauthorized(
            "The token is unknown, revoked or expired.",
            code="bad_token",
            hint="make a new one on the page Tokens, or with: shothub login",
        )
    _note_use(known, now)
    return known.principal


def _is_alive(known: Credential, now: datetime) -> bool:
    return known.active and not known.revoked and known.expires > now


def _note_use(known: Credential, now: datetime) -> None:
    if known.last_used is None or now - known.last_used > _USED_EVERY:
        stale = Q(last_used=None) | Q(last_used__lt=now - _USED_EVERY)
        Token.objects.filter(stale, pk=known.token).update(last_used=now)


def revoke(principal: Principal, *, ident: str, now: datetime) -> TokenView:
    """Revoke one of the user's tokens and every token made with it.

    Raises:
        NotThere: the user has no such token.
    """
    with transaction.atomic():
        lock_user(principal.user)
        token = Token.objects.filter(owner_id=principal.user, ident=ident).first()
        if token is None:
            raise NotThere("You have no such token.")
        revoke_tree(token.pk, now=now)
        token.refresh_from_db()
    return token_view(token)


def revoke_tree(token: int, *, now: datetime) -> None:
    """Revoke a token and all that descend from it."""
    generation = [token]
    while generation:
        Token.objects.filter(pk__in=generation, revoked=None).update(revoked=now)
        children = Token.objects.filter(parent_id__in=generation)
        generation = list(children.values_list("pk", flat=True))
