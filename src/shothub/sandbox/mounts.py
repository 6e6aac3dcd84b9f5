"""The command line that makes a guest's world with bubblewrap."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shothub.domain.names import file_name
from shothub.sandbox import profile
from shothub.sandbox.interpreter import (
    import_root,
    interpreter_paths,
    library_paths,
    own_paths,
)
from shothub.sandbox.limits import GuestBinds

GUEST_UID = 1000
"""The uid that a guest believes to have when the host is an ordinary user."""

_DEVICES = ("/dev/null", "/dev/urandom")


class NoBubblewrap(RuntimeError):
    """The program bwrap is not installed (Debian: apt install bubblewrap)."""


@dataclass(frozen=True)
class World:
    """Arguments of a bubblewrap command and what they refer to.

    Attributes:
        arguments: the command up to the program.
        descriptors: open files that the command reads; to be passed on and closed.
        readable: what is visible, for Landlock.
    """

    arguments: list[str]
    descriptors: list[int]
    readable: list[str]


def world(binds: GuestBinds, *, uid: int) -> World:
    """Return the world of a guest whose warm process runs as ``uid``.

    Raises:
        NoBubblewrap: it is not installed.
        BadName: the apparatus has no plain name.
    """
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise NoBubblewrap
    visible = list(_visible(binds))
    temporary = _temporary_folder(target for _, target in visible)
    arguments = [bwrap, *_isolation(), *_environment()]
    arguments += ["--setenv", "TMPDIR", temporary]
    arguments += ["--setenv", "MPLCONFIGDIR", f"{temporary}/matplotlib"]
    written = list(_written(binds, uid))
    targets: list[str] = [*_DEVICES, *(target for _, target in visible)]
    targets += [target for target, _ in written]
    for folder in _parents(targets):
        arguments += ["--perms", "0755", "--dir", folder]
    arguments += _folders(temporary)
    for source, target in visible:
        arguments += ["--ro-bind", str(source), target]
    descriptors = []
    for target, text in written:
        descriptor = _memory_file(text)
        descriptors.append(descriptor)
        arguments += ["--perms", "0444", "--ro-bind-data", str(descriptor), target]
    arguments += ["--remount-ro", "/", "--chdir", "/scratch"]
    readable = ["/usr", "/etc", "/profile", *(target for _, target in visible)]
    return World(arguments, descriptors, readable)


def _isolation() -> list[str]:
    spaces = (
        "--unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try"
    )
    words = [
        *spaces.split(),
        "--new-session",
        "--clearenv",
        "--hostname",
        profile.HOST_NAME,
    ]
    if os.getuid() == 0:
        # Root binds what an unprivileged uid might not reach; the guest's first act is
        # to become that uid, for which it needs these and loses them by it.
        kept = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
        words += ["--cap-drop", "ALL", *(w for cap in kept for w in ("--cap-add", cap))]
    else:
        identity = str(GUEST_UID)
        words += [
            "--unshare-user",
            "--uid",
            identity,
            "--gid",
            identity,
            "--cap-drop",
            "ALL",
        ]
    return words


def _environment() -> Iterator[str]:
    for name, value in profile.ENVIRONMENT.items():
        yield from ("--setenv", name, value)


def _temporary_folder(targets: Iterable[str]) -> str:
    """Return the guest's folder for temporary files: one that hides nothing it needs.

    A checkout or an interpreter may itself lie below ``/tmp``.
    """
    usual = "/tmp"  # noqa: S108  (inside the guest's own world)
    hides = any(Path(target).is_relative_to(usual) for target in targets)
    return "/temporary" if hides else usual


def _folders(temporary: str) -> list[str]:
    folders = ["--proc", "/proc"]
    for folder in (temporary, "/scratch"):
        folders += ["--perms", "1777", "--size", str(1 << 20), "--tmpfs", folder]
    for device in _DEVICES:
        folders += ["--dev-bind", device, device]
    return folders


def _visible(binds: GuestBinds) -> Iterator[tuple[Path, str]]:
    """Yield what is bound read-only, and where; parents before what lies in them."""
    for path in (
        *library_paths(),
        *interpreter_paths(),
        *own_paths(),
        *binds.python_paths,
    ):
        yield path, str(path)
    timezones = Path("/usr/share/zoneinfo")
    if timezones.exists():
        yield timezones, str(timezones)
    for folder in binds.userlib:
        yield folder, f"{profile.USERLIB}/{file_name(folder.name)}"
    yield from _labscriptlib(binds)


def _labscriptlib(binds: GuestBinds) -> Iterator[tuple[Path, str]]:
    library = f"{profile.USERLIB}/labscriptlib"
    if binds.labscriptlib:
        # One by one, so that further files can stand beside them.
        for entry in sorted(binds.labscriptlib.iterdir()):
            if entry.name != "__pycache__" and not entry.name.startswith("."):
                yield entry, f"{library}/{entry.name}"
    if binds.connection_table:
        yield binds.connection_table, f"{profile.USERLIB}/connection_table.py"
        if not _has(binds, "connection_table.py"):
            yield binds.connection_table, f"{library}/connection_table.py"
        if not _has(binds, binds.apparatus_name):
            yield (
                binds.connection_table,
                f"{library}/{binds.apparatus_name}/connection_table.py",
            )


def _written(binds: GuestBinds, uid: int) -> Iterator[tuple[str, str]]:
    """Yield the files that are ours: where, and their text."""
    yield "/etc/passwd", profile.USERS.format(uid=uid)
    yield "/etc/hosts", profile.HOSTS
    ini = f"{profile.PROFILE}/labconfig/{profile.HOST_NAME}.ini"
    yield ini, profile.labconfig(file_name(binds.apparatus_name))
    if not _has(binds, "__init__.py"):
        yield f"{profile.USERLIB}/labscriptlib/__init__.py", ""


def _has(binds: GuestBinds, name: str) -> bool:
    return binds.labscriptlib is not None and (binds.labscriptlib / name).exists()


def _parents(targets: Iterable[str]) -> list[str]:
    """Return all folders above the targets; bubblewrap would close them to other uids."""
    parents = {str(above) for target in targets for above in Path(target).parents}
    return sorted(parents - {"/"}, key=len)


def _memory_file(text: str) -> int:
    descriptor = os.memfd_create("guest")
    os.set_inheritable(descriptor, True)
    os.write(descriptor, text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def guest_command(binds: GuestBinds) -> list[str]:
    """Return the program to run in the world, without its own arguments."""
    libraries = [profile.USERLIB, f"{profile.USERLIB}/pythonlib"]
    roots = [str(import_root()), *map(str, binds.python_paths), *libraries]
    start = (
        f"import sys; sys.path[1:1] = {roots!r}; "
        "from shothub.sandbox.guests.warm import main; main(sys.argv[1])"
    )
    return [sys.executable, "-I", "-B", "-c", start]
