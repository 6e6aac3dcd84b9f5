"""`shothub demo`: everything on this machine, to look around in or as a tour."""

import signal
import tempfile
import webbrowser
from pathlib import Path
from shutil import rmtree

from platformdirs import user_data_path
from rich.console import Console

from shothub.agent.prepare import NotReady as NotPrepared
from shothub.client.errors import Refused, ShothubError
from shothub.demo.needs import what_lacks
from shothub.demo.processes import ProgramEnded
from shothub.demo.stage import HOST, NotReady, Stage
from shothub.demo.tour import run_tour
from shothub.runtime import clock
from shothub.sandbox.host import probe
from shothub.sim.lab_files import make_lab
from shothub.suite.blacs import BlacsFailed

_CHECK_EVERY = 1.0
_FAILURES = (ProgramEnded, NotReady, NotPrepared, BlacsFailed, ShothubError)


def run(
    *,
    once: bool = False,
    folder: Path | None = None,
    port: int = 0,
    browser: bool = True,
    console: Console | None = None,
) -> int:
    """Run the demo and return the exit code: 0 if all went well.

    Args:
        once: run the tour as two users, print the results, and end.
        folder: where everything lives; for the tour a new one that is removed if all
            went well, else one in the user's data folder that is used again.
        port: of the hub; 0 for a free one.
        browser: open the hub's address in a browser.
        console: where to print.

    Raises:
        Refused: this machine lacks something; nothing was started.
    """
    console = console or Console()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    place = folder or (
        Path(tempfile.mkdtemp(prefix="shothub-demo-"))
        if once
        else user_data_path("shothub") / "demo"
    )
    if lacks := list(what_lacks(place, HOST, port, probe().missing)):
        raise Refused(*lacks)
    console.print(f"Everything of this demo lives in [bold]{place}[/bold]")
    try:
        with Stage(place, make_lab, port=port, say=console.print) as stage:
            code = (
                _tour(stage, console)
                if once
                else _look_around(stage, console, browser=browser)
            )
    except _FAILURES as error:
        console.print(f"[red]The demo failed:[/red] {error}", highlight=False)
        console.print(f"Logs: {place / 'logs'}")
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 0
    if once and folder is None and code == 0:
        rmtree(place)
    return code


def _tour(stage: Stage, console: Console) -> int:
    console.rule("Alice scans a procedure, Bob runs a script of his own")
    faults = run_tour(stage, console)
    for fault in faults:
        console.print(f"[red]wrong:[/red] {fault}", highlight=False)
    if not faults:
        console.print(
            "[green]All as it should be:[/green] atom numbers fit the physics, shots lie"
            " in their owners' folders, neither sees the other's job."
        )
    return 1 if faults else 0


def _look_around(stage: Stage, console: Console, *, browser: bool) -> int:
    _seed(stage)
    _show_card(stage, console)
    if browser:
        webbrowser.open(stage.url)
    while True:
        stage.check()
        stage.keep_blacs()
        clock.pause(_CHECK_EVERY)


def _seed(stage: Stage) -> None:
    """Submit the example jobs of some procedures, so that there is something to see."""
    users = [
        member.hub().apparatus(stage.apparatus) for member in stage.members.values()
    ]
    for number, name in enumerate(("bec_tof", "rabi", "evaporation", "lifetime")):
        apparatus = users[number % len(users)]
        procedure = apparatus.describe(name)
        apparatus.run(
            procedure=name,
            globals=procedure.example,
            name=procedure.title.rstrip("."),
            tags=["demo"],
        )


def _show_card(stage: Stage, console: Console) -> None:
    """Print address, passwords and log-in lines; unwrapped, so that they can be copied."""
    console.rule("shothub demo")
    console.print(f"The hub: [bold]{stage.url}[/bold]\n")
    for member in stage.members.values():
        console.print(f"[bold]{member.name}[/bold]   password: {member.password}")
        console.print(
            f"shothub login --url {member.url} --token {member.token}\n",
            soft_wrap=True,
            highlight=False,
        )
    console.print("Ctrl-C stops everything; the next `shothub demo` goes on from here.")
