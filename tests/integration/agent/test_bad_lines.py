"""Real processes on a bad line: cut, silent, repeating; all heals, nothing runs twice."""

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.fakes.agent_site import AgentSite, until
from tests.fakes.fake_blacs import FakeBlacs
from tests.fakes.tcp_proxy import TcpProxy, Trouble, Weather

from shothub.client import Job
from shothub.domain.states import JobState
from shothub.runtime import clock

HEALED = 60.0
"""Seconds after which nothing may be left of a cut."""


@pytest.fixture
def line(site: AgentSite, blacs: FakeBlacs) -> Iterator[TcpProxy]:
    """A line between agent and hub, with an agent that is connected through it."""
    with TcpProxy(site.port, seed=1) as proxy:
        site.line = proxy.url
        site.start_agent()
        yield proxy
        proxy.weather = Weather(random=random.Random(0))
        proxy.heal()
        blacs.go_on()
        site.stop_agent()
        site.line = ""


def sessions(line: TcpProxy) -> int:
    return sum("agent/sessions" in request for request in line.seen)


def each_once(blacs: FakeBlacs, job: Job, shots: int) -> None:
    assert job.state is JobState.DONE, job.view
    begun = Counter(path for path in blacs.begun if job.id in path)
    assert begun == dict.fromkeys(begun, 1)
    assert len(begun) == shots


@pytest.mark.parametrize("call", ["agent/poll", "/start", "/compiled", "/finish"])
def test_a_call_in_trouble_costs_nothing_but_time(
    site: AgentSite, blacs: FakeBlacs, line: TcpProxy, call: str
) -> None:
    for trouble in Trouble:
        line.plan(trouble, call, times=2)
        job = site.finished(site.submit(points=2))
        each_once(blacs, job, 2)
        assert all(shot.attempts == 1 for shot in job.shots()), trouble
        assert line.happened[trouble], trouble
    assert sessions(line) == 1


def test_in_bad_weather_every_shot_runs_once_and_every_result_arrives(
    site: AgentSite, blacs: FakeBlacs, line: TcpProxy
) -> None:
    line.weather = Weather(random=random.Random(7), chance=0.15, delay=0.1)
    job = site.finished(site.submit(points=4))
    each_once(blacs, job, 4)
    assert job.images("absorption").shape == (4, 3, 8, 10)
    assert sum(line.happened.values())


def test_a_cut_line_heals_in_time_within_the_same_session(
    site: AgentSite, blacs: FakeBlacs, line: TcpProxy
) -> None:
    blacs.stop_before("save")
    job = site.submit(points=3)
    assert blacs.reached["save"].wait(30)
    line.cut()
    blacs.go_on()
    until("the running shot has ended", lambda: blacs._desk.in_hand is None)
    clock.pause(8.0)
    assert len([path for path in blacs.begun if job.id in path]) == 1
    line.heal()
    healed = clock.monotonic()
    each_once(blacs, site.finished(job), 3)
    assert clock.monotonic() - healed < HEALED
    assert job.images("absorption").shape == (3, 3, 8, 10)
    assert sessions(line) == 1


@pytest.fixture
def offline(site: AgentSite) -> Iterator[None]:
    """The lab allows ten seconds of work without the hub."""
    config = site.lab / "apparatus.toml"
    text = config.read_text()
    config.write_text(text + "\n[link]\noffline_seconds = 10.0\n")
    yield
    config.write_text(text)


def test_a_block_granted_ahead_runs_through_a_cut(
    offline: None, site: AgentSite, blacs: FakeBlacs, line: TcpProxy
) -> None:
    blacs.stop_before("save")
    job = site.submit(points=4)
    assert blacs.reached["save"].wait(30)
    line.cut()
    blacs.go_on()
    until(
        "the block has run without the hub",
        lambda: len([path for path in blacs.begun if job.id in path]) >= 3,
    )
    line.heal()
    each_once(blacs, site.finished(job), 4)
    assert all(shot.attempts == 1 for shot in job.shots())


def test_an_agent_killed_with_a_block_in_hand_gives_it_back(
    offline: None, site: AgentSite, blacs: FakeBlacs, line: TcpProxy
) -> None:
    blacs.stop_before("save")
    job = site.submit(points=4)
    assert blacs.reached["save"].wait(30)
    site.kill_agent()
    site.start_agent()
    blacs.go_on()
    each_once(blacs, site.finished(job), 4)
