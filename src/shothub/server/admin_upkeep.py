"""``shothub admin audit``, ``backup`` and ``restore``."""

# Django's tables can be imported only after the hub's configuration was read.
# ruff: noqa: PLC0415

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shothub.runtime import clock
from shothub.server import archives, config, main
from shothub.server.admin_start import Data, fail, prepare

if TYPE_CHECKING:
    from shothub.server.backups import Restored

_SHOWN = 50


def add_upkeep(admin_app: typer.Typer) -> None:
    """Add the commands."""
    for name, command, example in (
        ("audit", audit, "shothub admin audit --what token --who alice"),
        ("backup", backup, "shothub admin backup /backups/hub-2026-11-23.tar"),
        ("restore", restore, "shothub admin restore hub.tar --data /srv/shothub"),
    ):
        admin_app.command(name, epilog=f"Example: {example}")(command)


def audit(  # noqa: PLR0913 (one option for each filter)
    what: Annotated[
        str, typer.Option(help="An act, e.g. token.created, or token for all of them.")
    ] = "",
    who: Annotated[
        str, typer.Option(help="Who did it, or whose account it concerns.")
    ] = "",
    on: Annotated[str, typer.Option(help="A part of what it was done to.")] = "",
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From this day, UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="To this day, UTC.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="Show at most so many.", show_default=True)
    ] = _SHOWN,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print all that fits as a table.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all that fits, one JSON line each.")
    ] = False,
    data: Data = None,
) -> None:
    """Show the record of acts that touch security, newest first."""
    prepare(data)
    from shothub.server.audit.queries import Viewer, Wanted, all_recorded, recorded
    from shothub.server.web import acts

    wanted = Wanted(
        what=what,
        who=who,
        on=on,
        since=since and since.replace(tzinfo=UTC),
        until=until and until.replace(tzinfo=UTC) + timedelta(days=1),
    )
    everything = Viewer(staff=True)
    if as_csv or as_json:
        write = acts.as_csv if as_csv else acts.as_json
        for line in write(all_recorded(everything, wanted)):
            typer.echo(line, nl=False)
        return
    for act in recorded(everything, wanted, limit=limit):
        who_did = f"{act.actor or '-'} ({act.by})"
        concerning = f" account {act.subject}" if act.subject else ""
        said = acts.detail_of(act)
        typer.echo(
            f"{act.at:%Y-%m-%d %H:%M:%S}  {act.what:<28} {who_did:<28}"
            f" {act.address:<15}{concerning} {act.on}{f'  [{said}]' if said else ''}"
        )


def backup(
    file: Annotated[Path, typer.Argument(help="Where to; it must not exist yet.")],
    files: Annotated[
        bool, typer.Option("--files/--no-files", help="With the files of results.")
    ] = True,
    data: Data = None,
) -> None:
    """Back up the hub into one file; the hub may be running.

    It holds rows, secrets and files: keep it as safe as the hub itself. Without the
    files it is small; back the folder `files` up by other means then.
    """
    prepare(data)
    from shothub.server import backups

    try:
        taken = backups.take(file, now=clock.now(), with_files=files)
    except (backups.Exists, backups.Damaged) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{file}: {error.strerror or error}.")
    typer.echo(f"{file}: {taken.size} bytes, {taken.files} files of results")
    if taken.lost:
        typer.echo(
            f"{taken.lost} files are missing in the hub's own folder: they are not in it.",
            err=True,
        )
    if not taken.has_secrets:
        typer.echo(
            "The hub's secrets are configured elsewhere and are not in it: keep"
            " SHOTHUB_SECRET_KEY and SHOTHUB_TOKEN_PEPPERS too.",
            err=True,
        )


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    revoke_tokens: Annotated[
        bool,
        typer.Option(
            "--revoke-tokens",
            help="Revoke every token, agents' too, and every link to a job.",
        ),
    ] = False,
    data: Data = None,
) -> None:
    """Restore a backup into an empty data folder, and an empty database.

    Every apparatus is held afterwards, as shots that ran since the backup may wait in
    the queue again; everybody logs in anew.
    """
    try:
        folder, into_sqlite = _goal(data)
        with archives.opened(file) as archive:
            unpacked = archives.unpacked(archive, folder, into_sqlite=into_sqlite)
            with unpacked as rows:
                done = _bring_back(archive, folder, rows, revoke_tokens=revoke_tokens)
    except (archives.BadArchive, archives.NotEmpty, config.BadConfig) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or folder}: {error.strerror or error}.")
    typer.echo(f"Restored as of {done.made}, with {done.files} files of results.")
    if done.lost:
        typer.echo(
            f"{done.lost} files are missing: copy them into {folder / archives.FILES}.",
            err=True,
        )
    if not revoke_tokens:
        typer.echo(
            "Tokens and links revoked and users suspended since then are good again:"
            " revoke and suspend them now."
        )
    typer.echo("Every apparatus is held: look through its queue, then lift the hold.")


def _goal(data: Path | None) -> tuple[Path, bool]:
    """Return the data folder, and whether the rows are kept in it."""
    if data is not None or not config.is_configured():
        config.configure(data or main.default_data())
    known = config.read()
    return known.data, not known.on_postgresql


def _bring_back(
    archive: archives.Archive, folder: Path, rows: Path, *, revoke_tokens: bool
) -> "Restored":
    # The hub's secrets are where it looks for them only now.
    main.prepare(folder)
    from shothub.server import backups, moving

    try:
        moving.require_no_hub()  # before anything changes there
        prepare(folder)
        return backups.bring_back(
            archive, rows, now=clock.now(), revoke_tokens=revoke_tokens
        )
    except (backups.WrongSecrets, moving.NotEmpty, moving.Incomplete) as error:
        fail(str(error))
