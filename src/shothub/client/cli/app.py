"""All commands of users, with examples, as one typer application."""

from collections.abc import Callable

import typer

from shothub.client.cli import (
    accounts,
    apparatus,
    control,
    jobs,
    notices,
    privacy,
    reservations,
    results,
    sharing,
    submit,
    tokens,
)
from shothub.client.cli.exits import EXIT_CODES

Examples = tuple[str, ...]
Entry = tuple[str, Callable[..., None], Examples]

_COMMANDS: tuple[Entry, ...] = (
    (
        "login",
        accounts.login,
        (
            "shothub login --url https://hub.example.org",
            "shothub login --url https://hub.example.org --only-on sim --days 7",
        ),
    ),
    ("logout", accounts.logout, ("shothub logout",)),
    ("whoami", accounts.whoami, ("shothub whoami --json",)),
    (
        "submit",
        submit.submit,
        (
            "shothub submit sim bec_tof -g tof=linspace:0.005:0.025:11 --wait",
            "shothub submit sim my_experiment.py --globals my_globals.h5 --routine my_fit.py",
        ),
    ),
    ("jobs", jobs.jobs, ("shothub jobs --state running", "shothub jobs --tag demo")),
    ("show", jobs.show, ("shothub show JOB",)),
    ("wait", jobs.wait, ("shothub wait JOB --timeout 600",)),
    ("watch", jobs.watch, ("shothub watch JOB", "shothub watch JOB --events")),
    (
        "results",
        results.results,
        ("shothub results last", "shothub results JOB --csv scan.csv"),
    ),
    (
        "images",
        results.images,
        ("shothub images JOB absorption", "shothub images JOB --png --save pictures"),
    ),
    ("logs", results.logs, ("shothub logs JOB",)),
    (
        "files",
        results.files,
        ("shothub files JOB", "shothub files JOB --download results --kind figure"),
    ),
    ("events", jobs.events, ("shothub events JOB",)),
    ("cancel", jobs.cancel, ("shothub cancel JOB",)),
    ("feed", notices.feed, ("shothub feed --follow", "shothub feed -a sim --json")),
    ("hold", control.hold, ("shothub hold JOB",)),
    ("release", control.release, ("shothub release JOB",)),
    ("keep", control.keep, ("shothub keep JOB", "shothub keep JOB --no")),
    (
        "share",
        sharing.share,
        ("shothub share JOB --group atoms", "shothub share JOB --days 30"),
    ),
    ("shares", sharing.shares, ("shothub shares JOB",)),
    ("unshare", sharing.unshare, ("shothub unshare JOB 7",)),
    ("groups", sharing.groups, ("shothub groups",)),
    ("unknown", control.unknown, ("shothub unknown JOB",)),
    (
        "decide",
        control.decide,
        ("shothub decide JOB 3 rerun", "shothub decide last 0 give-up"),
    ),
)
_APPARATUS: tuple[Entry, ...] = (
    ("list", apparatus.list_, ("shothub apparatus list",)),
    ("show", apparatus.show, ("shothub apparatus show sim --procedures",)),
    ("pause", control.pause, ("shothub apparatus pause sim -m 'laser unlocked'",)),
    ("drain", control.drain, ("shothub apparatus drain sim -m 'new coils at 14:00'",)),
    ("resume", control.resume, ("shothub apparatus resume sim",)),
    ("lift", control.lift, ("shothub apparatus lift sim",)),
)
_ME: tuple[Entry, ...] = (
    ("export", privacy.export, ("shothub me export everything.json",)),
)
_TOKENS: tuple[Entry, ...] = (
    (
        "create",
        tokens.create,
        (
            "shothub token create laptop --scope jobs:read --scope results:read",
            "shothub token create robot --scope jobs:submit --only-on sim --days 7",
        ),
    ),
    ("list", tokens.list_, ("shothub token list",)),
    ("revoke", tokens.revoke, ("shothub token revoke ID",)),
)
_RESERVATIONS: tuple[Entry, ...] = (
    (
        "list",
        reservations.list_,
        ("shothub reservations list sim", "shothub reservations list --from 08:00"),
    ),
    (
        "book",
        reservations.book,
        (
            "shothub reservations book sim '2026-12-24 14:00' --hours 2 --title 'Rabi'",
            "shothub reservations book sim now --hours 1 --group rydberg",
            "shothub reservations book sim 09:00 --hours 3 --maintenance",
        ),
    ),
    (
        "change",
        reservations.change,
        ("shothub reservations change 7 --end 16:30",),
    ),
    ("cancel", reservations.cancel, ("shothub reservations cancel 7",)),
)
_SESSIONS: tuple[Entry, ...] = (
    ("list", reservations.sessions, ("shothub sessions list --json",)),
    ("end", reservations.end_session, ("shothub sessions end ID",)),
)
_WEBHOOKS: tuple[Entry, ...] = (
    ("list", notices.webhooks, ("shothub webhooks list",)),
    (
        "create",
        notices.create,
        (
            "shothub webhooks create https://example.org/hook",
            "shothub webhooks create https://example.org/hook --event done --event failed",
        ),
    ),
    ("test", notices.try_, ("shothub webhooks test 3",)),
    ("deliveries", notices.deliveries, ("shothub webhooks deliveries 3",)),
    ("resume", notices.resume, ("shothub webhooks resume 3",)),
    ("delete", notices.delete, ("shothub webhooks delete 3",)),
)
_NOTIFICATIONS: tuple[Entry, ...] = (
    ("show", notices.show, ("shothub notifications show",)),
    (
        "set",
        notices.choose,
        ("shothub notifications set done failed unknown", "shothub notifications set"),
    ),
)


def add(app: typer.Typer, entries: tuple[Entry, ...]) -> None:
    """Add commands to ``app``, each with its examples."""
    for name, function, examples in entries:
        said = reflowed(function.__doc__ or "")
        app.command(name, help=said, epilog=epilog(examples))(function)


def reflowed(said: str) -> str:
    """Return text with its paragraphs in one line each, to be wrapped by the terminal."""
    return "\n\n".join(" ".join(part.split()) for part in said.split("\n\n"))


def epilog(examples: Examples) -> str:
    """Return what stands below the help of a command."""
    return "\n\n".join(["Examples:", *examples, EXIT_CODES])


def build() -> tuple[typer.Typer, typer.Typer]:
    """Return all commands of users, and among them those below ``apparatus``."""
    app = typer.Typer(
        name="shothub",
        epilog=EXIT_CODES,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    machines = group("Apparatus, and folders that describe one.", _APPARATUS)
    add(app, _COMMANDS)
    app.add_typer(machines, name="apparatus")
    app.add_typer(group("Make, list and revoke tokens.", _TOKENS), name="token")
    app.add_typer(group("What the hub stores about you.", _ME), name="me")
    booked = group("Book time on an apparatus.", _RESERVATIONS)
    app.add_typer(booked, name="reservations")
    turns = group("Turns of your own for closed loops (made in Python).", _SESSIONS)
    app.add_typer(turns, name="sessions")
    hooks = group("Have the hub tell your own programs of your jobs.", _WEBHOOKS)
    app.add_typer(hooks, name="webhooks")
    mails = group("Choose of what you are sent an e-mail.", _NOTIFICATIONS)
    app.add_typer(mails, name="notifications")
    return app, machines


def group(said: str, entries: tuple[Entry, ...]) -> typer.Typer:
    """Return an application of commands below one word."""
    app = typer.Typer(help=said, no_args_is_help=True)
    add(app, entries)
    return app
