"""The session's thread: one queue of events, one state, effects handed on."""

import queue
import threading
from collections.abc import Callable

import structlog

from shothub.agent import effects as do
from shothub.agent import events as ev
from shothub.agent.polling import Standing
from shothub.agent.session import handle
from shothub.agent.state import State, capacity, in_hand, status
from shothub.wire.agents import Capacity

logger = structlog.get_logger()

TICK = 1.0


class Runner:
    """Lets the session handle events, one at a time.

    Args:
        standing: learns what polls are to say after each change.
        most: how many compile tasks and leases are taken ahead, and for how many
            seconds shots are to be granted ahead.
        holds: returns what keeps shots or compilations from starting, and the free bytes.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        standing: Standing,
        most: Capacity,
        holds: Callable[[], tuple[ev.HoldChanged, int | None]],
        clock: Callable[[], float],
    ) -> None:
        self._standing = standing
        self._most = most
        self._holds = holds
        self._clock = clock
        self._state = State()
        self._hold = ev.HoldChanged()
        self._disk_free: int | None = None
        self._events: queue.SimpleQueue[tuple[ev.Event, threading.Event | None]]
        self._events = queue.SimpleQueue()
        self._reason = ""
        self._ended = threading.Event()

    def tell(self, event: ev.Event) -> None:
        """Give the session an event, from any thread; returns at once."""
        self._events.put((event, None))

    def tell_and_wait(self, event: ev.Event) -> None:
        """Give the session an event, from another thread; return when it was handled."""
        handled = threading.Event()
        self._events.put((event, handled))
        while not handled.wait(TICK) and not self._ended.is_set():
            pass

    def leave(self, reason: str) -> None:
        """End ``run`` after the present event; from the session's own thread."""
        self._reason = reason

    def run(self, carry_out: Callable[[do.Effect], None]) -> str:
        """Handle events until the session leaves; return why it did."""
        looked = self._clock() - TICK
        while not self._reason:
            if self._clock() - looked >= TICK:
                looked = self._clock()
                self._look_around(carry_out)
            self._next(carry_out)
        self._ended.set()
        return self._reason

    def _next(self, carry_out: Callable[[do.Effect], None]) -> None:
        try:
            event, handled = self._events.get(timeout=TICK)
        except queue.Empty:
            return
        # Any event may lead to a START: what holds must be known before it is handled.
        self._look_for_holds(carry_out)
        self._handle(event, carry_out)
        if handled:
            handled.set()

    def _look_around(self, carry_out: Callable[[do.Effect], None]) -> None:
        self._look_for_holds(carry_out)
        self._handle(ev.Tick(), carry_out)
        self._publish()

    def _look_for_holds(self, carry_out: Callable[[do.Effect], None]) -> None:
        hold, self._disk_free = self._holds()
        if hold != self._hold:
            self._hold = hold
            logger.warning("hold", starts=hold.starts, compiles=hold.compiles)
            self._handle(hold, carry_out)

    def _handle(self, event: ev.Event, carry_out: Callable[[do.Effect], None]) -> None:
        before = self._state
        self._state, effects = handle(before, event, self._clock())
        for effect in effects:
            carry_out(effect)
        if self._state is not before:
            self._publish()

    def _publish(self) -> None:
        room = capacity(self._state, self._most)
        standing = status(self._state, disk_free=self._disk_free)
        self._standing.update(self._state.epoch, room, standing, in_hand(self._state))
