"""The queue of an apparatus as values: shares, what waits, whose turn it is, what was used.

Times are seconds of POSIX time, machine time is in seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from shothub.domain import express
from shothub.domain.budgets import Window

HOUR = 3_600.0


class Service(StrEnum):
    """Classes of work, those first that go before the others.

    ``reserved`` and ``express`` are derived, never asked for. Safety and calibration are
    the lab's own.
    """

    SAFETY = "safety"
    CALIBRATION = "calibration"
    RESERVED = "reserved"
    EXPRESS = "express"
    NORMAL = "normal"
    SCAVENGER = "scavenger"


LAB = frozenset({Service.SAFETY, Service.CALIBRATION})
INTERRUPTING = frozenset({*LAB, Service.RESERVED, Service.EXPRESS})
"""Classes that get in at the next shot edge, whoever's turn it is."""


class Key(NamedTuple):
    """Whose share it is: a user within a group, or by himself."""

    group: int | None
    user: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the lab wants its machine shared; see wire.apparatus.QueuePolicy."""

    setup_share: float = 0.15
    round_seconds: float = 120.0
    express_credit: float = 120.0
    express_refill: float = 10.0
    express_share: float = 0.2
    calibration_share: float = 0.25
    half_life: float = 604_800.0
    memory: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What is remembered of a user or of a group.

    Attributes:
        tag: start tag among its siblings, seconds of virtual time.
        virtual_time: of the users within it, if it is a group.
        weight: part of the machine relative to its siblings.
        usage: machine seconds of the past as they counted at ``usage_at``.
        credit: express credit left at ``credit_at``, seconds; None: never touched.
    """

    tag: float = 0.0
    virtual_time: float = 0.0
    weight: float = 1.0
    usage: float = 0.0
    usage_at: float = 0.0
    credit: float | None = None
    credit_at: float = 0.0


NOBODY = Share()
"""A share of which nothing is known yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The job of a share that is first by the user's own order.

    Attributes:
        job: its id; empty if this is a session that waits for its turn.
        seconds: of one shot.
        shots: how many of it wait.
        config: configuration key; a change of it costs a switch.
        arrived: when it was submitted.
        session: id of the waiting session, if it is one.
    """

    job: str
    service: Service = Service.NORMAL
    seconds: float
    shots: int
    config: str = ""
    arrived: float
    session: str = ""

    @property
    def left(self) -> float:
        """Machine seconds of all its shots that wait."""
        return self.shots * self.seconds


_EXPRESS, _CALIBRATION = Window(express.SPAN), Window(HOUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The queue of one apparatus.

    Attributes:
        work: of each share that waits, its first job.
        lab: safety and calibration jobs that wait, in order of arrival.
        virtual_time: start tag of the one served last among groups and users without.
        serving: whose turn it is; ``burst`` seconds of it are used.
        config: configuration key of the shot that ran last.
        switch: measured mean cost of a change of configuration, seconds.
        express, calibration: what was spent of those budgets.
    """

    policy: Policy = Policy()
    shares: Mapping[Key, Share] = field(default_factory=dict)
    groups: Mapping[int, Share] = field(default_factory=dict)
    work: Mapping[Key, Work] = field(default_factory=dict)
    lab: tuple[tuple[Key, Work], ...] = ()
    virtual_time: float = 0.0
    serving: Key | None = None
    burst: float = 0.0
    config: str = ""
    switch: float = 0.0
    express: Window = _EXPRESS
    calibration: Window = _CALIBRATION

    def share(self, key: Key) -> Share:
        """Return what is remembered of a user."""
        return self.shares.get(key, NOBODY)

    def group(self, group: int) -> Share:
        """Return what is remembered of a group as a whole."""
        return self.groups.get(group, NOBODY)

    def top(self, key: Key) -> Share:
        """Return the user's group, or himself if he is in none."""
        return self.share(key) if key.group is None else self.group(key.group)

    def switch_to(self, work: Work) -> float:
        """Return the expected cost of the change that a job would cause, seconds."""
        return self.switch if work.config != self.config else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Who is next.

    Attributes:
        why: ``safety``, ``calibration``, ``reserved``, ``express``, ``turn`` (goes on),
            ``only`` (nobody else waits), ``least`` (has the smallest tag) or ``spare``
            (nobody else waits for the time; scavengers, and calibration over budget).
        seconds: how long this holds, if nobody arrives.
        rival: who would be next by tag, if it is his turn that another one keeps.
    """

    share: Key
    work: Work
    service: Service
    why: str
    seconds: float
    rival: Key | None = None

    @property
    def job(self) -> str:
        """The job whose shot is next; empty for a session."""
        return self.work.job


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Machine time that somebody took, measured or expected.

    Attributes:
        seconds: of the machine, with the setup that it caused.
        ended: when it ended.
        config: configuration key that it left behind.
    """

    share: Key
    service: Service
    seconds: float
    ended: float
    config: str
