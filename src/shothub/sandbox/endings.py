"""From an exit status to words that tell a user why his run was ended."""

import signal

from shothub.sandbox.guests.confinement import GUEST_FAILED
from shothub.sandbox.limits import GuestLimits

_BY_SIGNAL = {
    signal.SIGSYS: "forbidden_syscall",
    signal.SIGXCPU: "cpu",
    signal.SIGSEGV: "crashed",
    signal.SIGBUS: "crashed",
    signal.SIGABRT: "crashed",
    signal.SIGFPE: "crashed",
    signal.SIGILL: "crashed",
}


def reason_of(status: int, *, ended: bool, out_of_memory: bool) -> str:
    """Return why a run ended that the host did not end; empty if all is well.

    Args:
        status: exit status; 128 + the signal's number after a signal.
        ended: the guest sent its last frame.
        out_of_memory: the kernel says that memory ran out.
    """
    if out_of_memory:
        return "memory"
    if status == GUEST_FAILED:
        return "guest_failed"
    if status > 128:
        try:
            return _BY_SIGNAL.get(signal.Signals(status - 128), "killed")
        except ValueError:
            return "ended_early"
    return "" if ended and status == 0 else "ended_early"


def words_for(reason: str, limits: GuestLimits) -> str:
    """Return a sentence for the user."""
    mebibytes = limits.memory >> 20
    return {
        "": "",
        "wall_clock": f"It took longer than {limits.wall:g} s. Is there an endless loop?",
        "cpu": f"It used more than {limits.cpu} s of processor time. Is there an endless loop?",
        "memory": f"It needed more than {mebibytes} MB of memory.",
        "output": f"It printed more than {limits.flood >> 20} MB.",
        "frames": "It sent more results than a job may have, or malformed ones.",
        "forbidden_syscall": "It asked the system for something that is not allowed here.",
        "ended_early": "It ended the process itself, without coming to an end (os._exit?).",
        "guest_failed": "What runs it failed; the printed words may tell why.",
        "crashed": "The Python interpreter crashed, in a compiled extension.",
        "killed": "The system ended it; most likely it ran out of memory or time.",
        "sandbox_failed": "The sandbox of the lab failed; this is not the script's fault.",
    }[reason]
