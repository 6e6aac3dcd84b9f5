"""The plugin without BLACS: its real door, desk, journal and watchdog on a made-up machine.

A made-up shot takes the time that ``FakeBlacs.duration`` says and obeys ``mood``, in the
words of the moody device: ``fail programming``, ``fail saving``, ``die running``, or
``hang``.
"""

from collections.abc import Callable
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread

from shothub.suite.plugin.decisions import ABORTED_STATUS, SAVING_STATUS
from shothub.suite.plugin.machine import NothingToRun
from shothub.suite.plugin.service import Service
from shothub.suite.plugin.station import Station
from shothub.suite.plugin.watch import Facts, Patience

_POLL = 0.01


class FakeBlacs:
    """A machine that runs shots as the stock queue manager does, without devices.

    Attributes:
        duration: seconds that the shot of this path takes.
        mood: what goes wrong with the next shot.
        finish: called with the path of each good shot before it is completed, e.g. to
            write images into the file.
        ran: paths of all shots whose pseudoclock was started.
    """

    def __init__(
        self,
        *,
        duration: Callable[[str], float] = lambda _: 0.01,
        mood: Callable[[], str] = lambda: "",
        finish: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.duration = duration
        self.mood = mood
        self.finish = finish
        self.ran: list[str] = []
        self._local: Queue[str] = Queue()
        self._paused = False
        self._closing = Event()
        self._abort = Event()
        self._looked = Event()
        self._status = "Idle"
        self._faults: dict[str, str] = {}
        self._dead: frozenset[str] = frozenset()
        self._listener: Station | None = None

    def begin(self, station: Station) -> None:
        """Ask the station for shots from now on."""
        self._listener = station
        Thread(target=self._manage, name="fake BLACS", daemon=True).start()

    def end(self) -> None:
        """Stop as if BLACS's process were gone."""
        self._closing.set()
        self._abort.set()

    def submit(self, path: str) -> str:
        """Put a shot into the queue as the operator does."""
        assert self._listener
        if self._listener.service.is_busy(path):
            return "not added"
        self._local.put(path)
        self._listener.service.stirred()
        return "Experiment added successfully\n"

    # The machine, as the plugin sees it.

    def local_waiting(self) -> bool:
        return not self._local.empty()

    def local_shots(self) -> list[str]:
        return list(self._local.queue)

    def start_anew(self) -> None:
        raise AssertionError("the fake's queue never dies")

    def restarting(self) -> bool:
        return False

    def paused(self) -> bool:
        return self._paused

    def pause(self, *, on: bool) -> None:
        self._paused = on

    def closing(self) -> bool:
        return self._closing.is_set()

    def facts(self) -> Facts:
        return Facts(
            paused=self._paused,
            status=self._status,
            faults=dict(self._faults),
            dead=self._dead,
            waiting=self._local.qsize(),
        )

    def settled(self) -> bool:
        return not self._faults

    def click_abort(self) -> None:
        self._abort.set()

    def look(self) -> None:
        self._looked.set()

    def answer_for(self, names: frozenset[str]) -> None:
        self._looked.set()

    def mark_dead(self, names: frozenset[str]) -> None:
        for name in names:
            self._faults[name] = "A worker process of this device has ended."

    def restart(self, names: frozenset[str]) -> None:
        self._dead -= names
        for name in names:
            self._faults.pop(name, None)

    def refusal(self, path: str) -> str:
        return "" if Path(path).exists() else "The shot file cannot be read."

    # The queue manager.

    def _manage(self) -> None:
        assert self._listener
        while not self._closing.is_set():
            try:
                path = self._listener.service.next_shot()
                if path is None:
                    path = self._local.get_nowait()
            except (NothingToRun, Empty):
                self._closing.wait(_POLL)
                continue
            self._abort.clear()
            self._looked.clear()
            self._shot(path, self._listener.service)
            self._status = "Idle"
            self._listener.service.stirred()

    def _shot(self, path: str, service: Service) -> None:
        service.programming(path)
        mood = self.mood()
        if mood == "fail programming":
            self._fail("Device(s) in error state\nQueue Paused", mood)
            service.put_back(path, "")
            service.science_over(path)
            return
        try:
            service.starting()
        except Exception as error:  # noqa: BLE001 (as the stock queue manager does)
            self._fail("Error in queue manager\nQueue paused", "")
            service.put_back(path, str(error))
            service.science_over(path)
            return
        self.ran.append(path)
        if not self._run(path, mood):
            if not self._closing.is_set():
                service.science_over(path)
            return
        self._status = SAVING_STATUS
        service.science_over(path)
        if mood == "fail saving":
            self._fail("Error in transtion to manual\nQueue Paused", mood)
            service.put_back(path, "")
            return
        self.finish(path)
        service.completed(path)

    def _run(self, path: str, mood: str) -> bool:
        """Return whether the shot came to its end."""
        self._status = "Running (program time: 0.000s)..."
        if mood == "die running":
            self._dead = frozenset({"moody"})
        seconds = 3600.0 if mood in ("hang", "die running") else self.duration(path)
        while seconds > 0 and not self._looked.is_set():
            if self._abort.wait(min(seconds, _POLL)):
                self._status = ABORTED_STATUS
                return False
            seconds -= _POLL
        if self._looked.is_set():
            self._fail("Device restarted during run.\nAborted. Queue paused", "")
            return False
        return True

    def _fail(self, status: str, mood: str) -> None:
        self._paused = True
        self._status = status
        if mood:
            self._faults["moody"] = f"the moody device does not like {mood[5:]}"


class FakePlugin:
    """A fake BLACS with the plugin in it, on the state folder of an apparatus."""

    def __init__(
        self,
        state: Path,
        blacs: FakeBlacs | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.blacs = blacs or FakeBlacs()
        self._station = Station(state, patience or Patience(margin=1.0, grace=5.0))
        self.boot = self._station.boot

    def start(self) -> None:
        """Let agents in and run what they offer."""
        self._station.attach(self.blacs)
        self.blacs.begin(self._station)
        self._station.open()

    def crash(self) -> None:
        """End as if BLACS were killed: nothing is journalled or told any more.

        Make a new FakePlugin on the same folder to start BLACS again.
        """
        self._station.close()
        self.blacs.end()

    def __enter__(self) -> "FakePlugin":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.crash()
