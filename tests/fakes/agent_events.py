"""Events and states of an agent's session, as short as tests want them."""

from datetime import UTC, datetime

from shothub.agent.effects import Effect
from shothub.agent.events import (
    Event,
    Granted,
    Lease,
    Opened,
    PluginSaid,
    PluginUp,
    WorkCame,
)
from shothub.agent.session import handle
from shothub.agent.state import State
from shothub.domain.states import Outcome
from shothub.wire import plugin
from shothub.wire.agents import CompileTask

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def lease(fence: int, *, job: str = "job", until: float = 120.0) -> Lease:
    return Lease(shot=fence, job=job, index=fence, fence=fence, until=until)


def ahead(fence: int, *, job: str = "job", until: float = 200.0) -> Granted:
    """A shot granted ahead: attempt 100 + fence."""
    return Granted(
        shot=fence,
        job=job,
        index=fence,
        fence=fence,
        attempt=100 + fence,
        duration=5.0,
        until=until,
    )


def task(job: str = "job") -> CompileTask:
    return CompileTask(
        job=job,
        key="alice",
        day="2026-01-02",
        kind="procedure",
        source="bec_tof",
        max_shots=10,
    )


def said(report: plugin.Report) -> PluginSaid:
    return PluginSaid(report)


def blacs(
    state: str = "idle",
    *,
    attempt: int | None = None,
    offered: int | None = None,
    ordered: bool = False,
) -> PluginSaid:
    return said(
        plugin.State.model_validate(
            {
                "boot": "b",
                "blacs": state,
                "attempt": attempt,
                "offered": offered,
                "ordered": ordered,
            }
        )
    )


def taken(attempt: int) -> PluginSaid:
    return said(plugin.Taken(attempt=attempt, at=AT))


def begun(attempt: int) -> PluginSaid:
    return said(plugin.Begun(attempt=attempt, at=AT))


def ending(attempt: int) -> PluginSaid:
    return said(plugin.Ending(attempt=attempt))


def ended(attempt: int, outcome: Outcome = Outcome.DONE) -> PluginSaid:
    return said(plugin.Ended(attempt=attempt, outcome=outcome, at=AT))


def unheard(attempt: int) -> PluginSaid:
    return said(plugin.Unheard(attempt=attempt))


def work(epoch: int = 1, *leases: Lease, **more: object) -> WorkCame:
    return WorkCame(epoch=epoch, leases=leases, **more)  # type: ignore[arg-type]


def play(
    *events: Event, state: State | None = None, now: float = 0.0
) -> tuple[State, list[Effect]]:
    """Return the state after the events, and the effects of the last one."""
    effects: tuple[Effect, ...] = ()
    state = state or State()
    for event in events:
        state, effects = handle(state, event, now)
    return state, list(effects)


READY = (Opened(epoch=1), PluginUp(), blacs())
"""A session is open and BLACS is idle."""
