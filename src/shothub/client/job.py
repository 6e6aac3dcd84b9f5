"""A job of the user: where it is, waiting for it, and what came of it."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Self

from pydantic import JsonValue

from shothub.client import calls, displays, downloads
from shothub.client.connection import Connection
from shothub.client.errors import (
    Conflict,
    JobCancelled,
    JobFailed,
    MissingPart,
    Refused,
    StillUnfinished,
)
from shothub.client.figures import Figure
from shothub.client.progress import Watcher, watcher
from shothub.domain.faults import Fault
from shothub.domain.states import JobState
from shothub.wire.jobs import (
    EventView,
    FileView,
    JobView,
    LogView,
    ResultTable,
    ShotView,
)

if TYPE_CHECKING:
    import pandas as pd

    from shothub.client.arrays import Pixels

LONG_POLL = 30.0
QUEUE_POLL = 5.0
_AT_ONCE = 0.2


class Job:
    """A job, found again by its id on any day and from any machine.

    Attributes:
        view: the job as the hub last described it.
    """

    def __init__(self, connection: Connection, view: JobView) -> None:
        self._connection = connection
        self.view = view

    @property
    def id(self) -> str:
        """The job id."""
        return self.view.id

    @property
    def name(self) -> str:
        """The name that the user gave."""
        return self.view.name

    @property
    def state(self) -> JobState:
        """The state as last heard of; `status` asks the hub."""
        return self.view.state

    @property
    def submitted(self) -> datetime:
        """When the hub took the job."""
        return self.view.submitted

    @property
    def ended(self) -> bool:
        """Whether the job, as last heard of, will not change any more."""
        return displays.has_ended(self.view)

    def status(self) -> JobState:
        """Ask the hub for the state."""
        return self.refresh().state

    def refresh(self) -> Self:
        """Ask the hub for the job as it is now."""
        self.view = self._connection.do(calls.get_job(self.id))
        return self

    def wait(
        self,
        timeout: float | None = None,
        *,
        progress: bool = True,
        raise_on_failure: bool = True,
    ) -> Self:
        """Wait until the job has ended, through broken networks too.

        Args:
            timeout: seconds to wait at most; None waits for ever.
            progress: show how it goes on: a bar in terminals, a line in notebooks.
            raise_on_failure: raise when the job failed or was cancelled.

        Raises:
            StillUnfinished: the time is over; the job goes on.
            JobFailed: it failed; the exception holds the faults.
            JobCancelled: it was cancelled, or expired.
        """
        with watcher(progress=progress) as shown:
            shown.show(self.view)
            for _ in self.changes(timeout, shown):
                pass
        if raise_on_failure:
            self.raise_if_failed()
        return self

    def changes(
        self, timeout: float | None = None, shown: Watcher | None = None
    ) -> Iterator[JobView]:
        """Yield the job each time it or its place in the queue changes, until it ends.

        Args:
            timeout: seconds after which to stop; None never stops.
            shown: shows the job, and tells when the hub cannot be reached.

        Raises:
            StillUnfinished: the time is over; the job goes on.
        """
        clock = self._connection.manner.monotonic
        end = None if timeout is None else clock() + timeout
        while not self.ended:
            left = None if end is None else max(0.0, end - clock())
            known = self.view
            self._look_again(left, shown)
            if shown:
                shown.show(self.view)
            if self.view != known:
                yield self.view
            elif left is not None and clock() + _AT_ONCE >= (end or 0.0):
                raise StillUnfinished(self.view, displays.progress_text(self.view))

    def _look_again(self, left: float | None, shown: Watcher | None) -> None:
        """Ask for a newer revision, which the hub holds back until there is one."""
        manner, known = self._connection.manner, self.view
        # Its place, and what keeps it waiting, change without a new revision.
        waits = known.state in {JobState.SUBMITTED, JobState.QUEUED}
        longest = QUEUE_POLL if waits else LONG_POLL
        wait = longest if left is None else min(longest, left)
        asked = manner.monotonic()
        self.view = self._connection.do(
            calls.get_job(self.id, wait=wait, since=known.rev),
            self._connection.tries(left, shown.note if shown else None),
        )
        if self.view.rev == known.rev and manner.monotonic() - asked < min(1.0, wait):
            # A hub that does not hold the answer back must not be asked in a frenzy.
            manner.pause(min(1.0, wait))

    def raise_if_failed(self) -> None:
        """Raise when the job is known to have failed or been cancelled.

        Raises:
            JobFailed: it failed; the exception holds the faults.
            JobCancelled: it was cancelled, or expired.
        """
        if self.state == JobState.FAILED:
            raise JobFailed(self.view)
        if self.state in {JobState.CANCELLED, JobState.EXPIRED}:
            raise JobCancelled(self.view)

    def cancel(self, *, abort: bool = False) -> Self:
        """Cancel the job: no further shot starts; a running one ends first.

        Args:
            abort: have the running shot aborted in BLACS instead.

        Raises:
            Conflict: it has ended already.
        """
        try:
            self.view = self._connection.do(calls.cancel(self.id, abort=abort))
        except Conflict:
            # A repeated request whose first answer was lost finds the job cancelled.
            if self.status() not in {JobState.CANCELLED, JobState.CANCELLING}:
                raise
        return self

    def results(self, *, multiindex: bool = False) -> "pd.DataFrame":
        """Return the results so far: one row per shot, NaN where missing.

        The index is the shot index; the column ``shot_state`` tells why a row has no
        results; then come globals (``tof``) and what routines saved
        (``atom_number.atoms``). ``attrs["units"]`` has units by column,
        ``attrs["failures"]`` tells which routines failed and why.

        Args:
            multiindex: name columns by tuples, as lyse's dataframe does.
        """
        from shothub.client.tables import frame  # noqa: PLC0415 (pandas takes a second)

        return frame(self.result_table(), multiindex=multiindex)

    def result_table(self) -> ResultTable:
        """Return the results as the hub sends them, without pandas."""
        return self._connection.do(calls.results(self.id))

    def multishot(self) -> dict[str, dict[str, JsonValue]]:
        """Return what multi-shot routines saved, by routine and name."""
        return self.result_table().multishot

    def image_labels(self) -> list[str]:
        """Return the names of the images that the shots have."""
        return sorted({file.label for file in self._image_files()})

    def images(self, label: str | None = None) -> "Pixels":
        """Return images as one array (shots, frames, y, x).

        Frames are in the order atoms, light, dark; others follow by name. With shots
        missing it is a masked array in which these are masked, else an ordinary one.

        Args:
            label: name of the image, e.g. ``absorption``; may be left out if there is
                only one.

        Raises:
            Refused: there are several images, or their shapes differ from shot to shot.
            NotFound: there is no such image.
        """
        from shothub.client.arrays import stack  # noqa: PLC0415 (numpy takes its time)

        return stack(self.images_by_shot(label), shots=self.refresh().view.shots or 0)

    def images_by_shot(self, label: str | None = None) -> "dict[int, Pixels]":
        """Return images by shot index, each (frames, y, x), of any shapes."""
        from shothub.client.arrays import read_archive  # noqa: PLC0415 (see images)

        label = label or self.only_image_label()
        with TemporaryFile() as archive:
            call = calls.image_archive(self.id, label)
            downloads.receive(self._connection, call, archive)
            return read_archive(archive)

    def _image_files(self) -> list[FileView]:
        return self._connection.do(calls.images(self.id))

    def only_image_label(self) -> str:
        """Return the name of the images, of which there must be one kind only.

        Raises:
            Refused: there are none, or several.
        """
        labels = self.image_labels()
        if len(labels) == 1:
            return labels[0]
        found = ", ".join(labels) or "none"
        raise Refused(
            Fault(
                code="which_images",
                detail=f"The job has these images: {found}.",
                hint="name the one you want: job.images(label)",
            )
        )

    def figures(self) -> list[Figure]:
        """Return the figures that routines drew, as pictures that notebooks show."""
        found = [file for file in self.files() if file.kind == "figure"]
        return [Figure(file, self.read(file)) for file in found]

    def files(self) -> list[FileView]:
        """Return the list of the job's files."""
        return self._connection.do(calls.files(self.id))

    def read(self, file: FileView) -> bytes:
        """Return the content of one file, its digest checked."""
        with TemporaryFile() as out:
            call = calls.file_content(self.id, file.name)
            downloads.receive(self._connection, call, out, file.sha256)
            return out.read()

    def save(self, file: FileView, folder: str | Path = ".") -> Path:
        """Store one file below ``folder``, unless it is there already."""
        return downloads.save(self._connection, self.id, file, Path(folder))

    def download(self, folder: str | Path = ".", *, kind: str = "") -> Path:
        """Store the job's files below ``folder``, in a folder named by the job id.

        Files that are there already are not fetched again.

        Args:
            folder: where to store.
            kind: only files of this kind, e.g. ``image``, ``figure``, ``hdf5``.

        Returns:
            The folder of the job.
        """
        place = downloads.place_below(Path(folder), self.id)
        place.mkdir(parents=True, exist_ok=True)
        for file in self.files():
            if kind in ("", file.kind):
                downloads.save(self._connection, self.id, file, place)
        return place

    def logs(self) -> str:
        """Return what the user's own code printed, stage after stage."""
        return "\n".join(f"== {log.stage} ==\n{log.text}" for log in self.log_views())

    def log_views(self) -> list[LogView]:
        """Return what the user's own code printed, by stage."""
        return self._connection.do(calls.logs(self.id))

    def events(self) -> list[EventView]:
        """Return every change of the job and of its shots."""
        return self._connection.do(calls.events(self.id))

    def shots(self) -> list[ShotView]:
        """Return the shots of the job."""
        return self._connection.do(calls.shots(self.id))

    def plot(self, x: str, y: str, **options: Any) -> Any:
        """Plot one column of the results over another; needs matplotlib.

        Args:
            x: a column, e.g. ``tof``.
            y: a column, e.g. ``atom_number.atoms``.
            options: passed on to pandas' ``DataFrame.plot``.

        Returns:
            The matplotlib axes.
        """
        table = self.results()
        units = table.attrs["units"]
        looks = {"marker": "o", "linestyle": "", "legend": False, **options}
        try:
            axes = table.plot(x=x, y=y, **looks)
        except ImportError as error:
            raise _no_matplotlib() from error
        axes.set_xlabel(f"{x} ({units[x]})" if x in units else x)
        axes.set_ylabel(f"{y} ({units[y]})" if y in units else y)
        return axes

    def __repr__(self) -> str:
        return displays.job_line(self.view)

    def _repr_html_(self) -> str:
        return displays.job_html(self.view)


def _no_matplotlib() -> MissingPart:
    return MissingPart(
        Fault(
            code="missing_part",
            detail="Plots need matplotlib, which is not installed.",
            hint="run: pip install matplotlib",
        )
    )


class Jobs(list[Job]):
    """A list of jobs that notebooks show as a table."""

    def _repr_html_(self) -> str:
        return displays.jobs_html(job.view for job in self)
