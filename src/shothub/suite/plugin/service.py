"""The plugin at work: BLACS on one side, the agent on the other, the desk in between."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, RLock, Thread

from shothub.domain.states import Outcome
from shothub.suite.plugin.decisions import Desk
from shothub.suite.plugin.machine import Machine, NothingToRun
from shothub.suite.plugin.pause import PauseNote
from shothub.suite.plugin.revival import Revival
from shothub.suite.plugin.steady import SteadyClock
from shothub.suite.plugin.watch import Facts, Patience, Remedy, remedy
from shothub.suite.plugin.words import PausedBy, describe, in_words, lost
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
_JUMP = 5.0
_WAITED = (
    "It waited in BLACS's queue when BLACS had to be started anew, and has not run:"
    " submit it again."
)


@dataclass(frozen=True, kw_only=True)
class Upkeep:
    """What is kept beyond one run of BLACS.

    Attributes:
        revival: how BLACS is started anew when its queue is dead.
        pause: the operator's pause.
        tidy: shortens the journal; called while nothing waits or is under way.
    """

    revival: Revival
    pause: PauseNote
    tidy: Callable[[], object]


class Service:
    """Carries events of BLACS and orders of the agent to the desk, and out what it decides.

    The lock is never held while BLACS's main thread is asked for something, so that the
    main thread may ask for the lock.

    Args:
        machine: BLACS.
        desk: what decides.
        tell: sends a report to the agent.
        now: tells the time; set by the computer's clock between shots alone.
        patience: of the watchdog.
        upkeep: what is kept beyond this run of BLACS.
    """

    def __init__(
        self,
        *,
        machine: Machine,
        desk: Desk,
        tell: Callable[[Report], object],
        now: SteadyClock,
        patience: Patience,
        upkeep: Upkeep,
    ) -> None:
        self._machine = machine
        self._desk = desk
        self._tell = tell
        self._now = now
        self._patience = patience
        self._revival = upkeep.revival
        self._pause = upkeep.pause
        self._tidy = upkeep.tidy
        self._lock = RLock()
        self._wake = Event()
        self._tick = Event()
        self._closing = False
        self._last_state: State | None = None
        self._last_error = ""
        self._fallen: frozenset[str] = frozenset()
        self._resuming: datetime | None = None
        self._in_error: frozenset[str] = frozenset()
        self._operators_turn = False
        self._ordered_pause = False
        self._dead_since: datetime | None = None
        self.operators_pause = self._pause.left

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
            self._operators_turn = False
            path = self._take()
            self._tick.set()
            if path is not None:
                return path
            self._wake.wait(0.5)

    def _take(self) -> str | None:
        """Take the waiting shot, if its file is still there and no device starts up."""
        with self._lock:
            offer = self._desk.offered
        if offer is None or self._machine.restarting():
            return None
        with self._lock:
            if self._desk.offered is offer and not Path(offer.path).is_file():
                gone = f"The shot's file {offer.path} has been deleted or renamed."
                self._desk.condemn(offer.attempt, gone, Outcome.FAILED, self._now())
            self._set_clock()
            return self._desk.take(self._now())

    def dropped(self, path: str, why: str) -> None:
        with self._lock:
            self._desk.dropped(path, why, self._now())

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

    def is_busy(self, path: str) -> bool:
        with self._lock:
            return self._desk.busy(path)

    def was_ours(self, path: str) -> bool:
        """Tell whether BLACS had this shot from us: lyse and repeat modes leave it alone."""
        with self._lock:
            return self._desk.was_ours(path)

    def stirred(self, *, by_operator: bool | None = None) -> None:
        if by_operator is not None:
            self.operators_pause, self._ordered_pause = by_operator, False
            self._pause.write(on=by_operator)
            if not by_operator:
                self._forgive()
        self._wake.set()
        self._tick.set()

    def programming(self, path: str) -> None:
        self._last_error = ""
        with self._lock:
            self._desk.programming(path, self._now())
            shot = self._desk.in_hand
            self._operators_turn = shot is not None and shot.attempt is None

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
                self._ordered_pause = True
                self._machine.pause(on=True)
            case Resume():
                self._ordered_pause = False
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
            refusal = (Outcome.NOT_STARTED, f"In error: {in_words(faults)}")
        elif unfit := self._machine.refusal(offer.path):
            refusal = (Outcome.FAILED, unfit)
        with self._lock:
            self._desk.offer(offer, refusal, self._now())

    # The watchdog.

    def _watch(self) -> None:
        while not self._closing:
            self._tick.wait(self._until_ending())
            self._tick.clear()
            try:
                self._look_around()
            except Exception:
                # Whatever BLACS does: without the watchdog nobody would hear of it.
                logger.exception("The watchdog stumbled; it goes on.")

    def _look_around(self) -> None:
        with self._lock:
            self._desk.nearly_over(self._now())
            self._desk.write_again()
            if self._desk.in_hand is None:
                self._set_clock()
            if self._desk.offered is None and self._desk.certain:
                self._tidy()
        self._look_after(self._machine.facts())

    def _set_clock(self) -> None:
        ahead = self._now.set()
        if abs(ahead) > _JUMP:
            logger.warning("The clock of this computer jumped by %+.0f s.", ahead)

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
        elif not facts.alive:
            self._revive(now)
        elif self._fallen:
            self._machine.restart(self._fallen)
            self._fallen = frozenset()
        if self._resuming:
            self._resume(self._resuming, facts, now)
        self._report(facts)

    def _revive(self, now: datetime) -> None:
        """Have BLACS started anew, once the end of every shot is in the journal.

        Not at once, so that the hub hears why BLACS goes away.
        """
        self._dead_since = self._dead_since or now
        with self._lock:
            certain = self._desk.certain
        shown = (now - self._dead_since).total_seconds() >= self._patience.grace
        if shown and certain and self._revival.due():
            logger.error("The thread of BLACS's queue has ended: BLACS starts anew.")
            for path in self._machine.local_shots():
                self.dropped(path, _WAITED)
            self._machine.start_anew()

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
                    self._desk.lose(lost(facts), self._now())

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

    def _paused_by(self) -> PausedBy:
        if self.operators_pause and self._pause.left:
            return PausedBy.OPERATOR_BEFORE
        if self.operators_pause:
            return PausedBy.OPERATOR
        return PausedBy.HUB if self._ordered_pause else PausedBy.BLACS

    def _report(self, facts: Facts) -> None:
        with self._lock:
            state = describe(
                self._desk,
                facts,
                paused_by=self._paused_by(),
                operators_turn=self._operators_turn,
                revival=self._revival.words,
            )
            if state != self._last_state:
                self._last_state = state
                self._tell(state)


def _errors(facts: Facts, error: str) -> str:
    return "; ".join(text for text in (in_words(facts.faults), error) if text)
