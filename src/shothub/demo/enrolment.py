"""Users, tokens and the apparatus of the demo, made at its hub."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from shothub.server.accounts import queries as accounts
from shothub.server.accounts import services
from shothub.server.apparatus import queries as machines
from shothub.server.apparatus.services import create_apparatus

_DAYS = 30


def enrol(
    names: Sequence[str], apparatus: str, *, now: datetime
) -> tuple[str, dict[str, tuple[str, str]]]:
    """Make what is missing; return the agent's token and each user's password and token.

    Passwords are made anew at every start of the demo: only their digests are stored.
    """
    if apparatus not in {machine.name for machine in machines.all_apparatus()}:
        create_apparatus(name=apparatus, now=now)
    members = {name: _member(name, apparatus, now=now) for name in names}
    owner = accounts.user_named("agent") or services.create_user(
        username="agent", password=None, key="agent"
    )
    token = services.mint_token(
        user=owner, now=now, name="demo agent", days=_DAYS, apparatus=apparatus
    )
    return token, members


def _member(name: str, apparatus: str, *, now: datetime) -> tuple[str, str]:
    password = secrets.token_urlsafe(9)
    user = accounts.user_named(name)
    if user is None:
        user = services.create_user(username=name, password=password, key=name)
    else:
        services.set_password(user, password)
    services.grant(user=user, apparatus=apparatus, scripts=True, hdf5=True)
    token = services.mint_token(user=user, now=now, name="demo", days=_DAYS)
    return password, token
