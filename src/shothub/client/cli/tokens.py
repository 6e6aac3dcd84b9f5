"""One's tokens."""

from typing import Annotated

import typer

from shothub.client.cli import output
from shothub.client.cli.session import Json, OnlyOn, Profile, hub
from shothub.domain.tokens import USER_SCOPES


def create(  # noqa: PLR0913 (one option for each property)
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="For people, e.g. laptop.")],
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", help=f"What it may do: {', '.join(sorted(USER_SCOPES))}."
        ),
    ] = None,
    only_on: OnlyOn = None,
    days: Annotated[int, typer.Option(help="How long it is valid.", min=1)] = 90,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Make a token, never with more rights than the present one; shown only once."""
    made = hub(context, profile).tokens.create(
        name, scopes or [], days=days, apparatus=only_on or []
    )
    if as_json:
        output.document(made)
        return
    output.text(made.token)
    output.note(
        f"token {made.id}, valid until {made.expires:%Y-%m-%d}; it is not shown again"
    )


def list_(
    context: typer.Context, profile: Profile = None, as_json: Json = False
) -> None:
    """List your tokens, without their secrets."""
    found = hub(context, profile).tokens.list()
    if as_json:
        output.document(found)
        return
    rows = [
        (
            t.id,
            t.name,
            ", ".join(t.scopes),
            ", ".join(t.apparatus) or "all",
            f"{t.expires:%Y-%m-%d}",
            t.last_used and f"{t.last_used:%Y-%m-%d %H:%M} {t.last_address}".strip(),
            "revoked" if t.revoked else "",
        )
        for t in found
    ]
    output.table(["id", "name", "scopes", "on", "expires", "last used", ""], rows)


def revoke(
    context: typer.Context,
    ident: Annotated[str, typer.Argument(help="Id of the token.", metavar="ID")],
    profile: Profile = None,
) -> None:
    """Make a token invalid at once."""
    hub(context, profile).tokens.revoke(ident)
    output.note(f"token {ident} is revoked")
