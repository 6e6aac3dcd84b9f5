"""Looks for secrets in what programs have logged: every test is watched for them."""

import re
from collections.abc import Iterator
from pathlib import Path

# Masked ones end in three stars. So short a beginning of a secret is no use to anybody.
_LEAK = re.compile(r"(?:shb_[a-z]{3}_[a-z2-7]{10}_|/shared/[a-z2-7]{10})\w{6,}")
_LOGS = ("*.log", "*.err", "log")


def leaks(text: str) -> list[str]:
    """Return the tokens, codes and links in a text, without the rest of their secrets."""
    return [f"{found[:18]}…" for found in _LEAK.findall(text)]


def leaks_of_files(folder: Path) -> Iterator[str]:
    """Yield each log file below a folder that holds one."""
    for pattern in _LOGS:
        for file in folder.rglob(pattern):
            if file.is_file() and not file.is_symlink():
                found = leaks(file.read_text("utf-8", "replace"))
                if found:
                    yield f"{file}: {found[0]}"
