import io
from typing import Any

from rich.console import Console
from tests.fakes.client_hub import job_view

from shothub.client.progress import Bar, Notebook, Silent, watcher

RUNNING = job_view(state="running", shots=4, shots_done=1, shots_failed=1)
DONE = job_view(state="done", shots=4, shots_done=3, shots_failed=1)


def terminal() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, force_terminal=True, width=120), out


def test_a_terminal_shows_a_bar_with_the_position() -> None:
    console, out = terminal()
    with Bar(console) as bar:
        bar.show(job_view(state="queued", shots=4, shots_ahead=12))
        assert "12 shots ahead" in render(bar)
        bar.show(RUNNING)
        assert "1 of 4 shots done, 1 failed" in render(bar)
        bar.note("no answer")
        assert "no answer" in render(bar)
        bar.show(DONE)
    assert "done, 3 of 4 shots done, 1 failed" in out.getvalue()


def render(bar: Bar) -> str:
    console = Console(file=io.StringIO(), width=120)
    with console.capture() as captured:
        console.print(bar._progress.get_renderable())
    return captured.get()


def test_a_job_that_failed_before_it_had_shots_ends_the_bar() -> None:
    console, out = terminal()
    with Bar(console) as bar:
        bar.show(job_view(state="compiling"))
        bar.show(job_view(state="failed"))
    assert "failed" in out.getvalue()


class Handle:
    def __init__(self, shown: list[str]) -> None:
        self.shown = shown

    def update(self, html: str) -> None:
        self.shown.append(html)


class Display:
    def __init__(self) -> None:
        self.shown: list[str] = []

    def HTML(self, markup: str) -> str:  # noqa: N802 (IPython's name)
        return markup

    def display(self, html: str, **_options: Any) -> Handle:
        self.shown.append(f"first: {html}")
        return Handle(self.shown)


def test_a_notebook_cell_is_updated_in_place() -> None:
    display = Display()
    with Notebook(display) as shown:
        shown.show(RUNNING)
        shown.note("<no answer>")
        shown.show(DONE)
    first, note, last = display.shown
    assert first.startswith("first: ")
    assert "value='0.500'" in first
    assert note == "&lt;no answer&gt;"
    assert "value='1.000'" in last


def test_nothing_is_shown_on_request() -> None:
    assert isinstance(watcher(progress=False), Silent)


def test_the_clock_goes_on_while_the_last_results_are_analysed() -> None:
    console, _ = terminal()
    with Bar(console) as bar:
        bar.show(job_view(state="analysing", shots=4, shots_done=4))
        assert not bar._progress.finished
        bar.show(DONE)
        assert bar._progress.finished
