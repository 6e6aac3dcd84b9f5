"""Showing how a job goes on: a bar in terminals, a line in notebooks, text in logs."""

import importlib
import sys
from html import escape
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from shothub.client.displays import has_ended, progress_text, shots_ended
from shothub.wire.jobs import JobView


class Watcher(Protocol):
    """Something that shows a job while it changes."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, job: JobView) -> None:
        """Show the job as it is now."""

    def note(self, said: str) -> None:
        """Show what keeps us from knowing more, e.g. a broken network."""


class Plain:
    """Does nothing on entry and exit."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave all as it is."""


class Silent(Plain):
    """Shows nothing."""

    def show(self, job: JobView) -> None:
        """Show nothing."""

    def note(self, said: str) -> None:
        """Show nothing."""


class Lines(Plain):
    """Writes one line for each change of state, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = ""

    def show(self, job: JobView) -> None:
        text = progress_text(job) if has_ended(job) else str(job.state)
        if job.notice:
            text += f", {job.notice}"
        self._say(f"job {job.id}: {text}")

    def note(self, said: str) -> None:
        self._say(said)

    def _say(self, line: str) -> None:
        if line != self._last:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._last = line


class Bar:
    """A bar that fills as shots end."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.fields[job]}", markup=False),
            BarColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._progress.add_task("…", total=None, job="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, job: JobView) -> None:
        total, ended = float(job.shots or 0), float(shots_ended(job))
        if has_ended(job):
            total = ended = max(ended, 1.0)
        elif total:
            # A full bar would stop the clock while the analysis still runs.
            ended = min(ended, total - 0.01)
        self._progress.update(
            self._task,
            job=job.id,
            description=progress_text(job),
            total=total or None,
            completed=ended,
        )

    def note(self, said: str) -> None:
        self._progress.update(self._task, description=said)


class Notebook(Plain):
    """One output of a notebook cell, replaced at each change."""

    def __init__(self, display: Any) -> None:
        self._display = display
        self._handle: Any = None

    def show(self, job: JobView) -> None:
        share = 1.0 if has_ended(job) else shots_ended(job) / (job.shots or 1)
        self._put(
            f"<code>{escape(job.id)}</code> "
            f"<progress value='{share:.3f}' max='1'></progress> "
            f"{escape(progress_text(job))}"
        )

    def note(self, said: str) -> None:
        self._put(escape(said))

    def _put(self, markup: str) -> None:
        html = self._display.HTML(markup)
        if self._handle is None:
            self._handle = self._display.display(html, display_id=True)
        else:
            self._handle.update(html)


def watcher(*, progress: bool) -> Watcher:
    """Return what fits the place where this program runs."""
    if not progress:
        return Silent()
    if in_notebook():
        return Notebook(importlib.import_module("IPython.display"))
    console = Console(stderr=True)
    return Bar(console) if console.is_terminal else Lines(console)


def in_notebook() -> bool:
    """Tell whether a Jupyter kernel runs this program."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None
