"""What becomes of each shot: events of BLACS and orders in, journal lines and reports out.

The desk knows no Qt, no socket and no clock; its owner holds a lock around each call.
Fail closed: BLACS is given a shot only after the line that says so is written, and the
pseudoclock is started only after the line that says so is on disk.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from shothub.domain.states import Outcome
from shothub.suite.plugin.in_hand import InHand, Phase
from shothub.suite.plugin.journal import (
    KEPT_ATTEMPTS,
    Entry,
    Ledger,
    NotJournalled,
)
from shothub.wire.plugin import (
    Begun,
    Ended,
    Ending,
    Local,
    Offer,
    Report,
    Taken,
    Unheard,
)

ABORTED_STATUS = "Aborted"
SAVING_STATUS = "Saving data..."

REMEMBERED = 2 * KEPT_ATTEMPTS
"""How many attempts, the latest, are known without looking into the journal."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the journal says of one attempt."""

    boot: str
    taken: datetime | None = None
    began: datetime | None = None
    ended: Ended | None = None


class Desk:
    """Where shots wait for BLACS, and where their fate is written down.

    Attributes:
        boot: identifies this run of BLACS.
        offered: the shot that waits to be taken.
        in_hand: the shot that BLACS has.
        trouble: why no shot is handed out, until somebody resumes.
    """

    def __init__(
        self, *, boot: str, ledger: Ledger, tell: Callable[[Report], object]
    ) -> None:
        self.boot = boot
        self._ledger = ledger
        self._tell = tell
        self._records: dict[int, Record] = {}
        self.offered: Offer | None = None
        self.in_hand: InHand | None = None
        self.trouble = ""
        self._handed: dict[str, None] = {}
        self._unwritten: list[Entry] = []

    def read(self, entries: Iterable[Entry], now: datetime) -> None:
        """Learn the journal of earlier runs of BLACS, and end what they left open.

        What had begun is ``unknown``; what never began is ``not_started``.
        """
        for entry in entries:
            self._note(entry)
        for attempt, record in self._records.items():
            if record.ended is None:
                outcome = Outcome.UNKNOWN if record.began else Outcome.NOT_STARTED
                self._end(attempt, outcome, "BLACS ended while it had the shot.", now)

    # Orders of the agent.

    def offer(
        self, offer: Offer, refusal: tuple[Outcome, str] | None, now: datetime
    ) -> None:
        """Let a shot wait for BLACS, unless it was refused or is known already."""
        if offer.attempt in self._records:
            self.recall([offer.attempt])
        elif refusal:
            self._end(offer.attempt, *refusal, now)
        elif self.offered is None:
            self.offered = offer
        elif self.offered.attempt != offer.attempt:
            reason = "Another shot was waiting already."
            self._end(offer.attempt, Outcome.NOT_STARTED, reason, now)

    def withdraw(self, attempt: int, now: datetime) -> None:
        """Take back an offer that BLACS has not taken."""
        if self.offered and self.offered.attempt == attempt:
            self.offered = None
            self._end(attempt, Outcome.NOT_STARTED, "It was withdrawn.", now)

    def forget_offer(self) -> None:
        """Drop the offer of an agent that is gone; it learns by ``Recall``: unheard."""
        self.offered = None

    def recall(self, attempts: Iterable[int]) -> None:
        """Tell again what the journal says; an offer still waiting is told by State."""
        for attempt in attempts:
            record = self._records.get(attempt)
            if record is None:
                if self.offered is None or self.offered.attempt != attempt:
                    self._tell(Unheard(attempt=attempt))
            elif record.ended:
                self._tell(record.ended)
            elif record.taken:
                self._tell(Taken(attempt=attempt, at=record.taken))
                if record.began:
                    self._tell(Begun(attempt=attempt, at=record.began))

    def condemn(
        self, attempt: int, verdict: str, outcome: Outcome, now: datetime
    ) -> bool:
        """Note why we end this attempt; tell whether BLACS is now to abort it."""
        if self.offered and self.offered.attempt == attempt:
            self.offered = None
            self._end(attempt, outcome, verdict, now)
        shot = self.in_hand
        if shot is None or shot.attempt != attempt:
            return False
        if shot.phase is Phase.SAVING or shot.verdict:
            return False
        self.in_hand = replace(shot, verdict=verdict, outcome=outcome, condemned=now)
        return True

    # Events of BLACS.

    def take(self, now: datetime) -> str | None:
        """Hand the waiting shot over to BLACS, after the journal says so."""
        if self.offered is None or self.trouble:
            return None
        offer, self.offered = self.offered, None
        try:
            self._write("taken", offer.attempt, now, path=offer.path)
        except NotJournalled as error:
            self.trouble = f"The plugin's journal cannot be written: {error}"
            self._end(offer.attempt, Outcome.NOT_STARTED, self.trouble, now)
            return None
        self.in_hand = InHand(
            path=offer.path, attempt=offer.attempt, seconds=offer.seconds, since=now
        )
        self._handed |= dict.fromkeys(self.in_hand.put_back_as)
        _cut(self._handed, 2 * REMEMBERED)
        self._tell(Taken(attempt=offer.attempt, at=now))
        return offer.path

    def programming(self, path: str, now: datetime) -> None:
        """BLACS begins to program the devices for a shot, ours or the operator's."""
        if self.in_hand and path == self.in_hand.path:
            return
        self._lose("BLACS went on to another shot without a word.", now)
        self.in_hand = InHand(path=path, attempt=None, seconds=0.0, since=now)
        self._tell_local("started", now)

    def starting(self, now: datetime) -> None:
        """BLACS is about to start the pseudoclock.

        Raises:
            NotJournalled: it must not.
        """
        shot = self.in_hand
        if shot is None:
            return
        if shot.attempt is not None:
            try:
                self._write("begun", shot.attempt, now)
            except NotJournalled as error:
                self.trouble = f"The plugin's journal cannot be written: {error}"
                self.in_hand = replace(
                    shot, verdict=self.trouble, outcome=Outcome.NOT_STARTED
                )
                raise
            self._tell(Begun(attempt=shot.attempt, at=now))
        self.in_hand = replace(shot, phase=Phase.RUNNING, since=now)

    def nearly_over(self, now: datetime) -> None:
        """Let the agent ask for the next shot while this one still runs, once it may."""
        shot = self.in_hand
        due = shot and shot.ends_soon
        if shot and shot.attempt is not None and due and due <= now:
            self.in_hand = replace(shot, ending=True)
            self._tell(Ending(attempt=shot.attempt))

    def science_over(
        self, path: str, status: str, now: datetime, errors: str = ""
    ) -> None:
        """The machine's part is over, well (it saves now) or not."""
        shot = self.in_hand
        if shot is None or path not in shot.put_back_as:
            return
        if status == SAVING_STATUS:
            self.in_hand = replace(
                shot,
                phase=Phase.SAVING,
                since=now,
                verdict="",
                condemned=None,
                ending=True,
            )
            if shot.attempt is not None and not shot.ending:
                self._tell(Ending(attempt=shot.attempt))
        elif status == ABORTED_STATUS:
            if shot.outcome is Outcome.FAILED:
                self.trouble = shot.verdict
            self._finish(shot.outcome, shot.verdict or "The operator aborted it.", now)
        else:
            self._fail(shot, status, errors, now)

    def put_back(self, path: str, status: str, now: datetime, errors: str = "") -> bool:
        """BLACS wants to put a shot back into its queue; tell whether that is forbidden.

        Ours never go back, or the next person who resumes would fire one again. While it
        saves, this is all that BLACS says of a failure.
        """
        shot = self.in_hand
        if shot and path in shot.put_back_as and shot.phase is Phase.SAVING:
            self._fail(shot, status, errors, now)
        return path in self._handed

    def completed(self, path: str, now: datetime) -> None:
        """BLACS saved the shot and all devices are back in manual mode."""
        if self.in_hand and path == self.in_hand.path:
            self._finish(Outcome.DONE, "", now)

    def lose(self, reason: str, now: datetime) -> None:
        """Give the shot in hand up: BLACS does not come back from it."""
        if self.in_hand:
            self.trouble = reason
            self._lose(reason, now)

    def dropped(self, path: str, why: str, now: datetime) -> None:
        """A shot of the operator's own left BLACS's queue without having run."""
        self._tell(Local(name=path, what="failed", at=now, detail=why))

    def busy(self, path: str) -> bool:
        """Tell whether the shot of this name is in hand, whosever it is, or waiting."""
        waiting = self.offered is not None and self.offered.path == path
        return waiting or bool(self.in_hand and self.in_hand.path == path)

    @property
    def certain(self) -> bool:
        """Whether no shot is under way and the end of each is in the journal on disk."""
        return self.in_hand is None and not self._unwritten

    def write_again(self) -> None:
        """Bring to disk the ends for which there was no room."""
        while self._unwritten:
            try:
                self._ledger.append(self._unwritten[0])
            except NotJournalled:
                return
            del self._unwritten[0]

    def was_ours(self, path: str) -> bool:
        """Tell whether BLACS had this shot from us, in this run of BLACS."""
        return path in self._handed

    # The journal.

    def _fail(self, shot: InHand, status: str, errors: str, now: datetime) -> None:
        outcome = Outcome.FAILED
        if shot.outcome is Outcome.NOT_STARTED:
            outcome = Outcome.NOT_STARTED
        words = (shot.verdict, " ".join(status.split()), errors)
        reason = " ".join(word for word in words if word)
        self.trouble = self.trouble or reason
        self._finish(outcome, reason, now)

    def _lose(self, reason: str, now: datetime) -> None:
        if self.in_hand:
            self._finish(Outcome.FAILED, reason, now)

    def _finish(self, outcome: Outcome, reason: str, now: datetime) -> None:
        shot, self.in_hand = self.in_hand, None
        if shot and shot.attempt is not None:
            self._end(shot.attempt, outcome, reason, now)
        elif shot:
            self.in_hand = shot
            what: dict[Outcome, Literal["done", "aborted"]] = {
                Outcome.DONE: "done",
                Outcome.ABORTED: "aborted",
            }
            self._tell_local(what.get(outcome, "failed"), now, reason)
            self.in_hand = None

    def _tell_local(
        self,
        what: Literal["started", "done", "failed", "aborted"],
        now: datetime,
        detail: str = "",
    ) -> None:
        if self.in_hand:
            name = self.in_hand.path
            self._tell(Local(name=name, what=what, at=now, detail=detail))

    def _end(self, attempt: int, outcome: Outcome, reason: str, now: datetime) -> None:
        try:
            self._write("ended", attempt, now, outcome=outcome, reason=reason)
        except NotJournalled as error:
            # Evidence is never withheld: told all the same, and nothing more is taken.
            self.trouble = f"The plugin's journal cannot be written: {error}"
            entry = Entry(
                at=now,
                boot=self.boot,
                attempt=attempt,
                what="ended",
                outcome=outcome,
                reason=reason,
            )
            self._unwritten.append(entry)
            self._note(entry)
        self.recall([attempt])
        self._forget()

    def _write(
        self,
        what: Literal["taken", "begun", "ended"],
        attempt: int,
        now: datetime,
        *,
        path: str = "",
        outcome: Outcome | None = None,
        reason: str = "",
    ) -> None:
        entry = Entry(
            at=now,
            boot=self.boot,
            attempt=attempt,
            what=what,
            path=path,
            outcome=outcome,
            reason=reason,
        )
        self._ledger.append(entry)
        self._note(entry)

    def _note(self, entry: Entry) -> None:
        record = self._records.get(entry.attempt, Record(boot=entry.boot))
        if entry.what == "taken":
            record = replace(record, taken=entry.at)
        elif entry.what == "begun":
            record = replace(record, began=entry.at)
        elif record.ended is None:
            ended = Ended(
                attempt=entry.attempt,
                outcome=entry.outcome or Outcome.UNKNOWN,
                reason=entry.reason,
                began=record.began,
                at=entry.at,
            )
            record = replace(record, ended=ended)
        self._records[entry.attempt] = record

    def _forget(self) -> None:
        """Keep memory bounded: the agent asks for attempts that have just been under way."""
        while len(self._records) > REMEMBERED:
            oldest = next(iter(self._records))
            if self._records[oldest].ended is None:
                return
            del self._records[oldest]


def _cut(names: dict[str, None], most: int) -> None:
    while len(names) > most:
        del names[next(iter(names))]
