"""Which folders a Python interpreter and this package need, found at run time."""

import os
import site
import sys
import sysconfig
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_SYSTEM = (Path("/"), Path("/usr"), Path("/usr/local"))
_PACKAGES_OF_GUESTS = ("__init__.py", "domain", "wire", "runtime", "sandbox", "sim")


def interpreter_paths() -> tuple[Path, ...]:
    """Return what must be visible so that this interpreter starts with its packages."""
    wanted = [Path(sys.executable)]
    for prefix in dict.fromkeys((Path(sys.prefix), Path(sys.base_prefix))):
        wanted += _system_parts(prefix) if prefix in _SYSTEM else [prefix]
    wanted += [Path(path) for path in site.getsitepackages()]
    return outermost(with_link_targets(wanted))


def _system_parts(prefix: Path) -> list[Path]:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = sysconfig.get_config_var("LDLIBRARY")
    folder = Path(sysconfig.get_config_var("LIBDIR") or prefix / "lib")
    return [
        Path(sysconfig.get_path("stdlib")),
        Path(sysconfig.get_path("platstdlib")),
        prefix / "lib" / version,
        prefix / "lib" / "python3",
        *([folder / library] if library else []),
    ]


def library_paths() -> tuple[Path, ...]:
    """Return the folders of the system's shared libraries."""
    multiarch = sysconfig.get_config_var("MULTIARCH")
    folders = [Path("/usr/lib64"), Path("/lib64"), Path("/etc/ld.so.cache")]
    if multiarch:
        folders += [Path("/usr/lib", multiarch), Path("/lib", multiarch)]
    else:
        folders += [Path("/usr/lib")]
    return outermost([path for path in folders if path.exists()])


def own_paths() -> tuple[Path, ...]:
    """Return the parts of this package that guests need, when it is a checkout.

    An installed package lies in the interpreter's own folders and needs nothing.
    """
    if any(_PACKAGE.is_relative_to(path) for path in interpreter_paths()):
        return ()
    parts = [_PACKAGE / name for name in _PACKAGES_OF_GUESTS]
    return tuple(part for part in parts if part.exists())


def import_root() -> Path:
    """Return the folder that guests must have on their path to import this package."""
    return _PACKAGE.parent


def with_link_targets(paths: list[Path]) -> list[Path]:
    """Return ``paths`` with, after each, all that its symbolic links lead to."""
    return [step for path in paths for step in _chain(path) if step.exists()]


def _chain(path: Path) -> list[Path]:
    steps = [path]
    while path.is_symlink() and len(steps) < 40:
        path = Path(os.path.normpath(path.parent / path.readlink()))
        steps.append(path)
    return [*steps, path.resolve()]


def outermost(paths: list[Path]) -> tuple[Path, ...]:
    """Return ``paths`` in order of depth, without those that lie in another one."""
    kept: list[Path] = []
    for path in sorted(dict.fromkeys(paths), key=lambda p: len(p.parts)):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return tuple(kept)
