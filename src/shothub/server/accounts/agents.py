"""Tokens of agents: enrolled by a code that is good once, rotated by the agent itself."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from shothub.domain.acts import Act
from shothub.domain.tokens import AGENT_SCOPES, ENROLMENT, BadToken, parse_token
from shothub.server.accounts.models import Code, Token, User
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.queries import token_view
from shothub.server.accounts.sealing import digests_of, new_secret
from shothub.server.accounts.services import revoke_tree, seal
from shothub.server.audit.services import Account, record
from shothub.server.refusals import Conflict, Invalid, NotThere, Unauthorized
from shothub.wire.accounts import EnrolmentCode, NewToken, TokenView

OVERLAP = timedelta(hours=24)
"""For so long a rotated token goes on to work, so that nothing is lost in between."""
LIFE = timedelta(days=30)
CODE_MINUTES = 10
_LONGEST_MINUTES = 24 * 60
_OWNER = "agents of the lab"
"""Owns the agents' tokens; nobody can sign up under a name with spaces."""


def make_code(
    apparatus: str,
    *,
    by: int | None = None,
    minutes: float = CODE_MINUTES,
    now: datetime,
) -> EnrolmentCode:
    """Make a code that enrols the agent of an apparatus once.

    Args:
        apparatus: its name; there must be one.
        by: the user who makes it; None for whoever runs the hub.
        minutes: for which it is good.
        now: the present time.

    Raises:
        Invalid: it would be good for no time, or for more than a day.
    """
    if not 0 < minutes <= _LONGEST_MINUTES:
        raise Invalid(
            f"A code is good for at most {_LONGEST_MINUTES} minutes, not {minutes:g}.",
            code="out_of_range",
            where="minutes",
        )
    sealed = new_secret(ENROLMENT)
    code = Code(
        kind="enrolment",
        digest=sealed.digest,
        pepper=sealed.pepper,
        by_id=by,
        apparatus=apparatus,
        created=now,
        expires=now + timedelta(minutes=minutes),
    )
    with transaction.atomic():
        code.save(force_insert=True)
        record(Act.AGENT_CODE_MADE, now=now, on=f"apparatus {apparatus}")
    return EnrolmentCode(code=sealed.raw, apparatus=apparatus, expires=code.expires)


def enrol(raw: str, *, now: datetime) -> NewToken:
    """Give an agent its first token for a code, which is used up by it.

    Raises:
        Unauthorized: the code is unknown, used or expired.
    """
    with transaction.atomic():
        code = _use(raw, now)
        owner = _owner()
        token = Token(
            kind="agt",
            name=f"agent of {code.apparatus}",
            owner=owner,
            apparatus=code.apparatus,
            scopes=sorted(AGENT_SCOPES),
            created=now,
            expires=now + min(LIFE, timedelta(days=settings.SHOTHUB.max_token_days)),
        )
        text = seal(token, of=Account(owner.pk, owner.username))
        record(
            Act.AGENT_ENROLLED,
            now=now,
            on=f"apparatus {code.apparatus}",
            detail={"token": token.ident},
        )
    return _shown(token, text)


def _use(raw: str, now: datetime) -> Code:
    refusal = Unauthorized(
        "The code is unknown, used or expired.",
        code="bad_code",
        where="body.code",
        hint="make a new one: shothub admin agent code APPARATUS",
    )
    try:
        parse_token(raw, {ENROLMENT})
    except BadToken:
        raise refusal from None
    found = Code.objects.filter(kind="enrolment", digest__in=digests_of(raw)).first()
    if found is None:
        raise refusal
    open_still = Code.objects.filter(pk=found.pk, used=None, expires__gt=now)
    if not open_still.update(used=now):
        raise refusal
    return found


def _owner() -> User:
    known = User.objects.filter(username=_OWNER).first()
    if known is not None:
        return known
    user = User(username=_OWNER)
    user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:  # two agents enrol at once
        return User.objects.get(username=_OWNER)
    return user


def rotate(principal: Principal, *, now: datetime) -> NewToken:
    """Give an agent a new token; the one that asks works on for a day.

    An agent that did not get the answer asks again: the token that it never had is
    revoked, and it gets another one.

    Raises:
        Conflict: the token was rotated into one that is in use.
    """
    with transaction.atomic():
        tokens = Token.objects.select_for_update(no_key=True, of=("self",))
        old = tokens.select_related("owner", "successor").get(pk=principal.token or 0)
        if old.revoked:
            raise Unauthorized("The token was revoked.", code="bad_token")
        life = old.expires - old.created
        if lost := old.successor:
            life = lost.expires - lost.created
            _give_up(lost, now)
        token = Token(
            kind="agt",
            name=old.name,
            owner=old.owner,
            apparatus=old.apparatus,
            scopes=old.scopes,
            created=now,
            expires=now + min(life, timedelta(days=settings.SHOTHUB.max_token_days)),
        )
        text = seal(token, of=Account(old.owner_id, old.owner.username))
        old.successor = token
        old.expires = min(old.expires, now + OVERLAP)
        old.save(update_fields=["successor", "expires"])
        record(
            Act.TOKEN_ROTATED,
            now=now,
            on=f"token {old.ident}",
            detail={"into": token.ident, "apparatus": old.apparatus},
        )
    return _shown(token, text)


def _give_up(lost: Token, now: datetime) -> None:
    if lost.last_used or lost.revoked:
        raise Conflict(
            "This token was rotated already, and the new one is in use.",
            code="already_rotated",
            hint="if the new one is not with you, revoke both and enrol the agent anew:"
            " shothub admin agent code APPARATUS",
        )
    Token.objects.filter(pk=lost.pk).update(revoked=now)


def own_token(principal: Principal) -> TokenView:
    """Return the token that asks."""
    return token_view(Token.objects.get(pk=principal.token or 0))


def agents_tokens(apparatus: str = "") -> list[TokenView]:
    """Return the tokens of the agents of one apparatus, or of all, newest first."""
    tokens = Token.objects.filter(kind="agt")
    found = tokens.filter(apparatus=apparatus) if apparatus else tokens
    return [token_view(token) for token in found]


def revoke_any(ident: str, *, now: datetime) -> TokenView:
    """Revoke anybody's token by right of whoever runs the hub.

    Raises:
        NotThere: there is none of this id.
    """
    with transaction.atomic():
        found = Token.objects.filter(ident=ident)
        token = found.first() if ident.isalnum() else None
        if token is None:
            raise NotThere(f"There is no token {ident[:20]!r}.")
        revoke_tree(token.pk, now=now)
        token.refresh_from_db()
    return token_view(token)


def _shown(token: Token, text: str) -> NewToken:
    return NewToken(**token_view(token).model_dump(), token=text)
