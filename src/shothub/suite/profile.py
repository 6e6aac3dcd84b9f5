"""A labscript profile of an apparatus's own, beside the lab's other suites."""

import configparser
import os
import shutil
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

PORTS = (
    "BLACS",
    "lyse",
    "runviewer",
    "runmanager",
    "zlock",
    "zlog",
    "zprocess_remote",
)
_PLUGINS = {
    "connection_table": True,
    "cycle_time": False,
    "delete_repeated_shots": False,
    "general": True,
    "memory": False,
    "progress_bar": False,
    "theme": True,
}
_NOT_THE_SUITES = ("SHOTHUB_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def make_profile(
    home: Path,
    *,
    apparatus_name: str,
    connection_table: Path,
    shots: Path,
    user_devices: Sequence[Path | str] = (),
    pythonlib: Sequence[Path] = (),
) -> Path:
    """Write or renew the profile ``<home>/labscript-suite`` and return its folder.

    The suite's programs find it in the environment of ``suite_environment(home)``. They
    listen on ports that are free now and speak to this machine alone.

    Args:
        home: folder that the suite takes for the home folder, ``<state>/profile``.
        apparatus_name: labscript's own name for the machine.
        connection_table: the Python source; compiled, it lies in ``<home>/..`` as
            ``connection_table.h5``.
        shots: shot storage.
        user_devices: folders of device classes, each with its ``register_classes.py``,
            which are copied into the profile; or names of importable packages of such.
        pythonlib: further folders to import from.
    """
    suite = home.absolute() / "labscript-suite"
    userlib = suite / "userlib"
    for folder in (suite / "labconfig", suite / "logs", userlib, shots):
        folder.mkdir(parents=True, exist_ok=True)
    own_devices = userlib / "user_devices"
    _copy_devices(own_devices, (d for d in user_devices if isinstance(d, Path)))
    saved = suite / "app_saved_configs" / apparatus_name
    saved.mkdir(parents=True, exist_ok=True)
    packages = ["user_devices", *(d for d in user_devices if isinstance(d, str))]
    _write_labconfig(
        labconfig_file(home),
        defaults=_escaped(
            {
                "apparatus_name": apparatus_name,
                "shared_drive": str(shots.absolute()),
                "experiment_shot_storage": str(shots.absolute()),
                "userlib": str(userlib),
                "pythonlib": ",".join(str(folder.absolute()) for folder in pythonlib)
                or str(userlib / "pythonlib"),
                "labscriptlib": str(connection_table.absolute().parent),
                "analysislib": str(userlib / "analysislib"),
                "app_saved_configs": str(saved),
                "user_devices": ",".join(packages),
            }
        ),
        paths=_escaped(
            {
                "connection_table_h5": str(compiled_table(home.absolute().parent)),
                "connection_table_py": str(connection_table.absolute()),
            }
        ),
    )
    return suite


def compiled_table(state: Path) -> Path:
    """Return where the compiled connection table of an apparatus lies."""
    return state / "connection_table.h5"


def labconfig_file(home: Path) -> Path:
    """Return the labconfig file of the profile in ``home``: it is named by the host."""
    return home / "labscript-suite" / "labconfig" / f"{socket.gethostname()}.ini"


def refresh_ports(labconfig: Path) -> None:
    """Choose new ports if others have taken some of those in a profile of our own."""
    config = configparser.RawConfigParser()
    config.optionxform = str  # type: ignore[assignment, method-assign]
    config.read(labconfig)
    ports = {name: str(port) for name, port in _usable_ports(config).items()}
    if dict(config.items("ports")).items() >= ports.items():
        return
    config["ports"] = ports
    with labconfig.open("w", encoding="utf-8") as stream:
        config.write(stream)


def suite_environment(
    home: Path | None,
    *,
    offscreen: bool = False,
    base: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the environment in which the suite's programs run.

    labscript looks for its profile in ``Path("~" + getuser()).expanduser()``: with the
    user name ``/`` that is ``HOME``, here and in every child process.

    Args:
        home: parent of a profile made by ``make_profile``; None for the lab's own, which
            the suite finds by itself.
        offscreen: whether Qt is to work without a display.
        base: the environment to begin from, that of this process if None. Tokens of
            shothub and HTTP proxies are left out: the suite needs neither.
    """
    given = os.environ if base is None else base
    environment = {
        name: value
        for name, value in given.items()
        if not name.upper().startswith(_NOT_THE_SUITES)
    }
    if home is not None:
        here = str(home.absolute())
        environment |= {"HOME": here, "USERPROFILE": here, "LOGNAME": "/"}
    if offscreen:
        environment |= {"QT_QPA_PLATFORM": "offscreen"}
    return environment


def free_ports(count: int) -> list[int]:
    """Return different ports on which nobody listens now."""
    with ExitStack() as held:
        return [_bound(held, 0) for _ in range(count)]


def _bound(held: ExitStack, port: int) -> int:
    listener = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    if port and os.name == "posix":
        # Connections of a BLACS that has just ended do not make its port another's.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    return int(listener.getsockname()[1])


def _copy_devices(target: Path, folders: Iterable[Path]) -> None:
    target.mkdir(exist_ok=True)
    (target / "__init__.py").touch()
    for folder in folders:
        shutil.copytree(
            folder,
            target / folder.name,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )


def _write_labconfig(
    file: Path, *, defaults: Mapping[str, str], paths: Mapping[str, str]
) -> None:
    config = configparser.RawConfigParser()
    config.optionxform = str  # type: ignore[assignment, method-assign]
    config.read(file)
    ports = _usable_ports(config)
    plugins = config["BLACS/plugins"] if config.has_section("BLACS/plugins") else {}
    sections: dict[str, Mapping[str, object]] = {
        "DEFAULT": defaults,
        "paths": paths,
        "servers": {"zlock": "localhost", "runmanager": "localhost"},
        "ports": ports,
        "timeouts": {"communication_timeout": 60},
        "programs": {
            "text_editor": "gedit",
            "text_editor_arguments": "{file}",
            "hdf5_viewer": "hdfview",
            "hdf5_viewer_arguments": "{file}",
        },
        "labscript": {"save_hg_info": False, "save_git_info": False},
        # No shared secret and not insecure: plain messages, from this machine alone.
        "security": {"allow_insecure": False},
        "BLACS/plugins": _PLUGINS | dict(plugins),
        "lyse": {"integer_indexing": False},
        "runmanager": {
            "output_folder_format": "%%Y/%%m/%%d/{sequence_index:04d}",
            "filename_prefix_format": "%%Y-%%m-%%d_{sequence_index:04d}_"
            "{script_basename}",
        },
    }
    fresh = configparser.RawConfigParser()
    fresh.optionxform = str  # type: ignore[assignment, method-assign]
    for name, options in sections.items():
        fresh[name] = {key: str(value) for key, value in options.items()}
    with file.open("w", encoding="utf-8") as stream:
        fresh.write(stream)


def _escaped(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value.replace("%", "%%") for name, value in values.items()}


def _usable_ports(config: configparser.RawConfigParser) -> dict[str, int]:
    """Keep the ports chosen before as long as nobody else took one of them."""
    try:
        kept = {name: config.getint("ports", name) for name in PORTS}
        with ExitStack() as held:
            for port in kept.values():
                _bound(held, port)
    except (configparser.Error, ValueError, OSError):
        return dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    return kept
