"""Names that may become parts of paths, tables and URLs."""

import re
from datetime import date
from pathlib import PurePosixPath

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}")
_SLUG = re.compile(r"[a-z][a-z0-9_\-]{0,47}")

ID_ALPHABET = "abcdefghjkmnpqrstvwxyz23456789"
"""Letters and digits of job ids and keys: none is mistaken for another."""


class BadName(ValueError):
    """The name has characters that names of files, jobs or apparatus may not have."""


def is_file_name(name: str) -> bool:
    """Tell whether ``name`` is a plain file name: no folder, no leading dot, ASCII."""
    return bool(_FILE_NAME.fullmatch(name)) and ".." not in name


def file_name(name: str) -> str:
    """Return ``name`` if it is a plain file name.

    Raises:
        BadName: it is not.
    """
    if not is_file_name(name):
        raise BadName(f"{name[:60]!r} is not a plain file name")
    return name


def is_slug(name: str) -> bool:
    """Tell whether ``name`` may name an apparatus, a procedure or a user's key."""
    return bool(_SLUG.fullmatch(name))


def job_folder(*, key: str, source: str, day: date, job: str) -> PurePosixPath:
    """Return a job's folder below the shot storage, in labscript's own tree.

    ``<user key>/<procedure or script name>/<YYYY>/<MM>/<DD>/<job id>``
    """
    parts = (file_name(key), file_name(source), f"{day:%Y/%m/%d}", file_name(job))
    return PurePosixPath(*parts)


def shot_file(*, job: str, index: int, count: int) -> str:
    """Return the name of a shot's file; ``index`` runs from 0, padded as runmanager does."""
    digits = len(str(max(count - 1, 0)))
    return f"{file_name(job)}_{index:0{digits}d}.h5"
