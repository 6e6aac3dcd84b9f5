"""Where the shots of compiled jobs lie."""

import glob
import threading
from collections import OrderedDict
from pathlib import Path

from pydantic import ValidationError

from shothub.agent import jobfile
from shothub.agent.jobfile import JobFile
from shothub.agent.journal import Journal

_KEPT = 32
_FOLDERS = "*/*/*/*/*/"
"""Between the root and a job's folder: key, source, year, month, day."""


class Shelf:
    """Finds shot files by job and index; remembers the jobs asked for last.

    Args:
        journal: knows the folders of the jobs that this agent compiled.
        storage: root of the shot files, where jobs are that another agent compiled.
    """

    def __init__(self, journal: Journal, storage: Path) -> None:
        self._journal = journal
        self._storage = storage
        self._mutex = threading.Lock()
        self._jobs: OrderedDict[str, tuple[Path, JobFile]] = OrderedDict()

    def put(self, job: str, folder: Path) -> None:
        """Remember a job that was compiled just now."""
        self._journal.note_job(job, folder)
        with self._mutex:
            self._jobs.pop(job, None)

    def folder(self, job: str) -> Path | None:
        """Return the folder of a job, if it is on this storage."""
        known = self._journal.folder_of(job)
        if known or not job:
            return known
        found = next(self._storage.glob(f"{_FOLDERS}{glob.escape(job)}"), None)
        if found:
            self._journal.note_job(job, found)
        return found

    def shot(self, job: str, index: int) -> tuple[Path, float] | None:
        """Return a shot's file and length in seconds; None if it is not here."""
        found = self._job(job)
        if found is None:
            return None
        folder, job_file = found
        if not 0 <= index < len(job_file.shots):
            return None
        path = job_file.shot_path(folder, index)
        return (path, job_file.shots[index].duration) if path.exists() else None

    def _job(self, job: str) -> tuple[Path, JobFile] | None:
        with self._mutex:
            if job in self._jobs:
                self._jobs.move_to_end(job)
                return self._jobs[job]
        folder = self.folder(job)
        if folder is None:
            return None
        try:
            found = folder, jobfile.read(folder)
        except (OSError, ValidationError):
            return None
        with self._mutex:
            self._jobs[job] = found
            while len(self._jobs) > _KEPT:
                self._jobs.popitem(last=False)
        return found
