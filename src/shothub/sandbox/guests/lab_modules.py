"""The lab's modules between the shots of a job."""

import ast
import functools
import sys
from pathlib import Path

LAB_MODULES = ("labscriptlib", "connection_table")


def forget_lab_modules() -> None:
    """Have the lab's modules run anew in the next shot if its table makes devices.

    A connection table that is a function may stay; one whose devices are made by
    importing it would make none the second time.
    """
    alike = [name for name in sys.modules if name.startswith(LAB_MODULES)]
    loaded = [name for name in alike if name.split(".", 1)[0] in LAB_MODULES]
    tables = (sys.modules[n] for n in loaded if n.split(".")[-1] == "connection_table")
    if any(module.__file__ and makes_devices(module.__file__) for module in tables):
        for name in loaded:
            del sys.modules[name]


@functools.cache
def makes_devices(path: str) -> bool:
    """Tell whether a module calls something when it is imported."""
    tree = ast.parse(Path(path).read_bytes())
    kinds = ast.Expr | ast.Assign | ast.For | ast.With
    statements = (s for s in tree.body if isinstance(s, kinds))
    return any(isinstance(node, ast.Call) for s in statements for node in ast.walk(s))
