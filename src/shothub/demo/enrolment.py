"""Users, tokens and the apparatus of the demo, made at its hub; a process of its own."""

import argparse
import json
import secrets
import sys
from datetime import datetime
from pathlib import Path

from shothub.runtime import clock
from shothub.server import setup

_DAYS = 30


def main() -> None:
    """Make what is missing; print the agent's token, passwords and tokens as JSON.

    Passwords are made anew at every start of the demo: only their digests are stored.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--apparatus", required=True)
    parser.add_argument("names", nargs="+")
    options = parser.parse_args()
    setup(options.data)
    now = clock.now()
    made = {
        "agent": _agent(options.apparatus, now=now),
        "members": {n: _member(n, options.apparatus, now=now) for n in options.names},
    }
    json.dump(made, sys.stdout)


def _agent(apparatus: str, *, now: datetime) -> str:
    # The hub's tables can be imported only after `setup`.
    from shothub.server.accounts import queries, services  # noqa: PLC0415
    from shothub.server.apparatus.queries import all_apparatus  # noqa: PLC0415
    from shothub.server.apparatus.services import create_apparatus  # noqa: PLC0415

    if apparatus not in {machine.name for machine in all_apparatus()}:
        create_apparatus(name=apparatus, now=now)
    owner = queries.user_named("agent") or services.create_user(
        username="agent", password=None, key="agent"
    )
    return services.mint_token(
        user=owner, now=now, name="demo agent", days=_DAYS, apparatus=apparatus
    )


def _member(name: str, apparatus: str, *, now: datetime) -> tuple[str, str]:
    from shothub.server.accounts import (  # noqa: PLC0415
        grant_services,
        queries,
        services,
    )

    password = secrets.token_urlsafe(9)
    user = queries.user_named(name)
    if user is None:
        user = services.create_user(username=name, password=password, key=name)
    else:
        services.set_password(user, password)
    grant_services.grant(
        user=user, apparatus=apparatus, now=now, scripts=True, hdf5=True
    )
    return password, services.mint_token(user=user, now=now, name="demo", days=_DAYS)


if __name__ == "__main__":
    main()
