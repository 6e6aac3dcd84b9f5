"""Tries the known attacks on this machine's sandbox and says which were stopped."""

from collections.abc import Iterable
from dataclasses import dataclass

from shothub.sandbox.attacks import (
    ATTACKS,
    END_THE_GROUP,
    FIND_A_FILE,
    KEEP_A_FILE,
    Attack,
)
from shothub.sandbox.guests.confinement import ALL_GUARDS
from shothub.sandbox.limits import Frame, GuestBinds, GuestEnd, GuestLimits
from shothub.sandbox.zygote import Zygote

_BY_EXCEPTION = ("ended_early", "guest_failed")
_LIMITS = GuestLimits(wall=2.0, cpu=10)


@dataclass(frozen=True)
class Attempted:
    """An attack and its outcome.

    Attributes:
        name: what was tried.
        stopped: whether it failed, as it must.
        how: the reason why the run ended, or the last line that it printed.
    """

    name: str
    stopped: bool
    how: str


def selftest(attacks: Iterable[Attack] = ATTACKS) -> list[Attempted]:
    """Try all attacks in a fresh sandbox; about six seconds.

    Raises:
        SandboxFailed: there is no sandbox to try.
        NoBubblewrap: bwrap is not installed.
    """
    with Zygote("attack", GuestBinds(), _LIMITS) as zygote:
        attempts = [attempt(zygote, attack) for attack in attacks]
        return [*attempts, _leave_a_file(zygote), _end_the_group(zygote)]


def without(guards: Iterable[str], attack: Attack) -> Attempted:
    """Try an attack with some layers left out: the control that shows it is real."""
    left = [guard for guard in ALL_GUARDS if guard not in set(guards)]
    with Zygote("attack", GuestBinds(), _LIMITS, guards=left) as zygote:
        return attempt(zygote, attack)


def attempt(zygote: Zygote, attack: Attack) -> Attempted:
    """Run one attack."""
    end = _run(zygote, attack.source)
    worked = any(line.startswith("GOT") for line in end.output.splitlines())
    return Attempted(attack.name, stopped=not worked, how=_how(end))


def _leave_a_file(zygote: Zygote) -> Attempted:
    _run(zygote, KEEP_A_FILE)
    return attempt(zygote, Attack("find a file of the run before", FIND_A_FILE))


def _end_the_group(zygote: Zygote) -> Attempted:
    _run(zygote, END_THE_GROUP)
    after = _run(zygote, "print('alive')")
    return Attempted("end the warm process", stopped=after.ok, how=_how(after))


def _run(zygote: Zygote, source: str) -> GuestEnd:
    def ignore(_frame: Frame) -> None:
        pass

    return zygote.run_text(source.encode(), sink=ignore)


def _how(end: GuestEnd) -> str:
    lines = end.output.strip().splitlines()
    if end.reason and (end.reason not in _BY_EXCEPTION or not lines):
        return end.reason
    return lines[-1][:200] if lines else "nothing came of it"
