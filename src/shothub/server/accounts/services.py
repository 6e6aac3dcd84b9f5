"""What can be done with users, grants and tokens."""

import hmac
from collections.abc import Iterable, Set
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q

from shothub.domain.acts import Act
from shothub.domain.names import is_slug
from shothub.domain.tokens import (
    AGENT_SCOPES,
    ALL_SCOPES,
    USER_SCOPES,
    BadToken,
    Extent,
    exceeds,
    parse_token,
)
from shothub.server.accounts.models import Token, User
from shothub.server.accounts.people_services import vouch
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.queries import Credential, credential_of, token_view
from shothub.server.accounts.sealing import digest_of, new_secret, newest_pepper
from shothub.server.audit.services import Account, record
from shothub.server.refusals import Forbidden, Invalid, NotThere, Unauthorized
from shothub.server.rows import ask
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
        Invalid: the key is no slug or taken, the name or the address is taken, the
            password is weak.
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
    with transaction.atomic():
        user.save()
        vouch(user)
        detail = {"key": key, "staff": staff}
        whose = Account(user.pk, username)
        record(Act.USER_CREATED, now=user.date_joined, subject=whose, detail=detail)
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


def mint_token(  # noqa: PLR0913 (one for each property of a token)
    *,
    user: User,
    now: datetime,
    name: str = "",
    scopes: Iterable[str] | None = None,
    days: float = 90,
    apparatus: str = "",
    only_on: Iterable[str] = (),
    kind: str = "pat",
) -> str:
    """Make a token by right of whoever runs the hub, and return its text.

    Args:
        user: its owner.
        now: the present time.
        name: what it is for.
        scopes: what it may do; None for all that its kind may.
        days: its life.
        apparatus: the apparatus for which it speaks, if it is an agent's.
        only_on: names of the only apparatus for which it is good; none for all.
        kind: of a user's token.

    Raises:
        Invalid: a scope is unknown.
    """
    usual = AGENT_SCOPES if apparatus else USER_SCOPES
    asked = usual if scopes is None else frozenset(scopes)
    require_scopes(asked)
    token = Token(
        kind="agt" if apparatus else kind,
        name=name,
        owner=user,
        apparatus=apparatus,
        only_on=sorted(set(only_on)),
        scopes=sorted(asked),
        created=now,
        expires=now + timedelta(days=days),
    )
    with transaction.atomic():
        return seal(token, of=Account(user.pk, user.username))


def mint_by(
    principal: Principal,
    *,
    name: str,
    scopes: Iterable[str],
    days: int,
    now: datetime,
    only_on: Iterable[str] = (),
) -> NewToken:
    """Make a token that does not exceed the credential that asks for it.

    Args:
        principal: who asks, and becomes its owner.
        name: what it is for.
        scopes: what it may do.
        days: its life.
        now: the present time.
        only_on: names of the only apparatus for which it is good; none for all for which
            the credential is.

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
    expires = now + timedelta(days=days)
    asked = Extent(
        scopes=frozenset(scopes),
        only_on=frozenset(only_on) or principal.only_on,
        expires=expires,
    )
    require_scopes(asked.scopes)
    _require_within(principal, asked)
    token = Token(
        kind="pat",
        name=name,
        owner_id=principal.user,
        scopes=sorted(asked.scopes),
        only_on=sorted(asked.only_on),
        parent_id=principal.token,
        created=now,
        expires=expires,
    )
    with transaction.atomic():
        lock_user(principal.user)
        _require_unrevoked(principal)
        require_room(principal.user, now)
        raw = seal(token, of=Account(principal.user, principal.username))
    return NewToken(**token_view(token).model_dump(), token=raw)


def _require_within(principal: Principal, asked: Extent) -> None:
    own = Extent(
        scopes=principal.scopes,
        only_on=principal.only_on,
        expires=principal.token_expires,
    )
    if excess := exceeds(asked, own):
        raise Forbidden(
            f"The token would exceed the credential that makes it: {excess}.",
            code="exceeds",
            where="body",
        )


def lock_user(user: int) -> None:
    """Let one transaction at a time count what a user has, and add to it.

    After the apparatus's lock, if that is taken too; SQLite has one writer anyway.

    Raises:
        Unauthorized: he was suspended, or left, since he showed his credential.
    """
    how = " FOR NO KEY UPDATE" if connection.features.has_select_for_update else ""
    asked = (
        f"SELECT is_active AND state = 'active' FROM accounts_user WHERE id = %s{how}"  # noqa: S608
    )
    if not any(row[0] for row in ask(asked, [user])):
        raise Unauthorized("Your account can no longer be used.", code="not_active")


def _require_unrevoked(principal: Principal) -> None:
    """Refuse a child of a token that was revoked since it was shown."""
    parent = Token.objects.filter(pk=principal.token or 0)
    if parent.exclude(revoked=None).exists():
        raise Unauthorized("The token was revoked.", code="bad_token")


def require_room(user: int, now: datetime) -> None:
    """Refuse one more token to whoever has very many.

    Raises:
        Invalid: he has.
    """
    held = Token.objects.filter(owner_id=user, revoked=None, expires__gt=now)
    alive = held.count()
    if alive >= _MOST_TOKENS:
        raise Invalid(
            f"You hold {alive} tokens; {_MOST_TOKENS} are allowed.",
            code="too_many_tokens",
            hint="revoke some that you no longer use",
        )


def require_scopes(asked: Set[str]) -> None:
    """Refuse scopes that there are not.

    Raises:
        Invalid: one is unknown.
    """
    if unknown := asked - ALL_SCOPES:
        raise Invalid(
            f"There is no scope {min(unknown)!r}.",
            code="unknown_scope",
            where="body.scopes",
            hint=f"scopes: {', '.join(sorted(ALL_SCOPES))}",
        )


def seal(token: Token, *, of: Account) -> str:
    """Give a token its secret, store its digest, and return its text.

    Args:
        token: not yet stored.
        of: its owner, for the record.
    """
    sealed = new_secret(token.kind)
    token.ident = parse_token(sealed.raw).ident
    token.digest, token.pepper = sealed.digest, sealed.pepper
    token.save(force_insert=True)
    bounds = [token.apparatus] if token.apparatus else token.only_on
    record(
        Act.TOKEN_CREATED,
        now=token.created,
        subject=of,
        on=f"token {token.ident}",
        detail={
            "name": token.name,
            "scopes": token.scopes,
            "apparatus": bounds,
            "expires": token.expires.isoformat(),
        },
    )
    return sealed.raw


def authenticate(raw: str, *, now: datetime, address: str = "") -> Principal:
    """Return whom a token stands for.

    Args:
        raw: its text.
        now: the present time.
        address: from where it is shown; its owner sees the last one.

    Raises:
        Unauthorized: it is malformed, unknown, revoked or expired; one answer for all,
            except that a mistyped one is told apart, which needs no secret.
    """
    try:
        name = parse_token(raw)
    except BadToken as error:
        raise Unauthorized(f"{error}.".capitalize(), code="bad_token") from None
    known = credential_of(name)
    pepper = known.pepper if known else newest_pepper()
    digest, stored = digest_of(raw, pepper), known.digest if known else bytes(32)
    genuine = bool(digest) and hmac.compare_digest(digest, stored)
    if known is None or not genuine or not _is_alive(known, now):
        raise Unauthorized(
            "The token is unknown, revoked or expired.",
            code="bad_token",
            hint="make a new one on the page Tokens, or with: shothub login",
        )
    _note_use(known, now, address)
    return known.principal


def _is_alive(known: Credential, now: datetime) -> bool:
    return known.active and not known.revoked and known.expires > now


def _note_use(known: Credential, now: datetime, address: str) -> None:
    if known.last_used is None or now - known.last_used > _USED_EVERY:
        stale = Q(last_used=None) | Q(last_used__lt=now - _USED_EVERY)
        used = Token.objects.filter(stale, pk=known.token)
        used.update(last_used=now, last_address=address)


def revoke(principal: Principal, *, ident: str, now: datetime) -> TokenView:
    """Revoke one of the user's tokens and every token made with it.

    Raises:
        NotThere: the user has no such token.
    """
    with transaction.atomic():
        lock_user(principal.user)
        mine = Token.objects.filter(owner_id=principal.user).exclude(kind="agt")
        token = mine.filter(ident=ident).first() if ident.isalnum() else None
        if token is None:
            raise NotThere("You have no such token.")
        revoke_tree(token.pk, now=now)
        token.refresh_from_db()
    return token_view(token)


def revoke_own(principal: Principal, *, now: datetime) -> TokenView:
    """Revoke the token that asks, and every token made with it.

    Raises:
        Forbidden: no token asks, but a browser.
    """
    if principal.token is None:
        raise Forbidden(
            "A browser session is ended by logging out.", code="by_token_only"
        )
    with transaction.atomic():
        revoke_tree(principal.token, now=now)
    return token_view(Token.objects.get(pk=principal.token))


def revoke_tree(token: int, *, now: datetime) -> None:
    """Revoke a token, all that were made with it, and what they were rotated from or into."""
    seen: set[int] = set()
    generation = {token}
    while generation:
        seen |= generation
        for found in Token.objects.filter(pk__in=generation).select_related("owner"):
            _revoke(found, now)
        kin = Q(parent_id__in=generation) | Q(successor_id__in=generation)
        kin |= Q(predecessor__in=generation)
        generation = {*Token.objects.filter(kin).values_list("pk", flat=True)} - seen


def _revoke(token: Token, now: datetime) -> None:
    if Token.objects.filter(pk=token.pk, revoked=None).update(revoked=now):
        record(
            Act.TOKEN_REVOKED,
            now=now,
            subject=Account(token.owner_id, token.owner.username),
            on=f"token {token.ident}",
            detail={"name": token.name},
        )
