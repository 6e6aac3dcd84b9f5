"""The ``shothub`` command: users' commands, and the programs, loaded when they are used."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from shothub import __version__
from shothub.client.cli import app as users
from shothub.client.cli import output
from shothub.client.cli.exits import guarded, missing_part
from shothub.client.cli.session import Json, Session
from shothub.client.errors import Refused
from shothub.domain.faults import Fault

ApparatusFolder = Annotated[
    Path,
    typer.Option("--apparatus", help="Folder that describes the apparatus."),
]
_REST = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}


def load(module: str, *, program: str, extra: str) -> Any:
    """Import a module of a program.

    Raises:
        MissingPart: something that its extra would bring is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or "a module"
        if missing.partition(".")[0] == "shothub":
            raise
        raise missing_part(program, extra, missing) from error


def server(
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of database and files; else as configured.",
            envvar="SHOTHUB_DATA",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0)] = 8000,
    migrate: Annotated[
        bool, typer.Option(help="Bring the database up to date first.")
    ] = True,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Only say what is wrong or unsafe, and how to mend it."
        ),
    ] = False,
) -> None:
    """Run the hub: the server that users and agents talk to."""
    program = load("shothub.server.main", program="server", extra="server")
    code = program.serve(
        data=data, host=host, port=port, apply_migrations=migrate, only_check=check
    )
    raise typer.Exit(code)


def agent(
    apparatus: ApparatusFolder,
    hub: Annotated[str, typer.Option(help="Address of the hub.", envvar="SHOTHUB_URL")],
    token: Annotated[
        str | None,
        typer.Option(
            help="The agent's token, which then is not rotated.",
            envvar="SHOTHUB_AGENT_TOKEN",
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="File that holds it, and every one that it is rotated into.",
            envvar="SHOTHUB_AGENT_TOKEN_FILE",
            show_default="agent.token in the apparatus's state folder",
        ),
    ] = None,
    enrol: Annotated[
        str | None,
        typer.Option(
            help="A code of the lab, used up for a first token.", metavar="CODE"
        ),
    ] = None,
) -> None:
    """Run the agent at an apparatus; it dials out to the hub and never listens.

    The first time it enrols with a code that the lab makes (`shothub admin agent code`);
    afterwards it keeps its token in a file and rotates it by itself.
    """
    if token is not None and (token_file is not None or enrol is not None):
        raise typer.BadParameter("--token goes with neither --token-file nor --enrol")
    if token_file is not None and enrol is None:
        _content(token_file, "--token-file")  # said before anything is started
    program = load("shothub.agent.main", program="agent", extra="agent")
    access = program.Access(token=token or "", file=token_file, code=enrol or "")
    program.run(apparatus, hub, access)


def blacs(
    apparatus: ApparatusFolder,
    offscreen: Annotated[
        bool, typer.Option("--offscreen", help="Without a display.")
    ] = False,
    install: Annotated[
        bool,
        typer.Option("--install", help="Put the plugin into the lab's own BLACS."),
    ] = False,
    uninstall: Annotated[
        bool, typer.Option("--uninstall", help="Take it out again.")
    ] = False,
) -> None:
    """Run the stock BLACS with shothub's plugin; its installation is not touched.

    With --install nothing is run: the lab's own BLACS loads the plugin when it next starts,
    however it is started. For that the apparatus must name the lab's profile.
    """
    if install and uninstall:
        raise typer.BadParameter("give either --install or --uninstall")
    prepare = load("shothub.agent.prepare", program="blacs", extra="agent")
    profile = load("shothub.suite.profile", program="blacs", extra="agent")
    try:
        folder = prepare.prepare(apparatus).folder
    except prepare.NotReady as error:
        raise Refused(*error.faults) from error
    environment = profile.suite_environment(folder.profile, offscreen=offscreen)
    if (install or uninstall) and not folder.config.labscript.profile:
        raise Refused(_no_profile_of_the_lab(apparatus))
    chosen = {
        "--offscreen": offscreen,
        "--install": install,
        "--uninstall": uninstall,
    }
    options = [name for name, wanted in chosen.items() if wanted]
    _become(
        ["shothub.suite.launcher", "--state", str(folder.state), *options], environment
    )


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Run the tour as two users, then end.")
    ] = False,
    port: Annotated[int, typer.Option(help="Port of the hub; 0 takes a free one.")] = 0,
    folder: Annotated[
        Path | None, typer.Option(help="Where all of it is stored.")
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open a browser.")
    ] = False,
) -> None:
    """Run everything on this machine, with a simulated apparatus."""
    for needed in ("django", "blacs", "scipy"):  # Its children would miss them later.
        if find_spec(needed) is None:
            raise missing_part("demo", "demo", needed)
    program = load("shothub.demo.main", program="demo", extra="demo")
    code = program.run(once=once, port=port, folder=folder, browser=not no_browser)
    raise typer.Exit(code)


def admin(context: typer.Context) -> None:
    """Manage users, groups, apparatus and tokens on the hub's own machine."""
    program = load("shothub.server.admin_cli", program="admin", extra="server")
    program.admin_app(args=context.args or ["--help"], prog_name="shothub admin")


def sandbox(as_json: Json = False) -> None:
    """Tell which layers of protection this machine has for users' code."""
    layers = load("shothub.sandbox.layers", program="sandbox", extra="agent").probe()
    if as_json:
        output.document(layers)
    else:
        output.pairs(
            (name.replace("_", " "), value if value != () else None)
            for name, value in vars(layers).items()
            if not isinstance(value, tuple)
        )
        _say("missing", layers.missing)
        _say("weaker without", layers.weaker)
    raise typer.Exit(0 if layers.sufficient else 1)


def init(
    folder: Annotated[Path, typer.Argument(help="A new folder.", metavar="DIR")],
    source: Annotated[
        Path,
        typer.Option("--from", help="A labscript profile: its labscript-suite folder."),
    ] = Path("~/labscript-suite"),
    as_json: Json = False,
) -> None:
    """Make a folder that describes an apparatus from an existing labscript profile."""
    maker = load("shothub.agent.init_folder", program="apparatus init", extra="agent")
    made = maker.init_folder(folder, source.expanduser())
    if isinstance(made, list):
        raise Refused(*made)
    if as_json:
        output.document(made)
        return
    output.text(f"{made.folder}: apparatus {made.name}")
    for name in made.files:
        output.text(f"  {name}")
    output.note(f"next: shothub apparatus check {made.folder}")


def check(
    folder: Annotated[
        Path, typer.Argument(help="Folder that describes it.", metavar="DIR")
    ],
    as_json: Json = False,
) -> None:
    """Tell what is wrong with a folder that describes an apparatus."""
    checker = load("shothub.agent.check", program="apparatus check", extra="agent")
    faults: list[Fault] = checker.check_folder(folder)
    wrong = [fault for fault in faults if not checker.is_warning(fault)]
    if as_json:
        output.document({"faults": faults, "ok": not wrong})
    else:
        output.faults(wrong)
        output.faults([f for f in faults if f not in wrong], warning=True)
        output.note("the folder can not be used" if wrong else "the folder can be used")
    raise typer.Exit(1 if wrong else 0)


def version(
    wanted: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", is_eager=True),
    ] = False,
) -> None:
    """Many users, one experiment: submit jobs, wait for them, get their results."""
    if wanted:
        output.text(__version__)
        raise typer.Exit


def build() -> typer.Typer:
    """Return the whole command."""
    app, machines = users.build()
    app.callback()(version)
    users.add(
        machines,
        (
            ("init", init, ("shothub apparatus init ~/apparatus",)),
            ("check", check, ("shothub apparatus check ~/apparatus",)),
        ),
    )
    for name, program, examples in _PROGRAMS:
        settings = _REST if name == "admin" else {}
        app.command(
            name,
            epilog=users.epilog(examples),
            rich_help_panel="Programs",
            context_settings=settings,
        )(program)
    return app


_PROGRAMS: tuple[tuple[str, Callable[..., None], tuple[str, ...]], ...] = (
    ("server", server, ("shothub server --data /srv/shothub --port 8000",)),
    (
        "agent",
        agent,
        (
            "shothub agent --apparatus ~/apparatus --hub https://hub.example.org "
            "--enrol CODE",
            "shothub agent --apparatus ~/apparatus --hub https://hub.example.org",
        ),
    ),
    (
        "blacs",
        blacs,
        (
            "shothub blacs --apparatus ~/apparatus",
            "shothub blacs --apparatus ~/apparatus --install",
        ),
    ),
    ("demo", demo, ("shothub demo", "shothub demo --once")),
    ("admin", admin, ("shothub admin user create alice",)),
    ("sandbox", sandbox, ("shothub sandbox --json",)),
)


def main() -> None:
    """Run the command and end this process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str], session: Session | None = None) -> int:
    """Run the command with these arguments and return its exit code."""
    app, stands_on = build(), session or Session()

    def command() -> None:
        app(list(arguments), prog_name="shothub", obj=stands_on)

    return guarded(command, as_json="--json" in arguments)


def _become(module: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Replace this process, so that signals and the exit code are the program's own."""
    command = [sys.executable, "-m", *module]
    if os.name == "posix":
        os.execve(sys.executable, command, environment)  # noqa: S606 (our own launcher)
    # Windows has no such call that the caller's shell would wait for.
    ended = subprocess.run(command, env=environment, check=False)  # noqa: S603
    raise typer.Exit(ended.returncode)


def _no_profile_of_the_lab(apparatus: Path) -> Fault:
    return Fault(
        code="no_lab_profile",
        detail="Only a BLACS in the lab's own profile can have the plugin installed.",
        where=str(apparatus / "apparatus.toml"),
        hint="set profile in [labscript], or leave the option out: `shothub blacs` needs "
        "no installation",
    )


def _say(head: str, lines: Iterable[str]) -> None:
    for line in lines:
        output.text(f"{head}: {line}")


def _content(file: Path, where: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        detail = f"{file} cannot be read: {error.strerror}."
        raise Refused(Fault(code="no_file", detail=detail, where=where)) from error
