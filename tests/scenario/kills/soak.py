"""The kill harness: users submit, machines run, and everything is killed all the time.

``python -m tests.scenario.kills.soak`` reads its parameters from SOAK_* (see ``Settings``),
prints a line of progress every few seconds and one JSON line in the end.
"""

import json
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx
from pydantic_settings import BaseSettings, SettingsConfigDict
from tests.fakes.tcp_proxy import TcpProxy, Weather
from tests.scenario.kills.apparatus import STATES, ApparatusProcesses, choose
from tests.scenario.kills.audit import Report, audit, read_oracles
from tests.scenario.kills.hub import PATIENCE, HubProcess
from tests.scenario.kills.processes import warm_context
from tests.scenario.kills.users import Orders, Submitter, Wanted, manner

from shothub.client import Hub
from shothub.runtime import clock

KILLS = {"agent": 40.0, "machine": 35.0, "hub": 12.0, "database": 10.0}
OTHER = {"pause": 8.0, "cut": 3.0}
HEALING = 300.0
MANY = 5
"""Shots that a newer agent runs before the older one wakes up: more than it had leased."""
LOOK = 2.0
STALLED = 30.0
"""Seconds in which no machine began a shot, after which people start what they had forgotten."""


class Settings(BaseSettings):
    """What one run does; each from the environment, as ``SOAK_SHOTS=1000``.

    Attributes:
        shots: how many are submitted, over all users and apparatus.
        kills: how many SIGKILLs are spread over them.
        machines: apparatus at one hub.
        users: each submits to every apparatus.
        ahead: shots that each user keeps waiting at each apparatus.
        seed: of all that is random.
        trouble: chance that the network does something to an exchange.
        take_overs: how often one agent takes over from another that hangs, as a weight
            beside those of ``KILLS``.
        fenced: whether the hub fences; the control says no.
        folder: where everything lies; a new temporary folder if empty.
        seconds: submit nothing more after so long; 0 for never. Without fences: end then,
            or as soon as a shot has begun twice.
    """

    model_config = SettingsConfigDict(env_prefix="SOAK_", frozen=True)

    shots: int = 100_000
    kills: int = 1_000
    machines: int = 4
    users: int = 3
    ahead: int = 40
    seed: int = 1
    trouble: float = 0.01
    take_overs: float = 10.0
    fenced: bool = True
    folder: str = ""
    seconds: float = 0.0


@dataclass
class Deeds:
    """What was done to the processes, by name."""

    done: Counter[str] = field(default_factory=Counter)

    @property
    def kills(self) -> int:
        """How many processes were killed."""
        return sum(self.done[name] for name in KILLS)


class Site:
    """Hub, proxy, apparatus and users of one run."""

    def __init__(self, settings: Settings, folder: Path, stack: ExitStack) -> None:
        self.settings = settings
        self.chance = random.Random(settings.seed)
        self.hub = HubProcess(folder, fenced=settings.fenced)
        self.hub.start()
        stack.callback(self.hub.kill)
        self.hub.wait_until_it_answers()
        users = [f"user{i}" for i in range(settings.users)]
        machines = [f"machine{i}" for i in range(settings.machines)]
        tokens = self.hub.enrol(users, machines)
        self.proxy = stack.enter_context(TcpProxy(self.hub.port, seed=settings.seed))
        context = warm_context()
        self.apparatus = [
            ApparatusProcesses(context, folder, name, self.proxy.url, tokens[name])
            for name in machines
        ]
        for one in self.apparatus:
            stack.callback(one.end)
            one.start()
        self._wait_for_agents()
        self.operator = stack.enter_context(
            httpx.Client(
                base_url=f"http://127.0.0.1:{self.hub.port}/api/v1/",
                headers={"Authorization": f"Bearer {tokens['operator']}"},
                timeout=30.0,
            )
        )
        self.orders = Orders(left=settings.shots)
        self.submitters = [
            Submitter(
                stack.enter_context(Hub(self.proxy.url, tokens[user], manner=manner())),
                user=user,
                apparatus=machine,
                orders=self.orders,
                chance=random.Random(f"{settings.seed} {user} {machine}"),
                ahead=settings.ahead,
            )
            for user in users
            for machine in machines
        ]
        for submitter in self.submitters:
            stack.callback(submitter.close)

    def _wait_for_agents(self) -> None:
        """A job is only taken once the apparatus has described itself."""
        log = self.apparatus[0].folder.parent
        deadline = clock.monotonic() + PATIENCE
        for one in self.apparatus:
            file = log / f"{one.name}.agent.log"
            while not (file.exists() and "epoch=" in file.read_text()):
                if clock.monotonic() > deadline:
                    raise AssertionError(f"no session: see {file}")
                clock.pause(0.1)

    @property
    def ended(self) -> int:
        """How many shots belong to jobs that have ended."""
        return sum(submitter.ended for submitter in self.submitters)

    @property
    def all_ended(self) -> bool:
        """Tell whether all shots were submitted and have ended."""
        ended = all(submitter.finished for submitter in self.submitters)
        return ended and not self.orders.left

    @property
    def runs(self) -> int:
        """How many shots the machines have begun."""
        return sum(one.runs for one in self.apparatus)

    @property
    def oracles(self) -> list[Path]:
        """The logs of all machines."""
        return [one.oracle for one in self.apparatus]

    @property
    def wanted(self) -> list[Wanted]:
        """All jobs that were ever submitted."""
        return [wish for submitter in self.submitters for wish in submitter.wanted]

    def look_after(self) -> None:
        """Start what was killed; fail if anything failed by itself."""
        for one in self.apparatus:
            one.look_after()
        for submitter in self.submitters:
            if submitter.failure:
                raise AssertionError("a user failed") from submitter.failure

    def lift_holds(self) -> None:
        """Say, as an operator, that it is well that agents took over from each other."""
        for one in self.apparatus:
            # If the hub or its database has just been killed, the next time will do.
            with suppress(httpx.TransportError):
                answer = self.operator.post(f"apparatus/{one.name}/lift-hold")
                if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                    answer.raise_for_status()

    def start_forgotten(self) -> None:
        """Start the other agents where results wait with one that is not there."""
        for one in self.apparatus:
            other = next(state for state in STATES if state != one.state)
            if one.undelivered(other) and not one.has_zombie:
                one.swap_agents()

    # What is done to the processes.

    def kill_agent(self) -> None:
        self._some().kill_agent()

    def kill_machine(self) -> None:
        self._some().kill_machine()

    def kill_hub(self) -> None:
        self.hub.kill()
        clock.pause(self.chance.uniform(0, 0.3))
        self.hub.start()
        self.hub.wait_until_it_answers()

    def kill_backend(self) -> None:
        self.hub.kill_backend(self.chance)

    def take_over(self) -> None:
        """Hang one agent, let another take its place, and wake the first one up."""
        one = self._some()
        if one.has_zombie:
            return
        one.take_over()
        before, until = one.runs, clock.monotonic() + self.chance.uniform(1, 6)
        while one.runs < before + MANY and clock.monotonic() < until:
            clock.pause(0.05)
        if self.chance.random() < 0.5 or not self.settings.fenced:
            one.kill_agent()
        one.wake_zombies()

    def pause_some(self) -> None:
        """Let one process sleep for a moment."""
        one, what = self._some(), self.chance.choice(["agent", "machine"])
        one.pause(what, on=True)
        clock.pause(self.chance.uniform(0.05, 2))
        one.pause(what, on=False)

    def cut(self) -> None:
        """Cut all connections to the hub for a moment."""
        self.proxy.cut()
        clock.pause(self.chance.uniform(0.05, 2))
        self.proxy.heal()

    def _some(self) -> ApparatusProcesses:
        return self.chance.choice(self.apparatus)


def run(settings: Settings, folder: Path) -> tuple[Report, dict[str, object]]:
    """Do one run; return the audit's report and the figures of the run."""
    with ExitStack() as stack:
        site = Site(settings, folder, stack)
        deeds, began = Deeds(), clock.monotonic()
        site.proxy.weather = Weather(
            random=random.Random(settings.seed), chance=settings.trouble, delay=0.002
        )
        for submitter in site.submitters:
            submitter.start()
        _disturb(site, deeds, began)
        site.proxy.weather = Weather(random=random.Random(0))
        if settings.fenced:
            _heal(site)
        spent = clock.monotonic() - began
        for submitter in site.submitters:
            submitter.close()
        for one in site.apparatus:
            one.end_agents()
        refused = [text for one in site.apparatus for text in one.refused()]
        tables = site.hub.dump()
        runs = read_oracles(site.oracles)
        report = audit(tables, runs, site.wanted)
        if settings.fenced:
            report.lost += [f"refused for good: {text}" for text in refused]
        return report, _figures(site, report, deeds, spent)


def _disturb(site: Site, deeds: Deeds, began: float) -> None:
    """Kill until all shots have ended."""
    settings, chance = site.settings, site.chance
    acts = {
        "agent": site.kill_agent,
        "machine": site.kill_machine,
        "hub": site.kill_hub,
        "database": site.kill_backend,
        "take over": site.take_over,
        "pause": site.pause_some,
        "cut": site.cut,
    }
    weights = {name: w for name, w in (KILLS | OTHER).items() if name in acts}
    weights["take over"] = settings.take_overs
    if not site.hub.on_postgresql:
        del weights["database"]
    shown = progress = looked = clock.monotonic()
    ran = 0
    while not site.all_ended and not _proved(site, began):
        if deeds.kills < _due(site):
            name = choose(weights, chance)
            acts[name]()
            deeds.done[name] += 1
        clock.pause(chance.uniform(0, 0.1))
        site.look_after()
        now = clock.monotonic()
        if now - looked > LOOK and site.runs != ran:
            ran, progress = site.runs, now
        if now - looked > LOOK:
            looked = now
            site.lift_holds()
        if now - progress > STALLED:
            progress = now
            site.start_forgotten()
            deeds.done["start forgotten"] += 1
        if now - shown > 10:
            shown = now
            _show(site, deeds, now - began)
        if settings.seconds and now - began > settings.seconds:
            site.orders.stop()


def _due(site: Site) -> float:
    """Return how many kills there should have been by now: some from the beginning.

    All of them by the time that 19 shots of 20 have ended.
    """
    settings = site.settings
    if not settings.fenced:
        return settings.kills
    done = max(site.runs, site.ended) / max(1, settings.shots)
    return settings.kills * min(1.0, max(done / 0.95, 0.01))


def _proved(site: Site, began: float) -> bool:
    """Tell whether a run without fences has shown what it is to show, or cannot."""
    if site.settings.fenced:
        return False
    if clock.monotonic() - began > site.settings.seconds:
        return True
    runs = Counter(run["path"] for run in read_oracles(site.oracles))
    return max(runs.values(), default=0) > 1


def _heal(site: Site) -> None:
    """Let both agents of each apparatus deliver what they have, and all jobs end."""
    deadline = clock.monotonic() + HEALING
    for one in site.apparatus:
        for _ in STATES:
            while one.undelivered(one.state) and clock.monotonic() < deadline:
                clock.pause(0.2)
                site.look_after()
                site.lift_holds()
            one.swap_agents()


def _show(site: Site, deeds: Deeds, spent: float) -> None:
    shots, kills = site.settings.shots, site.settings.kills
    rate = site.ended / spent
    sys.stderr.write(
        f"{spent:7.0f} s  {site.ended:7,} of {shots:,} shots  {rate:5.1f}/s"
        f"  {deeds.kills:5,} of {kills:,} kills  {dict(deeds.done)}\n"
    )
    sys.stderr.flush()


def _figures(
    site: Site, report: Report, deeds: Deeds, spent: float
) -> dict[str, object]:
    return {
        **report.figures,
        "kills": deeds.kills,
        "deeds": dict(sorted(deeds.done.items())),
        "network_troubles": sum(site.proxy.happened.values()),
        "double_starts": len(report.double_starts),
        "restarts": len(report.restarts),
        "lost": len(report.lost),
        "misfiled": len(report.misfiled),
        "wrong_counters": len(report.wrong_counters),
        "seconds": round(spent),
        "shots_per_s": round(report.figures["shots"] / spent, 1),
        "database": "postgresql" if site.hub.on_postgresql else "sqlite",
        "fenced": site.settings.fenced,
        "seed": site.settings.seed,
    }


@contextmanager
def folder_of(settings: Settings) -> Iterator[Path]:
    """Give the run's folder; one of our own making is removed if all went well."""
    if settings.folder:
        folder = Path(settings.folder)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    yield folder
    shutil.rmtree(folder)


def main() -> int:
    """Run as the environment says; 0 if nothing was wrong."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    settings = Settings()
    with folder_of(settings) as folder:
        sys.stderr.write(f"{settings}\nin {folder}\n")
        report, figures = run(settings, folder)
        for fault in report.faults[:50]:
            sys.stderr.write(f"WRONG: {fault}\n")
        sys.stdout.write(json.dumps(figures) + "\n")
        if report.faults:
            raise SystemExit(1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
