"""What Linux offers for giving up rights, by way of the C library."""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

NEW_NS, NEW_IPC, NEW_USER, NEW_PID = 0x20000, 0x8000000, 0x10000000, 0x20000000

_PRIVATE_RECURSIVE = 0x40000 | 0x4000
_NO_SUID_DEV_EXEC = 2 | 4 | 8

_SET_PDEATHSIG, _SET_DUMPABLE, _CAPBSET_DROP, _SET_SECCOMP = 1, 4, 24, 22
_SET_NO_NEW_PRIVS, _FILTER = 38, 2
_SIGKILL = 9
_CAP_VERSION = 0x20080522

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_PATH_BENEATH = 1
_FS_RIGHTS_BY_ABI = ((5, 16), (3, 15), (2, 14), (1, 13))
_READ, _WRITE, _OF_FILES = 0xD, 0x61BE, 0x4007
"""Read: execute, read file, list. Write: those but execute, plus write, truncate, make
and remove files and folders. Of files: the rights that a plain file can have."""


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def become(uid: int) -> None:
    """Become ``uid`` for good: no groups, no capabilities, none to be regained."""
    libc = _libc()
    for capability in range(64):
        libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    # A process that changed its uid does not own its own /proc/self any more, which
    # making a user namespace needs.
    _check(libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0), "dumpable")


def unshare(flags: int) -> None:
    """Leave the shared namespaces; with NEW_USER, be uid 1000 of a new one."""
    uid, gid = os.getuid(), os.getgid()
    _check(_libc().unshare(flags), "unshare")
    if flags & NEW_USER:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"1000 {uid} 1"),
            ("gid_map", f"1000 {gid} 1"),
        ):
            Path("/proc/self", name).write_text(text)


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends."""
    _check(_libc().prctl(_SET_PDEATHSIG, _SIGKILL, 0, 0, 0), "die with parent")


def private_mounts() -> None:
    """Keep what is mounted from now on in this namespace."""
    _check(_libc().mount(b"none", b"/", None, _PRIVATE_RECURSIVE, None), "private")


def mount_scratch(
    folder: str, *, size: int, inodes: int = 8192, mode: str = "0700"
) -> None:
    """Mount an empty memory file system of at most ``size`` bytes."""
    options = f"size={size},nr_inodes={inodes},mode={mode}".encode()
    flags = _NO_SUID_DEV_EXEC
    _check(_libc().mount(b"tmpfs", folder.encode(), b"tmpfs", flags, options), folder)


def drop_capabilities() -> None:
    """Give up all capabilities in this user namespace."""
    libc = _libc()
    for capability in range(64):
        libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
    header = struct.pack("Ii", _CAP_VERSION, 0)
    _check(libc.capset(header, bytes(24)), "capset")


def landlock_abi() -> int:
    """Return the kernel's version of Landlock, 0 if it has none."""
    return max(0, int(_libc().syscall(_LANDLOCK_CREATE, None, 0, 1)))


def landlock(*, writable: Iterable[str], readable: Iterable[str]) -> int:
    """Allow these paths and nothing else: no TCP, no signals to outside.

    Returns:
        The version in force; 0 where the kernel has no Landlock.
    """
    abi = landlock_abi()
    if not abi:
        return 0
    libc = _libc()
    rights = (
        1 << next(bits for version, bits in _FS_RIGHTS_BY_ABI if abi >= version)
    ) - 1
    network, scope = (3 if abi >= 4 else 0), (3 if abi >= 6 else 0)
    length = 8 if abi < 4 else 16 if abi < 6 else 24
    attributes = struct.pack("QQQ", rights, network, scope)[:length]
    rules = libc.syscall(_LANDLOCK_CREATE, attributes, length, 0)
    _check(rules, "landlock")
    for paths, access in ((writable, _WRITE), (readable, _READ)):
        for path in paths:
            _allow(libc, rules, path, access & rights)
    libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _check(libc.syscall(_LANDLOCK_RESTRICT, rules, 0), "landlock")
    os.close(rules)
    return abi


def _allow(libc: ctypes.CDLL, rules: int, path: str, access: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not Path(path).is_dir():
        access &= _OF_FILES
    rule = struct.pack("=Qi", access, descriptor)
    _check(libc.syscall(_LANDLOCK_ADD, rules, _PATH_BENEATH, rule, 0), path)
    os.close(descriptor)


def install_filter(program: bytes) -> None:
    """Let this process make only the system calls that ``program`` allows."""
    libc = _libc()
    buffer = ctypes.create_string_buffer(program, len(program))
    pointer = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _check(libc.prctl(_SET_SECCOMP, _FILTER, pointer, 0, 0), "seccomp")
