"""Put the plugin into a lab's existing BLACS, and take it out again."""

import importlib.util
import re
import shutil
from pathlib import Path

_NAME = "shothub"
_SHIM = '''\
"""shothub's plugin; written by `shothub blacs --install`, removed by `--uninstall`."""

from shothub.suite.plugin.installed import Plugin

__all__ = ["Plugin"]
'''
_ENABLED = f"{_NAME} = True"


class NotInstallable(Exception):
    """BLACS is not installed here, or its labconfig has no place for plugins."""


def install_plugin(state: Path, labconfig: Path) -> Path:
    """Let the lab's own BLACS load the plugin when it next starts.

    Writes a folder of one small file into BLACS's plugins, and two lines into the
    labconfig; comments in it stay as they are.

    Args:
        state: state folder of the apparatus, where agent and plugin meet.
        labconfig: the lab's ``labconfig/<host>.ini``.

    Returns:
        The plugin's folder.

    Raises:
        NotInstallable: there is no BLACS, or no such labconfig.
    """
    folder = _plugins() / _NAME
    text = _read(labconfig)
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").write_text(_SHIM, encoding="ascii")
    _replace(labconfig, with_plugin(text, state.absolute()))
    return folder


def uninstall_plugin(labconfig: Path) -> None:
    """Undo ``install_plugin``.

    Raises:
        NotInstallable: there is no BLACS, or no such labconfig.
    """
    folder = _plugins() / _NAME
    text = _read(labconfig)
    if folder.exists():
        shutil.rmtree(folder)
    _replace(labconfig, without_plugin(text))


def with_plugin(text: str, state: Path) -> str:
    """Return a labconfig that enables the plugin for this state folder."""
    text = without_plugin(text)
    head = re.search(r"(?m)^\[BLACS/plugins\][^\n]*\n", text)
    if head:
        text = f"{text[: head.end()]}{_ENABLED}\n{text[head.end() :]}"
    else:
        text = f"{text.rstrip()}\n\n[BLACS/plugins]\n{_ENABLED}\n"
    place = str(state).replace("%", "%%")
    return f"{text.rstrip()}\n\n[{_NAME}]\nstate = {place}\n"


def without_plugin(text: str) -> str:
    """Return a labconfig that does not know the plugin."""
    text = re.sub(rf"(?m)^{_NAME}[ \t]*=[^\n]*\n", "", text)
    return re.sub(rf"(?ms)\n*^\[{_NAME}\].*?(?=^\[|\Z)", "\n", text)


def _plugins() -> Path:
    found = importlib.util.find_spec("blacs")
    if found is None or not found.submodule_search_locations:
        raise NotInstallable("BLACS is not installed in this Python")
    return Path(found.submodule_search_locations[0]) / "plugins"


def _read(labconfig: Path) -> str:
    try:
        return labconfig.read_text(encoding="utf-8")
    except OSError as error:
        raise NotInstallable(f"{labconfig}: {error.strerror}") from error


def _replace(labconfig: Path, text: str) -> None:
    fresh = labconfig.with_suffix(".ini.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(labconfig)
