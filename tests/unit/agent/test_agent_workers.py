"""The slow effects: what they tell the session, whatever the hub answers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fakes.agent_events import lease, task
from tests.fakes.agent_hub import DENIED, FENCED, REFUSED, UNREACHABLE, FakeHub

from shothub.agent import effects as do
from shothub.agent import events as ev
from shothub.agent.agent import TAKEN_AHEAD
from shothub.agent.compiler import Product
from shothub.agent.hub import HubError
from shothub.agent.journal import Journal
from shothub.agent.link import Link
from shothub.agent.polling import Books, Poller, Standing
from shothub.agent.shelf import Shelf
from shothub.agent.state import InHand
from shothub.agent.workers import CompileWorker, Insistence, Opener, Starter
from shothub.domain.faults import Fault
from shothub.sandbox.host import SandboxFailed
from shothub.wire.agents import (
    Capacity,
    CompiledShot,
    OpenSession,
    ShotLease,
    UnderWay,
    Work,
)
from shothub.wire.apparatus import ApparatusStatus, Description

HELLO = OpenSession(apparatus="sim", agent_version="1", description=Description())


@pytest.fixture
def told() -> list[ev.Event]:
    return []


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


@pytest.fixture
def ask(
    hub: FakeHub, journal: Journal, told: list[ev.Event]
) -> Callable[[do.AskStart], None]:
    return starter(hub, journal, told).ask


def link() -> Link:
    return Link(lambda: None, lambda: 0.0)


def starter(hub: FakeHub, journal: Journal, told: list[ev.Event]) -> Starter:
    return Starter(
        hub=hub, journal=journal, tell=told.append, insist=Insistence(link())
    )


def asks(journal: Journal) -> int:
    """Return how many STARTs were asked whose answers did not come yet."""
    return len(journal._rows("SELECT fence FROM asks"))


Ask = Callable[[do.AskStart], None]


def test_the_journal_knows_of_start_before_the_hub(
    hub: FakeHub, journal: Journal, ask: Ask
) -> None:
    known: list[int] = []
    hub.on_call = lambda _: known.append(asks(journal))
    ask(do.AskStart(1, lease(5)))
    assert known == [1]


def test_a_granted_start_is_journaled(
    journal: Journal, told: list[ev.Event], ask: Ask
) -> None:
    ask(do.AskStart(1, lease(5)))
    assert told == [ev.StartGranted(5, 101)]
    assert list(journal.remembered([101])) == [101]
    assert asks(journal) == 0


def test_a_lost_answer_is_asked_for_again_for_the_same_lease(
    hub: FakeHub, told: list[ev.Event], ask: Ask
) -> None:
    hub.troubles["start"] = [UNREACHABLE, UNREACHABLE]
    ask(do.AskStart(1, lease(5)))
    assert hub.asked == [(5, 5)] * 3
    assert told == [ev.StartGranted(5, 101)]


def test_start_is_asked_until_the_hub_answers_however_long_that_takes(
    hub: FakeHub, told: list[ev.Event], ask: Ask
) -> None:
    hub.troubles["start"] = [UNREACHABLE] * 200
    ask(do.AskStart(1, lease(5)))
    assert hub.asked == [(5, 5)] * 201
    assert told == [ev.StartGranted(5, 101)]


def test_a_start_unanswered_when_the_agent_ends_is_remembered_as_lost(
    hub: FakeHub, journal: Journal, told: list[ev.Event]
) -> None:
    hub.troubles["start"] = [UNREACHABLE] * 3
    one = starter(hub, journal, told)
    hub.on_call = lambda _: one.close() if len(hub.asked) == 2 else None
    one.ask(do.AskStart(1, lease(5)))
    assert told == [ev.StartLost(5)]
    assert asks(journal) == 1


@pytest.mark.parametrize(
    ("trouble", "events"),
    [
        (REFUSED, [ev.StartRefused(5)]),
        (DENIED, [ev.StartRefused(5)]),
        (FENCED, [ev.StartRefused(5), ev.Fenced(1, "no")]),
    ],
)
def test_a_refused_start_is_forgotten(
    hub: FakeHub,
    journal: Journal,
    told: list[ev.Event],
    ask: Ask,
    trouble: HubError,
    events: list[ev.Event],
) -> None:
    hub.troubles["start"] = [trouble]
    ask(do.AskStart(1, lease(5)))
    assert told == events
    assert asks(journal) == 0


def opener(hub: FakeHub, journal: Journal, told: list[ev.Event]) -> Opener:
    return Opener(
        hub=hub,
        journal=journal,
        hello=lambda: HELLO,
        tell=told.append,
        jitter=lambda: 0.0,
    )


def test_a_session_opens_as_soon_as_the_hub_answers(
    hub: FakeHub, journal: Journal, told: list[ev.Event]
) -> None:
    hub.troubles["open_session"] = [UNREACHABLE, UNREACHABLE]
    opener(hub, journal, told).open(do.OpenSession())
    assert told == [ev.Opened(epoch=1)]


def test_a_session_tells_what_the_journal_knows(
    hub: FakeHub, journal: Journal, told: list[ev.Event]
) -> None:
    journal.note_ask(lease(5))
    hub.under_way = [
        UnderWay(attempt=attempt, shot=attempt, job="job", index=0, fence=fence)
        for attempt, fence in ((7, 5), (8, 6))
    ]
    opener(hub, journal, told).open(do.OpenSession())
    known = {7: ev.Remembered()}
    assert told == [ev.Opened(epoch=1, started=(7, 8), journal=known)]


def test_starts_that_were_not_lost_are_forgotten(
    hub: FakeHub, journal: Journal, told: list[ev.Event]
) -> None:
    journal.note_ask(lease(5))
    opener(hub, journal, told).open(do.OpenSession())
    assert told == [ev.Opened(epoch=1)]
    assert asks(journal) == 0


def test_a_token_refused_at_the_start_ends_the_agent(
    hub: FakeHub, journal: Journal, told: list[ev.Event]
) -> None:
    hub.troubles["open_session"] = [DENIED]
    one = opener(hub, journal, told)
    one.open(do.OpenSession())
    assert told == [ev.Stop()]
    assert one.denied is not None


def test_a_token_refused_later_is_waited_for(
    hub: FakeHub, journal: Journal, told: list[ev.Event]
) -> None:
    one = opener(hub, journal, told)
    one.open(do.OpenSession())
    hub.troubles["open_session"] = [DENIED]
    one.open(do.OpenSession())
    assert told == [ev.Opened(epoch=1), ev.Opened(epoch=2)]
    assert one.denied is None


class FakeCompiler:
    def __init__(self, product: Product) -> None:
        self.product = product
        self.count = 0

    def compile(self, _task: object, *, epoch: int) -> Product:
        self.count += epoch
        return self.product


SHOT = CompiledShot(index=0, globals={}, duration=1.0)


def compile_worker(
    hub: FakeHub, journal: Journal, told: list[ev.Event], product: Product
) -> tuple[CompileWorker, FakeCompiler]:
    compiler = FakeCompiler(product)
    worker = CompileWorker(
        compiler=compiler,  # type: ignore[arg-type]
        hub=hub,
        shelf=Shelf(journal, journal._folder),
        tell=told.append,
        insist=Insistence(link()),
    )
    return worker, compiler


def test_the_folder_is_known_before_the_hub_hears_of_the_shots(
    hub: FakeHub, journal: Journal, told: list[ev.Event], tmp_path: Path
) -> None:
    product = Product(folder=tmp_path, shots=(SHOT,), units={})
    worker, _ = compile_worker(hub, journal, told, product)
    folders: list[Path | None] = []
    hub.on_call = lambda _: folders.append(journal.folder_of("job"))
    worker.compile(do.CompileJob(1, task()))
    assert folders == [tmp_path]
    assert told == [ev.CompileEnded("job")]
    assert hub.compilations["job"].shots == [SHOT]


def test_faults_are_told_with_their_places(
    hub: FakeHub, journal: Journal, told: list[ev.Event]
) -> None:
    fault = Fault(code="compile_error", detail="no", where="x.py:3", hint="h")
    product = Product(units={}, faults=(fault,), log="printed")
    compile_worker(hub, journal, told, product)[0].compile(do.CompileJob(1, task()))
    answer = hub.compilations["job"]
    assert answer.faults[0].model_dump() == vars(fault)
    assert answer.log == "printed"


@pytest.mark.parametrize(
    ("trouble", "event"),
    [(FENCED, ev.Fenced(1, "no")), (REFUSED, None)],
)
def test_a_compilation_ends_whatever_the_hub_answers(
    hub: FakeHub,
    journal: Journal,
    told: list[ev.Event],
    trouble: HubError,
    event: ev.Event | None,
) -> None:
    hub.troubles["compiled"] = [trouble]
    worker, _ = compile_worker(hub, journal, told, Product(units={}))
    worker.compile(do.CompileJob(1, task()))
    assert told == [*([event] if event else []), ev.CompileEnded("job")]


def test_a_compilation_is_in_hand_until_the_hub_has_its_shots(
    hub: FakeHub, journal: Journal, told: list[ev.Event], tmp_path: Path
) -> None:
    """Compiled twice, a job with a random order would be two jobs under one name."""
    hub.troubles["compiled"] = [UNREACHABLE] * 50
    product = Product(folder=tmp_path, shots=(SHOT,), units={})
    worker, compiler = compile_worker(hub, journal, told, product)
    worker.compile(do.CompileJob(1, task()))
    assert compiler.count == 1
    assert hub.compilations["job"].shots == [SHOT]
    assert told == [ev.CompileEnded("job")]


def test_a_cancelled_job_is_not_compiled(
    hub: FakeHub, journal: Journal, told: list[ev.Event]
) -> None:
    worker, compiler = compile_worker(hub, journal, told, Product(units={}))
    worker.give_up("job")
    worker.compile(do.CompileJob(1, task()))
    assert compiler.count == 0
    assert told == [ev.CompileEnded("job")]


def test_a_poll_asks_for_its_own_kind_of_work_only() -> None:
    standing = Standing()
    standing.update(1, Capacity(compile=4, shots=3, analyse=1), ApparatusStatus())
    poll = standing.next_poll("shots")
    assert poll is not None
    assert poll.capacity == Capacity(shots=3)


def test_the_compile_poll_tells_how_we_are_without_room() -> None:
    standing = Standing()
    standing.update(1, Capacity(), ApparatusStatus(blacs="error"))
    poll = standing.next_poll("compile")
    assert poll is not None
    assert poll.status.blacs == "error"
    assert poll.capacity == Capacity()


def test_the_last_session_is_remembered_while_none_is_open() -> None:
    standing = Standing()
    standing.update(4, Capacity(), ApparatusStatus())
    standing.update(0, Capacity(), ApparatusStatus())
    assert standing.last_epoch == 4


def events_of_polls(hub: FakeHub, rounds: int) -> list[ev.Event]:
    standing, told = Standing(), []
    standing.update(1, Capacity(shots=1), ApparatusStatus())

    def tell(event: ev.Event) -> None:
        told.append(event)
        if len(told) == rounds:
            standing.close()

    poller = Poller(
        "shots",
        hub=hub,
        standing=standing,
        tell=tell,
        clock=lambda: 50.0,
        link=link(),
    )
    poller.run()
    return told


def test_leases_run_from_when_the_poll_was_sent(hub: FakeHub) -> None:
    given = ShotLease(shot=1, job="j", index=0, fence=2, seconds=120.0)
    hub.works = [Work(shots=[given])]
    (event,) = events_of_polls(hub, 1)
    assert isinstance(event, ev.WorkCame)
    assert event.leases[0].until == 170.0


def test_polls_that_fail_are_told_and_made_again(hub: FakeHub) -> None:
    hub.troubles["poll"] = [UNREACHABLE, FENCED]
    hub.works = [Work(paused=True)]
    events = events_of_polls(hub, 3)
    assert events[:2] == [ev.LinkLost(1), ev.Fenced(1, "no")]
    assert isinstance(events[2], ev.WorkCame)
    assert events[2].paused


def test_polls_say_what_is_in_hand_of_their_kind_and_are_numbered() -> None:
    books = Books(reports=lambda: ["b"], ahead=lambda: [101])
    standing = Standing(books)
    held = InHand(fences=(4, 5), compiling=("a",), analysing=("c",))
    standing.update(1, TAKEN_AHEAD, ApparatusStatus(), held)
    said = [standing.next_poll(kind) for kind in ("shots", "compile", "analyse")]
    holdings = [poll.holding for poll in said if poll and poll.holding]
    assert [h.fences for h in holdings] == [[4, 5], [], []]
    assert [h.attempts for h in holdings] == [[101], [], []]
    assert [h.jobs for h in holdings] == [[], ["a"], ["b", "c"]]
    assert [h.serial for h in holdings] == [1, 1, 1]
    again = standing.next_poll("shots")
    assert again is not None
    assert again.holding is not None
    assert again.holding.serial == 2


def test_a_poll_for_shots_is_made_for_grants_too() -> None:
    standing = Standing()
    standing.update(1, Capacity(ahead=7.5), ApparatusStatus())
    poll = standing.next_poll("shots")
    assert poll is not None
    assert poll.capacity == Capacity(ahead=7.5)


def test_a_task_that_fails_by_our_own_fault_does_not_come_again_in_a_storm(
    hub: FakeHub, journal: Journal, told: list[ev.Event]
) -> None:
    rested: list[list[ev.Event]] = []
    insist = Insistence(link())
    insist.rest = lambda: rested.append(list(told))  # type: ignore[method-assign]
    worker = CompileWorker(
        compiler=BrokenCompiler(),  # type: ignore[arg-type]
        hub=hub,
        shelf=Shelf(journal, journal._folder),
        tell=told.append,
        insist=insist,
    )
    with pytest.raises(SandboxFailed):
        worker.compile(do.CompileJob(1, task()))
    assert rested == [[]]
    assert told == [ev.CompileEnded("job")]


class BrokenCompiler:
    def compile(self, _task: object, *, epoch: int) -> Product:
        raise SandboxFailed(f"in session {epoch}")
