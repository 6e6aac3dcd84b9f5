"""``shothub admin agent …`` and ``revoke``: enrolling agents, and ending anybody's token."""

# ruff: noqa: PLC0415

import json
from typing import TYPE_CHECKING, Annotated

import typer

from shothub.runtime import clock
from shothub.server.admin_start import Data, Json, fail, prepare

if TYPE_CHECKING:
    from shothub.wire.accounts import TokenView

agent_app = typer.Typer(help="Agents of apparatus.", no_args_is_help=True)


def add_agents(admin_app: typer.Typer) -> None:
    """Add the commands to those of the admin."""
    admin_app.add_typer(agent_app, name="agent")
    admin_app.command("revoke", epilog="Example: shothub admin revoke k3vq7mz2ab")(
        revoke
    )


@agent_app.command("code", epilog="Example: shothub admin agent code bec1")
def code(
    apparatus: str,
    minutes: Annotated[float, typer.Option(help="How long it is good.")] = 10.0,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Make a code by which the agent of an apparatus enrols, once.

    Give it to `shothub agent --enrol CODE` at the machine. The agent's token never leaves
    the machine then, and the agent rotates it by itself.
    """
    prepare(data)
    from shothub.server.apparatus.credentials import agent_code_of_the_hub
    from shothub.server.refusals import Refused

    try:
        made = agent_code_of_the_hub(apparatus, minutes=minutes, now=clock.now())
    except Refused as error:
        fail(str(error))
    if as_json:
        typer.echo(made.model_dump_json())
        return
    typer.echo(made.code)
    typer.echo(f"good once, until {made.expires:%H:%M} UTC", err=True)


@agent_app.command("list", epilog="Example: shothub admin agent list --json")
def list_(
    apparatus: Annotated[str, typer.Argument()] = "",
    as_json: Json = False,
    data: Data = None,
) -> None:
    """List the agents' tokens: when each was made, used, from where, and its end."""
    prepare(data)
    from shothub.server.accounts.agents import agents_tokens

    found = agents_tokens(apparatus)
    if as_json:
        typer.echo(json.dumps([token.model_dump(mode="json") for token in found]))
        return
    for token in found:
        typer.echo(_line(token))


def _line(token: "TokenView") -> str:
    used = f"{token.last_used:%Y-%m-%d %H:%M}" if token.last_used else "never used"
    end = "revoked" if token.revoked else f"until {token.expires:%Y-%m-%d %H:%M}"
    [apparatus] = token.apparatus
    return f"{token.id}  {apparatus:<20} {end:<22} {used} {token.last_address}".rstrip()


def revoke(
    ident: Annotated[str, typer.Argument(help="Id of the token.", metavar="ID")],
    data: Data = None,
) -> None:
    """End anybody's token at once, with all that were made with it or rotated from it."""
    prepare(data)
    from shothub.server.accounts.agents import revoke_any
    from shothub.server.refusals import Refused

    try:
        ended = revoke_any(ident, now=clock.now())
    except Refused as error:
        fail(str(error))
    typer.echo(f"{ended.id} ({ended.name}) is revoked")
