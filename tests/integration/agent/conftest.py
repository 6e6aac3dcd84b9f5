"""A real hub and real agents, as processes; a BLACS that tests can stop at any step."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.agent_site import AgentSite
from tests.fakes.fake_blacs import FakeBlacs
from tests.postgres import own_database


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentSite]:
    folder = tmp_path_factory.mktemp("site")
    folder.chmod(0o755)
    with own_database(), AgentSite(folder) as site:
        yield site


@pytest.fixture
def blacs(site: AgentSite) -> Iterator[FakeBlacs]:
    fake = FakeBlacs(site.state).start()
    yield fake
    fake.kill()


@pytest.fixture
def agent(site: AgentSite, blacs: FakeBlacs) -> Iterator[AgentSite]:
    """The site with an agent that is connected to the hub and to BLACS."""
    site.start_agent()
    yield site
    blacs.go_on()
    site.stop_agent()


@pytest.fixture
def state(site: AgentSite) -> Path:
    return site.state
