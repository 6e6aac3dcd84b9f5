"""Questions about users, grants and tokens.

Those asked at every request are plain SQL: it takes a fifth of the time that building the
same statement with the ORM takes.
"""

from collections.abc import Iterable

from shothub.domain.tokens import (
    AGENT_SCOPES,
    OPERATOR_SCOPES,
    USER_SCOPES,
    TokenName,
)
from shothub.server.accounts.models import Grant, Token, User
from shothub.server.accounts.principals import Principal
from shothub.wire.accounts import Me, TokenView


def grants_of(user: int) -> dict[str, list[str]]:
    """Return the kinds of grants of a user by apparatus."""
    rows = Grant.objects.raw("SELECT * FROM accounts_grant WHERE user_id = %s", [user])
    return {row.apparatus: row.kinds() for row in rows}


def token_of(name: TokenName) -> Token | None:
    """Return the token of this name with its owner, whether or not it is valid."""
    sql = "SELECT * FROM accounts_token WHERE ident = %s AND kind = %s"
    for token in Token.objects.raw(sql, [name.ident, name.kind]):
        sql = "SELECT * FROM accounts_user WHERE id = %s"
        [token.owner] = User.objects.raw(sql, [token.owner_id])
        return token
    return None


def scopes_of_role(user: User, grants: dict[str, list[str]]) -> frozenset[str]:
    """Return all that a user may do, whatever his credential."""
    operates = user.is_staff or any("operator" in kinds for kinds in grants.values())
    return USER_SCOPES | OPERATOR_SCOPES if operates else USER_SCOPES


def principal_of_session(user: User) -> Principal:
    """Return the principal of a browser session: all rights of his role."""
    grants = grants_of(user.pk)
    return _principal(user, grants, scopes_of_role(user, grants))


def principal_of_token(token: Token) -> Principal:
    """Return the principal of a valid token: its rights, cut to the role of its owner."""
    if token.kind == "agt":
        held = frozenset(token.scopes) & AGENT_SCOPES
        return _principal(token.owner, {}, held, token)
    grants = grants_of(token.owner_id)
    held = frozenset(token.scopes) & scopes_of_role(token.owner, grants)
    return _principal(token.owner, grants, held, token)


def _principal(
    user: User,
    grants: dict[str, list[str]],
    scopes: frozenset[str],
    token: Token | None = None,
) -> Principal:
    return Principal(
        user=user.pk,
        username=user.username,
        key=user.key,
        email=user.email,
        staff=user.is_staff,
        scopes=scopes,
        apparatus=token.apparatus if token else "",
        token=token.pk if token else None,
        token_expires=token.expires if token else None,
        grants=grants,
    )


def me(principal: Principal) -> Me:
    """Return who asks and what he may do."""
    return Me(
        username=principal.username,
        key=principal.key,
        email=principal.email,
        staff=principal.staff,
        scopes=sorted(principal.scopes),
        token_expires=principal.token_expires,
        grants=principal.grants,
    )


def tokens(principal: Principal) -> list[TokenView]:
    """Return the user's tokens, newest first, revoked ones included."""
    mine = Token.objects.filter(owner_id=principal.user).exclude(kind="agt")
    return [token_view(token) for token in mine]


def token_view(token: Token) -> TokenView:
    """Return a token without its secret."""
    return TokenView(
        id=token.ident,
        name=token.name,
        scopes=token.scopes,
        created=token.created,
        expires=token.expires,
        revoked=token.revoked,
        last_used=token.last_used,
    )


def users() -> Iterable[tuple[str, str, str, bool]]:
    """Return user name, key, e-mail and whether he may log in, of all users."""
    fields = ("username", "key", "email", "is_active")
    return User.objects.order_by("username").values_list(*fields)


def user_named(username: str) -> User | None:
    """Return the user of this name."""
    return User.objects.filter(username=username).first()
