"""Where the shots of compiled jobs lie."""

import threading
from collections import OrderedDict
from pathlib import Path

from pydantic import ValidationError

from shothub.agent import jobfile
from shothub.agent.jobfile import JobFile
from shothub.agent.journal import Journal

_KEPT = 32


class Shelf:
    """Finds shot files by job and index; remembers the jobs asked for last."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._mutex = threading.Lock()
        self._jobs: OrderedDict[str, tuple[Path, JobFile]] = OrderedDict()

    def put(self, job: str, folder: Path) -> None:
        """Remember a job that was compiled just now."""
        self._journal.note_job(job, folder)
        with self._mutex:
            self._jobs.pop(job, None)

    def folder(self, job: str) -> Path | None:
        """Return the folder of a job, if it was compiled here."""
        return self._journal.folder_of(job)

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
        folder = self._journal.folder_of(job)
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
