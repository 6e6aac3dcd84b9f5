"""The plugin at work: BLACS on one side, the agent on the other, the desk in between."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, RLock, Thread
from typing import Literal

from shothub.domain.states import Outcome
from shothub.suite.plugin.decisions import Desk
from shothub.suite.plugin.machine import Machine, NothingToRun
from shothub.suite.plugin.watch import Facts, Patience, Remedy, remedy
from shothub.wire.plugin import (
    Abort,
    Offer,
    Order,
    Pause,
    Recall,
    Report,
    Resume,
    State,
    Withdraw,
)

logger = logging.getLogger("BLACS.shothub")

_TICK = 0.25
_RECOVERY = timedelta(seconds=20)


class Service:
    """Carries events of BLACS and orders of the agent to the desk, and out what it decides.

    The lock is never held while BLACS's main thread is asked for something, so that the
    main thread may ask for the lock.

    Args:
        machine: BLACS.
        desk: what decides.
        tell: sends a report to the agent.
        boot: identifies this run of BLACS.
        now: reads the clock.
        patience: of the watchdog.
    """

    def __init__(
        self,
        *,
        machine: Machine,
        desk: Desk,
        tell: Callable[[Report], None],
        boot: str,
        now: Callable[[], datetime],
        patience: Patience,
    ) -> None:
        self._machine = machine
        self._desk = desk
        self._tell = tell
        self._boot = boot
        self._now = now
        self._patience = patience
        self._lock = RLock()
        self._wake = Event()
        self._tick = Event()
        self._closing = False
        self._last_state: State | None = None
        self._last_error = ""
        self._fallen: frozenset[str] = frozenset()
        self._resuming: datetime | None = None
        self._in_error: frozenset[str] = frozenset()
        self.operators_pause = False

    def start(self) -> None:
        """Begin to watch."""
        Thread(target=self._watch, name="shothub watch", daemon=True).start()

    def close(self) -> None:
        """BLACS is closing: hand out nothing more."""
        self._closing = True
        self._wake.set()
        self._tick.set()

    # BLACS asks and tells (Listener).

    def next_shot(self) -> str | None:
        while True:
            self._wake.clear()
            if self._closing or self._machine.closing() or self._machine.paused():
                raise NothingToRun
            if self._machine.local_waiting():
                return None
            with self._lock:
                path = self._desk.take(self._now())
            self._tick.set()
            if path is not None:
                return path
            self._wake.wait(0.5)

    def starting(self) -> None:
        with self._lock:
            self._desk.starting(self._now())
        self._tick.set()

    def put_back(self, path: str, error: str) -> bool:
        facts = self._machine.facts()
        self._last_error = error
        with self._lock:
            words = _errors(facts, error)
            kept = self._desk.put_back(path, facts.status, self._now(), words)
        if not kept:
            # It waits in BLACS's queue: only its owner may let it run once more.
            self.operators_pause = True
        self._tick.set()
        return kept

    def is_ours(self, path: str) -> bool:
        with self._lock:
            return self._desk.ours(path)

    def was_ours(self, path: str) -> bool:
        """Tell whether BLACS had this shot from us: lyse and repeat modes leave it alone."""
        with self._lock:
            return self._desk.was_ours(path)

    def stirred(self, *, by_operator: bool | None = None) -> None:
        if by_operator is not None:
            self.operators_pause = by_operator
            if not by_operator:
                self._forgive()
        self._wake.set()
        self._tick.set()

    def programming(self, path: str) -> None:
        self._last_error = ""
        with self._lock:
            self._desk.programming(path, self._now())

    def science_over(self, path: str) -> None:
        facts = self._machine.facts()
        with self._lock:
            words = _errors(facts, self._last_error)
            self._desk.science_over(path, facts.status, self._now(), words)
        self._tick.set()

    def completed(self, path: str) -> None:
        with self._lock:
            self._desk.completed(path, self._now())
        self._tick.set()

    # The agent orders.

    def obey(self, order: Order) -> None:
        """Carry out one order of the agent."""
        match order:
            case Offer():
                self._offer(order)
            case Abort(attempt=attempt):
                self._condemn(attempt, "It was aborted by order.", Outcome.ABORTED)
            case Withdraw(attempt=attempt):
                with self._lock:
                    self._desk.withdraw(attempt, self._now())
            case Recall(attempts=attempts):
                with self._lock:
                    self._desk.recall(attempts)
            case Pause():
                self._machine.pause(on=True)
            case Resume():
                self._resuming = self._now()
                self._in_error = frozenset(self._machine.facts().faults)
                self._machine.restart(self._in_error)
        self._wake.set()
        self._tick.set()

    def arrived(self) -> None:
        """An agent has come in: tell it how we are."""
        facts = self._machine.facts()
        with self._lock:
            self._last_state = None
            self._report(facts)

    def left(self) -> None:
        """The agent is gone; what it offered is not handed out any more."""
        with self._lock:
            self._desk.forget_offer()
        self._tick.set()

    def _offer(self, offer: Offer) -> None:
        faults = self._machine.facts().faults
        refusal: tuple[Outcome, str] | None = None
        if faults:
            refusal = (Outcome.NOT_STARTED, f"In error: {_words(faults)}")
        elif unfit := self._machine.refusal(offer.path):
            refusal = (Outcome.FAILED, unfit)
        with self._lock:
            self._desk.offer(offer, refusal, self._now())

    # The watchdog.

    def _watch(self) -> None:
        while not self._closing:
            self._tick.wait(self._until_ending())
            self._tick.clear()
            with self._lock:
                self._desk.nearly_over(self._now())
            self._look_after(self._machine.facts())

    def _until_ending(self) -> float:
        with self._lock:
            shot = self._desk.in_hand
        due = shot and shot.ends_soon
        seconds = (due - self._now()).total_seconds() if due else _TICK
        return min(_TICK, max(0.0, seconds))

    def _look_after(self, facts: Facts) -> None:
        now = self._now()
        if fresh := facts.dead - set(facts.faults):
            self._machine.mark_dead(fresh)
            self._fallen |= fresh
            self._tick.set()
            return
        with self._lock:
            shot = self._desk.in_hand
        if shot:
            self._apply(remedy(shot, facts, now, self._patience), shot.attempt, facts)
        elif self._fallen:
            self._machine.restart(self._fallen)
            self._fallen = frozenset()
        if self._resuming:
            self._resume(self._resuming, facts, now)
        self._report(facts)

    def _apply(self, cure: Remedy, attempt: int | None, facts: Facts) -> None:
        if cure is not Remedy.NONE:
            logger.warning("The shot does not come back: %s", cure)
        match cure:
            case Remedy.LOOK:
                self._machine.look()
            case Remedy.ABORT:
                self._machine.click_abort()
            case Remedy.UNBLOCK:
                self._machine.answer_for(facts.dead or facts.busy)
            case Remedy.CONDEMN if attempt is not None:
                self._machine.pause(on=True)
                words = "It hung: BLACS waited for its end long after it was due."
                self._condemn(attempt, words, Outcome.FAILED)
            case Remedy.GIVE_UP:
                self._machine.pause(on=True)
                with self._lock:
                    self._desk.lose(_lost(facts), self._now())

    def _condemn(self, attempt: int, verdict: str, outcome: Outcome) -> None:
        with self._lock:
            ours = self._desk.condemn(attempt, verdict, outcome, self._now())
        if ours:
            self._machine.click_abort()

    def _resume(self, since: datetime, facts: Facts, now: datetime) -> None:
        """Go on once the devices have been restarted, or after waiting for that enough."""
        if self._in_error and now - since < _RECOVERY and not self._machine.settled():
            return
        self._resuming = None
        if self.operators_pause:
            return
        self._forgive()
        if facts.paused:
            self._machine.pause(on=False)
        self._wake.set()

    def _forgive(self) -> None:
        with self._lock:
            self._desk.trouble = ""

    def _report(self, facts: Facts) -> None:
        with self._lock:
            state = describe(self._desk, facts, self._boot, self.operators_pause)
            if state != self._last_state:
                self._last_state = state
                self._tell(state)


def describe(desk: Desk, facts: Facts, boot: str, operators_pause: bool) -> State:  # noqa: FBT001
    """Say how BLACS is, for the agent and for people."""
    blacs: Literal["idle", "running", "paused", "error"] = "idle"
    message = ""
    if not facts.alive:
        blacs, message = "error", _lost(facts)
    elif desk.in_hand:
        blacs, message = "running", " ".join(facts.status.split())
    elif desk.trouble:
        blacs, message = "error", desk.trouble
    elif facts.faults:
        blacs, message = "error", _words(facts.faults)
    elif facts.paused:
        blacs = "paused"
        message = "The operator paused BLACS." if operators_pause else "Paused."
    return State(
        boot=boot,
        blacs=blacs,
        message=message,
        attempt=desk.in_hand.attempt if desk.in_hand else None,
        offered=desk.offered.attempt if desk.offered else None,
        healthy=facts.alive and not facts.faults and not facts.dead,
    )


def _lost(facts: Facts) -> str:
    if facts.alive:
        return "It hung: BLACS does not come back from it. BLACS must be restarted."
    return "The thread of BLACS's queue has ended. BLACS must be restarted."


def _words(faults: dict[str, str]) -> str:
    return "; ".join(f"{name}: {text}" for name, text in sorted(faults.items()))


def _errors(facts: Facts, error: str) -> str:
    return "; ".join(text for text in (_words(facts.faults), error) if text)
