"""Sharing jobs, and the groups that one is in."""

from typing import Annotated

import typer

from shothub.client.cli import output
from shothub.client.cli.session import JobId, Json, Profile, hub, job
from shothub.wire.groups import GroupView
from shothub.wire.sharing import JobShareView


def share(
    context: typer.Context,
    ident: JobId,
    group: Annotated[
        str, typer.Option("--group", help="Let the members of this group read it.")
    ] = "",
    days: Annotated[
        float, typer.Option(help="Else: for how many days the link is good.", min=0.01)
    ] = 7.0,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Let others read a job: a group, or whoever has the link, which is shown only once."""
    found = job(context, profile, ident)
    made = found.share(group) if group else found.share_by_link(days=days)
    if as_json:
        output.document(made)
    else:
        output.text(made.link or f"The group {group} reads {found.id}.")


def shares(
    context: typer.Context,
    ident: JobId,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """List who may read a job."""
    _show(job(context, profile, ident).shares(), as_json=as_json)


def unshare(
    context: typer.Context,
    ident: JobId,
    number: Annotated[int, typer.Argument(help="Number of the share.", min=1)],
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Let others read a job no longer."""
    _show(job(context, profile, ident).unshare(number), as_json=as_json)


def _show(found: list[JobShareView], *, as_json: bool) -> None:
    if as_json:
        output.document(found)
        return
    rows = [
        (
            share.id,
            f"group {share.group}" if share.group else "whoever has the link",
            f"{share.expires:%Y-%m-%d %H:%M}" if share.expires else "",
        )
        for share in found
    ]
    output.table(["number", "who may read it", "until (UTC)"], rows)


def groups(
    context: typer.Context, profile: Profile = None, as_json: Json = False
) -> None:
    """List the groups that you are in."""
    found = hub(context, profile).groups()
    if as_json:
        output.document(found)
        return
    rows = [(g.name, g.title, g.members, _part(g)) for g in found]
    output.table(["group", "title", "members", "you"], rows)


def _part(group: GroupView) -> str:
    part = "owner" if group.is_owner else "member" if group.is_member else ""
    return f"{part}, default" if group.is_default else part
