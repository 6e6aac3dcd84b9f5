"""Carries the session's effects out: the quick ones at once, the slow ones on benches."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from shothub.agent import effects as do
from shothub.agent import events as ev
from shothub.agent.benches import Bench
from shothub.agent.journal import Attempted, Journal, Parcel
from shothub.agent.outbox import Outbox
from shothub.agent.parcels import REPORT
from shothub.agent.polling import Standing
from shothub.agent.ports import PluginPort
from shothub.agent.shelf import Shelf
from shothub.agent.workers import AnalysisWorker, CompileWorker, Opener, Starter
from shothub.domain.states import Outcome
from shothub.suite.channel import NotConnected
from shothub.wire.agents import Finish, LocalShot
from shothub.wire.plugin import (
    Abort,
    Ended,
    Offer,
    Order,
    Pause,
    Recall,
    Resume,
    Withdraw,
)

logger = structlog.get_logger()

NEVER_ARRIVED = (
    "Leave to start, given ahead, never arrived: the answer with it was lost."
)


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Who does the slow work."""

    opener: Opener
    starter: Starter
    compiler: CompileWorker
    analyst: AnalysisWorker


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What quick effects are carried out with."""

    plugin: PluginPort
    journal: Journal
    outbox: Outbox
    shelf: Shelf
    standing: Standing
    now: Callable[[], datetime]


class Hands:
    """Carries out effects; called from the session's thread alone."""

    def __init__(
        self,
        *,
        tools: Tools,
        workers: Workers,
        tell: Callable[[ev.Event], None],
        leave: Callable[[str], None],
    ) -> None:
        self._plugin = tools.plugin
        self._journal = tools.journal
        self._outbox = tools.outbox
        self._shelf = tools.shelf
        self._standing = tools.standing
        self._now = tools.now
        self._workers = workers
        self._tell = tell
        self._opening = Bench("session", workers.opener.open)
        self._starting = Bench("start", workers.starter.ask)
        self._compiling = Bench("compile", self._compile)
        self._analysing: Bench[Attempted | do.AnalyseJob]
        self._analysing = Bench("analyse", self._analyse)
        self._actions: dict[type[do.Effect], Callable[[Any], None]] = {
            do.OpenSession: self._opening.put,
            do.AskStart: self._starting.put,
            do.CompileJob: self._compiling.put,
            do.AnalyseJob: self._analysing.put,
            do.GiveUpJob: self._give_up,
            do.NoteAhead: lambda e: self._journal.note_ahead(e.grants),
            do.TellMissed: self._tell_missed,
            do.OfferShot: self._offer,
            do.WithdrawOffer: lambda e: self._send(Withdraw(attempt=e.attempt)),
            do.AbortShot: lambda e: self._send(Abort(attempt=e.attempt)),
            do.RecallAttempts: lambda e: self._send(Recall(attempts=list(e.attempts))),
            do.PausePlugin: lambda _: self._send(Pause()),
            do.ResumePlugin: lambda _: self._send(Resume()),
            do.NoteBegun: self._begun,
            do.ReportFinish: self._finish,
            do.ReportAgain: self._again,
            do.ReportLocal: self._local,
            do.Leave: lambda e: leave(e.reason),
        }

    def start(self) -> None:
        """Begin to work; first with what an earlier run left unanalysed."""
        for bench in self._benches():
            bench.start()
        for attempted in self._journal.to_analyse():
            self._analysing.put(attempted)

    def close(self) -> None:
        """End the benches; what is not done is in the journal."""
        self._workers.opener.close()
        self._workers.starter.close()
        self._workers.compiler.close()
        self._workers.analyst.close()
        for bench in self._benches():
            bench.close()

    def _benches(self) -> tuple[Bench[Any], ...]:
        return (self._opening, self._starting, self._compiling, self._analysing)

    def carry_out(self, effect: do.Effect) -> None:
        """Carry one effect out, or begin to."""
        self._actions[type(effect)](effect)

    def _send(self, order: Order) -> None:
        try:
            self._plugin.send(order)
        except NotConnected as error:
            # The plugin's first word on the next connection brings all to light.
            logger.warning("order not sent", order=order.type, why=str(error))

    def _offer(self, effect: do.OfferShot) -> None:
        shot = self._shelf.shot(effect.job, effect.index)
        if shot is None:
            logger.error("no shot file", job=effect.job, shot=effect.index)
            ended = Ended(
                attempt=effect.attempt,
                outcome=Outcome.FAILED,
                reason="The shot's file is not on the apparatus's storage.",
                at=self._now(),
            )
            self._tell(ev.PluginSaid(ended))
            return
        path, seconds = shot
        self._journal.note_offered(effect.attempt)
        logger.info("offer", attempt=effect.attempt, job=effect.job, shot=effect.index)
        self._send(Offer(attempt=effect.attempt, path=str(path), seconds=seconds))

    def _begun(self, effect: do.NoteBegun) -> None:
        self._journal.note_begun(effect.attempt, effect.at)

    def _finish(self, effect: do.ReportFinish) -> None:
        ended = Attempted(
            attempt=effect.attempt,
            shot=0,
            job="",
            index=-1,
            outcome=effect.outcome,
            reason=effect.reason,
            begun=effect.began,
            ended=effect.ended,
        )
        if not self._journal.note_ended(ended, self._report(ended)):
            return
        self._outbox.wake()
        logger.info(
            "ended",
            attempt=effect.attempt,
            outcome=effect.outcome.value,
            reason=effect.reason,
        )
        attempted = self._journal.attempted(effect.attempt)
        if effect.outcome is Outcome.DONE and attempted:
            self._analysing.put(attempted)

    def _tell_missed(self, effect: do.TellMissed) -> None:
        """Answer from the journal: a grant that never arrived was never started."""
        for attempt in effect.attempts:
            if self._journal.attempted(attempt) is None:
                self._finish(
                    do.ReportFinish(
                        attempt=attempt,
                        outcome=Outcome.NOT_STARTED,
                        reason=NEVER_ARRIVED,
                    )
                )
            else:
                self._again(do.ReportAgain(attempt))

    def _again(self, effect: do.ReportAgain) -> None:
        attempted = self._journal.attempted(effect.attempt)
        if attempted and attempted.outcome:
            self._journal.post_once(self._report(attempted))
            self._outbox.wake()

    def _report(self, attempted: Attempted) -> Parcel:
        finish = Finish(
            epoch=self._standing.last_epoch,
            outcome=attempted.outcome or Outcome.UNKNOWN,
            reason=attempted.reason,
            began=attempted.begun,
            ended=attempted.ended,
        )
        return Parcel(
            rank=REPORT,
            route=f"attempts/{attempted.attempt}/finish",
            body=finish.model_dump_json(),
        )

    def _local(self, effect: do.ReportLocal) -> None:
        local = effect.local
        report = LocalShot(
            epoch=self._standing.last_epoch,
            name=local.name,
            what=local.what,
            at=local.at,
            detail=local.detail,
        )
        self._journal.post(
            [Parcel(rank=REPORT, route="local", body=report.model_dump_json())]
        )
        self._outbox.wake()

    def _give_up(self, effect: do.GiveUpJob) -> None:
        self._workers.compiler.give_up(effect.job)

    def _compile(self, effect: do.CompileJob) -> None:
        self._workers.compiler.compile(effect)

    def _analyse(self, piece: Attempted | do.AnalyseJob) -> None:
        analyst = self._workers.analyst
        epoch = self._standing.last_epoch
        if isinstance(piece, Attempted):
            analyst.shot(piece, epoch)
        else:
            analyst.job(piece, epoch)
