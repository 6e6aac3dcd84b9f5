"""A job of the user: where it is, waiting for it, and what came of it."""

from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Self

from pydantic import JsonValue

from shothub.client import (
    calls,
    control_calls,
    displays,
    downloads,
    sharing_calls,
)
from shothub.client.errors import (
    Conflict,
    MissingPart,
    Refused,
)
from shothub.client.figures import Figure
from shothub.client.following import Followed
from shothub.domain.faults import Fault
from shothub.domain.states import JobState, ShotState
from shothub.wire.jobs import (
    FileView,
    LogView,
    ResultTable,
    ShotView,
)
from shothub.wire.sharing import JobShareView, ShareRequest

if TYPE_CHECKING:
    import pandas as pd

    from shothub.client.arrays import Pixels


class Job(Followed):
    """A job, found again by its id on any day and from any machine.

    Attributes:
        view: the job as the hub last described it.
    """

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

    def hold(self) -> Self:
        """Hold the job back: no further shot starts; a running one ends by itself.

        Raises:
            Conflict: none of its shots waits.
        """
        self.view = self._connection.do(control_calls.hold(self.id))
        return self

    def release(self) -> Self:
        """Let the job go on.

        Raises:
            Forbidden: an operator holds it, who alone may release it.
        """
        self.view = self._connection.do(control_calls.release(self.id))
        return self

    def keep(self, *, wanted: bool = True) -> Self:
        """Keep the results however old they are; ``wanted=False`` takes that back.

        Raises:
            Conflict: they were deleted already.
        """
        self.view = self._connection.do(control_calls.keep(self.id, wanted=wanted))
        return self

    def share(self, group: str) -> JobShareView:
        """Let the members of a group read the job until you take that back.

        Raises:
            Refused: you are not in this group.
        """
        call = sharing_calls.share(self.id, ShareRequest(group=group))
        return self._connection.do(call)

    def share_by_link(self, *, days: float = 7.0) -> JobShareView:
        """Make a link, ``.link``, by which anybody reads the job until it expires.

        The link is shown only this once.

        Args:
            days: how long it is good.
        """
        call = sharing_calls.share(self.id, ShareRequest(days=days))
        return self._connection.do(call)

    def shares(self) -> list[JobShareView]:
        """Return who may read the job besides you."""
        return self._connection.do(sharing_calls.list_shares(self.id))

    def unshare(self, number: int) -> list[JobShareView]:
        """Take leave to read the job back; return what remains.

        Args:
            number: the ``id`` of it.

        Raises:
            NotFound: there is no such leave.
        """
        return self._connection.do(sharing_calls.unshare(self.id, number))

    def unknown(self) -> list[ShotView]:
        """Return the shots whose outcome is unknown and about which nobody has decided."""
        return [
            s for s in self.shots() if s.state == ShotState.UNKNOWN and not s.decision
        ]

    def decide(self, shot: int, choice: str) -> Self:
        """Say what shall become of a shot whose outcome is unknown.

        Args:
            shot: its index.
            choice: ``keep``: it stays unknown; ``rerun``: it runs once more, and a job
                that had ended is taken up again; ``give_up``: it counts as failed.

        Raises:
            Refused: there is no such choice.
            Conflict: the outcome is known by now, or the job was cancelled.
        """
        call = control_calls.decide(self.id, shot, choice)
        self.view = self._connection.do(call)
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
