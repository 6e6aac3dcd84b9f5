"""Tokens and codes that name apparatus: made only for such as there are."""

from collections.abc import Collection
from datetime import datetime

from shothub.server.accounts import agents, devices, services
from shothub.server.accounts.grant_services import require_admin
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.proofs import require_person
from shothub.server.apparatus.queries import (
    apparatus_for,
    apparatus_named,
    known_apparatus,
)
from shothub.server.refusals import Invalid, NotThere
from shothub.wire.accounts import (
    DeviceRequest,
    DeviceStarted,
    EnrolmentCode,
    NewToken,
    TokenRequest,
    TokenView,
)


def mint_by(principal: Principal, asked: TokenRequest, *, now: datetime) -> NewToken:
    """Make a token that does not exceed the credential that asks for it.

    Raises:
        Forbidden: it would exceed it.
        Invalid: an apparatus or a scope is unknown, its life makes no sense, or there are
            too many.
    """
    require_known(asked.apparatus)
    return services.mint_by(
        principal,
        name=asked.name,
        scopes=asked.scopes,
        days=asked.days,
        only_on=asked.apparatus,
        now=now,
    )


def ask_to_log_in(
    asked: DeviceRequest, *, page: str, address: str, now: datetime
) -> DeviceStarted:
    """Let a program wait for its user to let it in at the browser.

    Raises:
        Invalid: an apparatus or a scope is unknown.
        TooMany: very many wait already.
    """
    require_known(asked.apparatus)
    return devices.ask(asked, page=page, address=address, now=now)


def agent_code(principal: Principal, apparatus: str, *, now: datetime) -> EnrolmentCode:
    """Make a code that enrols the agent of an apparatus once.

    Raises:
        Forbidden: he who asks does not administer it, or a token asks, which would get
            more than it has; or he proved long ago who he is.
        NoSuchApparatus: there is none of this name.
    """
    name = apparatus_for(principal, apparatus).name
    require_admin(principal, name)
    require_person(principal, now)
    return agents.make_code(name, by=principal.user, now=now)


def agents_tokens(principal: Principal, apparatus: str) -> list[TokenView]:
    """Return the tokens of the agents of an apparatus, newest first, for its admins.

    Raises:
        Forbidden: he who asks does not administer it.
        NoSuchApparatus: there is none of this name.
    """
    name = apparatus_for(principal, apparatus).name
    require_admin(principal, name)
    return agents.agents_tokens(name)


def revoke_agents_token(
    principal: Principal, apparatus: str, ident: str, *, now: datetime
) -> TokenView:
    """Revoke a token of an agent, with all that it was rotated from or into.

    Raises:
        Forbidden: as for ``agent_code``.
        NotThere: the apparatus has no such token, or there is no such apparatus.
    """
    known = {token.id for token in agents_tokens(principal, apparatus)}
    require_person(principal, now)
    if ident not in known:
        raise NotThere(f"No agent of {apparatus} has such a token.")
    return agents.revoke_any(ident, now=now)


def agent_code_of_the_hub(
    apparatus: str, *, minutes: float, now: datetime
) -> EnrolmentCode:
    """Make such a code by right of whoever runs the hub.

    Raises:
        NoSuchApparatus: there is none of this name.
        Invalid: it would be good for no time, or for too long.
    """
    return agents.make_code(apparatus_named(apparatus).name, minutes=minutes, now=now)


def require_known(names: Collection[str]) -> None:
    """Refuse names that no apparatus has.

    Raises:
        Invalid: one is unknown.
    """
    if unknown := set(names) - set(known_apparatus(names) if names else ()):
        raise Invalid(
            f"There is no apparatus {min(unknown)[:48]!r}.",
            code="unknown_apparatus",
            where="body.apparatus",
            hint="shothub apparatus list",
        )
