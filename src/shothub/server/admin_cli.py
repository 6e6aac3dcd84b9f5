"""``shothub admin …``: users, apparatus, grants and tokens, on the hub's own machine.

Django's tables can be imported only after the hub's configuration was read, so that each
command imports what it calls.
"""

# ruff: noqa: PLC0415

from typing import Annotated

import typer

from shothub.domain.tokens import OPERATOR_SCOPES, USER_SCOPES
from shothub.runtime import clock
from shothub.server.admin_agents import add_agents
from shothub.server.admin_grants import add_grants
from shothub.server.admin_groups import group_app, quota_app
from shothub.server.admin_people import add_people
from shothub.server.admin_start import Data, fail, found, prepare
from shothub.server.admin_upkeep import add_upkeep

admin_app = typer.Typer(
    help="Manage the hub, on its own machine.", no_args_is_help=True
)
user_app = typer.Typer(help="Users.", no_args_is_help=True)
apparatus_app = typer.Typer(help="Apparatus.", no_args_is_help=True)
admin_app.add_typer(user_app, name="user")
admin_app.add_typer(apparatus_app, name="apparatus")

admin_app.add_typer(group_app, name="group")
admin_app.add_typer(quota_app, name="quota")
add_grants(admin_app)
add_people(user_app)
add_upkeep(admin_app)
add_agents(admin_app)


@user_app.command(
    "create",
    epilog="Example: shothub admin user create alice --email alice@example.org",
)
def create(
    username: str,
    key: Annotated[str, typer.Option(help="His permanent short public name.")] = "",
    email: str = "",
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)
    ] = "",
    staff: Annotated[bool, typer.Option(help="May use the admin pages.")] = False,
    data: Data = None,
) -> None:
    """Make a user."""
    prepare(data)
    from shothub.server.accounts.services import create_user
    from shothub.server.refusals import Refused

    try:
        user = create_user(
            username=username,
            password=password,
            key=key or username.lower(),
            email=email,
            staff=staff,
        )
    except Refused as error:
        fail(str(error))
    typer.echo(f"{user.username} with key {user.key}")


@apparatus_app.command("create", epilog="Example: shothub admin apparatus create bec1")
def make_apparatus(name: str, title: str = "", data: Data = None) -> None:
    """Make an apparatus; its agent describes it when it first connects."""
    prepare(data)
    from shothub.server.apparatus.services import create_apparatus
    from shothub.server.refusals import Refused

    try:
        create_apparatus(name=name, title=title, now=clock.now())
    except Refused as error:
        fail(str(error))
    typer.echo(f"apparatus {name}")


@admin_app.command(
    "token",
    epilog=(
        "Examples: shothub admin token alice --days 30 | shothub admin token olga"
        " --operator | shothub admin token robot --agent-of bec1"
    ),
)
def token(  # noqa: PLR0913 (one flag for each property)
    username: str,
    name: Annotated[str, typer.Option(help="What it is for.")] = "made by the admin",
    days: Annotated[float, typer.Option(min=0.01)] = 90.0,
    agent_of: Annotated[
        str, typer.Option(help="Make an agent's token for this apparatus.")
    ] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="What it may do, e.g. jobs:read; repeat for several.",
            show_default="all that users may",
        ),
    ] = None,
    operator: Annotated[
        bool, typer.Option("--operator", help="With the scopes of operators besides.")
    ] = False,
    only_on: Annotated[
        list[str] | None,
        typer.Option(help="The only apparatus it is good for.", metavar="APPARATUS"),
    ] = None,
    data: Data = None,
) -> None:
    """Make a token and print it; it is shown only this once.

    An agent had better enrol by itself: `shothub admin agent code`.
    """
    prepare(data)
    if operator:
        scope = sorted(OPERATOR_SCOPES.union(scope or USER_SCOPES))
    from shothub.server.accounts.queries import user_named
    from shothub.server.accounts.services import mint_token
    from shothub.server.apparatus.credentials import require_known
    from shothub.server.refusals import Refused

    user = found(user_named(username), "user", username)
    try:
        require_known([agent_of] if agent_of else only_on or [])
        raw = mint_token(
            user=user,
            now=clock.now(),
            name=name,
            scopes=scope,
            days=days,
            apparatus=agent_of,
            only_on=only_on or [],
        )
    except Refused as error:
        fail(str(error))
    typer.echo(raw)


@admin_app.command("copy-to")
def copy_to(
    address: Annotated[
        str, typer.Argument(help="postgresql://user@host:port/name, an empty database.")
    ],
    data: Data = None,
) -> None:
    """Copy all rows of the hub into another database; stop the hub before.

    Afterwards start it with SHOTHUB_DATABASE and the same data folder, which keeps the
    files of results and the secrets.

    Example: shothub admin copy-to postgresql://shothub@db.example.org/shothub
    """
    prepare(data)
    from shothub.server import moving
    from shothub.server.databases import BadAddress
    from shothub.server.reachable import BadDatabase

    try:
        copied = moving.copy_to(address)
    except BadAddress as error:
        fail(f"The address is wrong: {error}.")
    except (BadDatabase, moving.NotEmpty, moving.Incomplete) as error:
        fail(str(error))
    typer.echo(f"{sum(copied.values())} rows of {len(copied)} tables are copied.")
    typer.echo("Start the hub with SHOTHUB_DATABASE and the same data folder now.")
