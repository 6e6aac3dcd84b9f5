"""The example lab as files: an apparatus folder that anyone may copy and change."""

import shutil
from pathlib import Path

LAB = Path(__file__).parent / "lab"


def make_lab(target: Path) -> None:
    """Copy the example lab into a new apparatus folder.

    Raises:
        FileExistsError: the folder is there already.
    """
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(LAB, target, ignore=ignored)
