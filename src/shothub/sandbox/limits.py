"""What a guest gets to see and how much it may use."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

MEBIBYTE = 1 << 20

GuestKind = Literal["compile", "analyse", "attack"]


@dataclass(frozen=True, kw_only=True)
class GuestBinds:
    """Folders and files of the lab that guests may read; nothing may be written.

    Attributes:
        apparatus_name: labscript's own; names the package ``labscriptlib.<name>``.
        labscriptlib: folder whose modules become the package ``labscriptlib``.
        connection_table: file importable as ``connection_table`` and as
            ``labscriptlib.connection_table``.
        userlib: folders put into the profile's userlib by their own name, such as
            ``user_devices``, ``analysislib`` or ``pythonlib``.
        python_paths: further import roots, visible as a whole.
        preload: modules imported once, before any job, besides those that the lab's
            own files import.
    """

    apparatus_name: str = "apparatus"
    labscriptlib: Path | None = None
    connection_table: Path | None = None
    userlib: tuple[Path, ...] = ()
    python_paths: tuple[Path, ...] = ()
    preload: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GuestLimits:
    """Bounds of one run of a guest: seconds, bytes and counts.

    Attributes:
        wall: seconds by the clock, enforced by the host.
        cpu: seconds of processor time.
        memory: bytes that the run may use beyond what the warm process has.
        scratch: bytes of the folder in which the run works.
        temporary: bytes of ``/tmp``.
        threads: threads at once; further processes are never allowed.
        open_files: file descriptors.
        output: bytes of what the user prints that are kept.
        flood: bytes of print at which the run is ended.
        frames: number of frames.
        frame_bytes: bytes of all frames together.
        runs: runs after which the warm process is made anew.
    """

    wall: float = 60.0
    cpu: int = 45
    memory: int = 1536 * MEBIBYTE
    scratch: int = 256 * MEBIBYTE
    temporary: int = 64 * MEBIBYTE
    threads: int = 24
    open_files: int = 128
    output: int = 64 * 1024
    flood: int = 4 * MEBIBYTE
    frames: int = 500_000
    frame_bytes: int = 512 * MEBIBYTE
    runs: int = 500


class Frame(NamedTuple):
    """One frame as it came: see shothub.wire.guests."""

    kind: bytes
    head: bytes
    body: bytes


@dataclass(frozen=True, kw_only=True)
class GuestEnd:
    """How a run ended.

    Attributes:
        ok: the guest came to its end and says that it succeeded.
        reason: empty if the guest ended by itself (then frames of kind ``F`` say what
            was wrong), else ``wall_clock``, ``cpu``, ``memory``, ``output``, ``frames``,
            ``forbidden_syscall``, ``ended_early``, ``crashed``, ``killed``,
            ``guest_failed`` or ``sandbox_failed``.
        detail: the reason in words for the user.
        output: what the user's code printed, cut to the limit.
        seconds: how long the run took.
    """

    ok: bool
    reason: str = ""
    detail: str = ""
    output: str = ""
    seconds: float = 0.0
