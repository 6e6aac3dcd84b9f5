"""Writes the script and the lab's used modules into a shot, as labscript does.

labscript's own function looks at the absolute path of every module there is, a quarter of
the time of a shot; this one writes the same and looks at the lab's modules only.
"""

import importlib
import sys
from pathlib import Path
from typing import Any

import h5py
from labscript.compiler import compiler

_LIBRARY = "labscriptlib"


def save_labscripts(file: h5py.File) -> None:
    """Take the place of labscript.labscript.save_labscripts."""
    path = Path(compiler.labscript_file)
    script = file.create_dataset("script", data=path.read_text())
    script.attrs["name"] = path.name.encode()
    script.attrs["path"] = str(path.parent).encode()
    try:
        library = importlib.import_module(_LIBRARY)
    except ImportError:
        return
    if library.__file__ is None:
        return
    folder = Path(library.__file__).parent
    for source in _sources(folder, sys.modules):
        file.create_dataset(
            f"{_LIBRARY}/{source.relative_to(folder)}", data=source.read_text()
        )


def _sources(folder: Path, modules: dict[str, Any]) -> list[Path]:
    prefix = f"{folder}/"
    files = {
        module.__file__: None
        for name, module in list(modules.items())
        if name.split(".", 1)[0] == _LIBRARY and getattr(module, "__file__", None)
    }
    return [
        Path(name) for name in files if name.startswith(prefix) and name.endswith(".py")
    ]
