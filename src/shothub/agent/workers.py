"""The slow effects: opening a session, asking START, compiling, analysing."""

import threading
from collections.abc import Callable
from typing import TypeVar

import structlog

from shothub.agent import effects as do
from shothub.agent import events as ev
from shothub.agent.analyst import Analyst, DiskFull
from shothub.agent.compiler import Compiler, Product
from shothub.agent.hub import Fenced, HubError, NotAllowed, Refused, Unreachable
from shothub.agent.journal import Attempted, Journal, Parcel
from shothub.agent.link import Link
from shothub.agent.outbox import Outbox
from shothub.agent.ports import HubPort
from shothub.agent.shelf import Shelf
from shothub.domain.faults import Fault
from shothub.runtime.delays import delays
from shothub.wire.agents import Compiled, OpenSession, SessionOpened, Start
from shothub.wire.problems import FaultModel

logger = structlog.get_logger()

FAILED_PAUSE = 10.0
"""Seconds before a task that failed here by a fault of ours is given back: the hub gives
it out again at once."""

Tell = Callable[[ev.Event], None]
R = TypeVar("R")


class Opener:
    """Opens sessions, however long the hub takes to answer.

    Attributes:
        denied: why the hub did not accept the token, before any session was open.
    """

    def __init__(
        self,
        *,
        hub: HubPort,
        journal: Journal,
        hello: Callable[[], OpenSession],
        tell: Tell,
        jitter: Callable[[], float],
    ) -> None:
        self._hub = hub
        self._journal = journal
        self._hello = hello
        self._tell = tell
        self._jitter = jitter
        self._closing = threading.Event()
        self._opened = False
        self.denied: Fault | None = None

    def close(self) -> None:
        """Give up an opening under way."""
        self._closing.set()

    def open(self, _effect: do.OpenSession) -> None:
        """Open a session; tell what the hub believes under way and what we know of it."""
        pauses = delays(first=0.5, longest=5.0, jitter=self._jitter)
        while not self._closing.is_set():
            try:
                session = self._hub.open_session(self._hello())
            except NotAllowed as error:
                logger.error("the hub refuses the token", why=str(error.fault))
                if not self._opened:
                    self.denied = error.fault
                    self._tell(ev.Stop())
                    return
            except HubError as error:
                logger.warning("no session", why=str(error))
            else:
                self._opened = True
                logger.info("session", epoch=session.epoch, started=session.started)
                self._tell(self._event(session))
                return
            self._closing.wait(next(pauses))

    def _event(self, session: SessionOpened) -> ev.Opened:
        self._journal.learn(session.under_way)
        return ev.Opened(
            epoch=session.epoch,
            started=tuple(session.started),
            journal=self._journal.remembered(session.started),
        )


class Insistence:
    """Makes a call again until the hub answers, at once when the line is back.

    Args:
        link: the line to the hub.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._closed = threading.Event()

    def close(self) -> None:
        """Insist no longer."""
        self._closed.set()
        self._link.close()

    def rest(self) -> None:
        """Wait before work that failed comes again."""
        self._closed.wait(FAILED_PAUSE)

    def __call__(self, call: Callable[[], R]) -> R:
        """Return what the call returns.

        Raises:
            Unreachable: there was no answer, and this agent ends.
        """
        pauses = self._link.pauses()
        while True:
            try:
                return call()
            except Unreachable as error:
                logger.warning("asked again", why=str(error))
                self._link.pause(next(pauses))
                if self._closed.is_set():
                    raise


class Starter:
    """Asks START, after the journal says that it is asked."""

    def __init__(
        self,
        *,
        hub: HubPort,
        journal: Journal,
        tell: Tell,
        insist: Insistence,
    ) -> None:
        self._hub = hub
        self._journal = journal
        self._tell = tell
        self._insist = insist

    def close(self) -> None:
        """Wait for an answer no longer; the next agent of this folder learns of it."""
        self._insist.close()

    def ask(self, effect: do.AskStart) -> None:
        """Ask for one shot and tell the answer."""
        lease = effect.lease
        self._journal.note_ask(lease)
        try:
            # One lease gets one attempt, however often it is asked for.
            start = Start(epoch=effect.epoch, fence=lease.fence)
            started = self._insist(lambda: self._hub.start(lease.shot, start))
        except Refused as error:
            logger.info(
                "start refused", job=lease.job, shot=lease.index, why=str(error)
            )
            self._journal.forget_ask(lease.fence)
            self._tell(ev.StartRefused(lease.fence))
            if isinstance(error, Fenced):
                self._tell(ev.Fenced(effect.epoch, error.problem.detail))
        except Unreachable as error:
            logger.warning(
                "start lost", job=lease.job, shot=lease.index, why=str(error)
            )
            self._tell(ev.StartLost(lease.fence))
        else:
            self._journal.note_granted(started.attempt, lease)
            self._tell(ev.StartGranted(lease.fence, started.attempt))


class CompileWorker:
    """Compiles jobs and tells the hub, however long that takes.

    Until the hub has answered the job counts as in hand: compiled once more, it might be
    another one (an order drawn by lot), under the same name.
    """

    def __init__(
        self,
        *,
        compiler: Compiler,
        hub: HubPort,
        shelf: Shelf,
        tell: Tell,
        insist: Insistence,
    ) -> None:
        self._insist = insist
        self._compiler = compiler
        self._hub = hub
        self._shelf = shelf
        self._tell = tell
        self._given_up: set[str] = set()

    def close(self) -> None:
        """Wait for an answer no longer."""
        self._insist.close()

    def give_up(self, job: str) -> None:
        """Do not compile a job that was cancelled, if that has not begun."""
        self._given_up.add(job)

    def compile(self, effect: do.CompileJob) -> None:
        """Compile one job; the hub hears of the shots or of the faults."""
        job = effect.task.job
        failed = True
        try:
            if job not in self._given_up:
                self._compile(effect)
            failed = False
        finally:
            if failed:
                self._insist.rest()
            self._given_up.discard(job)
            self._tell(ev.CompileEnded(job))

    def _compile(self, effect: do.CompileJob) -> None:
        product = self._compiler.compile(effect.task, epoch=effect.epoch)
        job = effect.task.job
        if product.folder:
            self._shelf.put(job, product.folder)
        logger.info(
            "compiled", job=job, shots=len(product.shots), faults=len(product.faults)
        )
        try:
            self._answer(job, effect.epoch, product)
        except Fenced as error:
            self._tell(ev.Fenced(effect.epoch, error.problem.detail))
        except Refused as error:
            logger.error("compilation refused", job=job, why=str(error))
        except Unreachable as error:
            logger.warning("compilation not told", job=job, why=str(error))

    def _answer(self, job: str, epoch: int, product: Product) -> None:
        try:
            self._insist(lambda: self._hub.compiled(job, _compiled(epoch, product)))
        except Refused as error:
            if error.problem.status not in (413, 422):
                raise
            fault = Fault(
                code="too_large",
                detail=f"The hub does not take this job's shots: {error.problem.detail}",
            )
            failed = Product(units={}, faults=(fault,))
            self._insist(lambda: self._hub.compiled(job, _compiled(epoch, failed)))


def _compiled(epoch: int, product: Product) -> Compiled:
    return Compiled(
        epoch=epoch,
        shots=list(product.shots),
        units=dict(product.units),
        faults=[
            FaultModel(code=f.code, detail=f.detail, where=f.where, hint=f.hint)
            for f in product.faults
        ],
        log=product.log,
    )


class AnalysisWorker:
    """Runs the routines and puts what they found into the outbox."""

    def __init__(
        self,
        *,
        analyst: Analyst,
        journal: Journal,
        shelf: Shelf,
        outbox: Outbox,
        tell: Tell,
        jitter: Callable[[], float],
    ) -> None:
        self._closing = threading.Event()
        self._jitter = jitter
        self._analyst = analyst
        self._journal = journal
        self._shelf = shelf
        self._outbox = outbox
        self._tell = tell

    def close(self) -> None:
        """Wait for room on the disk no longer; the journal knows what was not done."""
        self._closing.set()

    def shot(self, attempted: Attempted, epoch: int) -> None:
        """Analyse one done attempt."""
        folder = self._shelf.folder(attempted.job)
        parcels = self._patiently(
            lambda: self._analyst.shot(attempted, folder, epoch=epoch)
        )
        if parcels is None:
            return
        self._journal.note_analysed(attempted.attempt, parcels)
        self._outbox.wake()
        logger.info("analysed", job=attempted.job, shot=attempted.index)

    def job(self, effect: do.AnalyseJob, epoch: int) -> None:
        """Run the multi-shot routines of one job."""
        job = effect.task.job
        failed = True
        try:
            folder = self._shelf.folder(job)
            parcels = self._patiently(
                lambda: self._analyst.job(effect.task, folder, epoch=epoch)
            )
            self._journal.post(parcels or ())
            failed = False
        finally:
            if failed:
                self._closing.wait(FAILED_PAUSE)
            self._tell(ev.AnalysisEnded(job))
        self._outbox.wake()
        logger.info("job analysed", job=job)

    def _patiently(self, analyse: Callable[[], list[Parcel]]) -> list[Parcel] | None:
        """Analyse as soon as there is room for the results; None once closed."""
        pauses = delays(first=0.5, longest=5.0, jitter=self._jitter)
        while True:
            try:
                return analyse()
            except DiskFull as error:
                logger.error("the disk is full; results wait", why=str(error))
            if self._closing.wait(next(pauses)):
                return None
