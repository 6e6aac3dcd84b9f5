"""The real agent as a process: its session, journal and outbox; the sandbox stands in."""

from collections.abc import Callable
from pathlib import Path

from tests.scenario.kills.guests import StandInAnalyst, StandInCompiler
from tests.scenario.kills.lab import prepared

from shothub.agent.agent import Agent
from shothub.agent.hub import AgentHub
from shothub.agent.main import FENCED, STOPPED
from shothub.agent.session import TAKEN_OVER
from shothub.runtime import logs
from shothub.suite.channel import PluginChannel
from shothub.wire.plugin import Report


def main(folder: Path, state: str, url: str, token: str) -> None:
    """Work until fenced or killed."""
    logs.configure("agent")
    ready = prepared(folder, state)

    def plugin(
        on_report: Callable[[Report], None], on_connection: Callable[[bool], None]
    ) -> PluginChannel:
        return PluginChannel(ready.state, on_report, on_connection)

    with AgentHub(url, token) as hub:
        agent = Agent(
            ready,
            hub=hub,
            plugin=plugin,
            compiling=StandInCompiler(),
            analysing=StandInAnalyst(),
        )
        reason = agent.run()
    raise SystemExit(FENCED if reason.startswith(TAKEN_OVER) else STOPPED)
