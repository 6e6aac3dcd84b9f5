"""Which layers of protection this machine has, and in words which it lacks."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

from shothub.sandbox.cgroups import CgroupParents, find_parents
from shothub.sandbox.filters import guest_filter
from shothub.sandbox.guests.kernel import landlock_abi


@dataclass(frozen=True, kw_only=True)
class Layers:
    """What there is.

    Attributes:
        bubblewrap: path of the program, empty if it is not installed.
        user_namespaces: an unprivileged process may make one.
        seccomp: the filter can be made.
        landlock: version of the kernel's Landlock, 0 if it has none.
        cgroup: 2 (delegated), 1, or 0.
        own_uid: guests run under a uid of their own, not under the host's.
        missing: what is missing that guests cannot do without; each with its cure.
        weaker: what is missing that other layers make up for.
    """

    bubblewrap: str
    user_namespaces: bool
    seccomp: bool
    landlock: int
    cgroup: int
    own_uid: bool
    missing: tuple[str, ...]
    weaker: tuple[str, ...]

    @property
    def sufficient(self) -> bool:
        """Whether users' code may be run here."""
        return not self.missing


def probe() -> Layers:
    """Look at this machine; takes a few milliseconds."""
    bubblewrap = shutil.which("bwrap") or ""
    namespaces, landlock = _has_user_namespaces(bubblewrap), landlock_abi()
    seccomp, parents = _has_seccomp(), find_parents()
    own_uid = os.getuid() == 0
    missing = [
        *(
            []
            if sys.platform == "linux"
            else ["Linux (or WSL2) is needed for the sandbox"]
        ),
        *(
            []
            if bubblewrap
            else ["bubblewrap is not installed (Debian: apt install bubblewrap)"]
        ),
        *(
            []
            if namespaces or not bubblewrap  # through which it is probed
            else [
                "user namespaces are not allowed (Ubuntu: give bwrap an AppArmor profile; "
                "elsewhere: sysctl user.max_user_namespaces)"
            ]
        ),
        *(
            []
            if seccomp
            else ["libseccomp is not installed (Debian: apt install libseccomp2)"]
        ),
    ]
    return Layers(
        bubblewrap=bubblewrap,
        user_namespaces=namespaces,
        seccomp=seccomp,
        landlock=landlock,
        cgroup=parents.version,
        own_uid=own_uid,
        missing=tuple(missing),
        weaker=tuple(_weaker(landlock=landlock, parents=parents, own_uid=own_uid)),
    )


def _weaker(*, landlock: int, parents: CgroupParents, own_uid: bool) -> list[str]:
    found = []
    if not landlock:
        found.append(
            "the kernel has no Landlock (5.13 or newer): namespaces stand alone"
        )
    if not parents.version:
        found.append(f"{parents.missing}: memory is bounded per process only")
    if not own_uid:
        found.append(
            "guests run under the agent's own uid: start it as root, or as a user alone"
        )
    return found


def _has_seccomp() -> bool:
    try:
        return bool(guest_filter())
    except (OSError, RuntimeError):
        return False


def _has_user_namespaces(bubblewrap: str) -> bool:
    """Tell whether bubblewrap may make one; on some systems it needs a permit of its own."""
    nothing = shutil.which("true")
    if not bubblewrap or not nothing:
        return False
    world = ["--unshare-user", "--ro-bind", "/", "/"]
    tried = subprocess.run(  # noqa: S603  (the command is ours)
        [bubblewrap, *world, nothing], capture_output=True, check=False, env={}
    )
    return tried.returncode == 0
