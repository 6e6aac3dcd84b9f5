"""Figures that routines drew."""

from dataclasses import dataclass, field
from pathlib import Path

from shothub.wire.jobs import FileView


@dataclass(frozen=True)
class Figure:
    """A figure, shown as a picture in notebooks.

    Attributes:
        file: its description: label, shot (None for the job as a whole), media type.
        content: the picture itself.
    """

    file: FileView
    content: bytes = field(repr=False)

    def save(self, path: str | Path) -> Path:
        """Store the picture."""
        target = Path(path)
        target.write_bytes(self.content)
        return target

    def _repr_png_(self) -> bytes | None:
        return self.content if self.file.media_type == "image/png" else None

    def _repr_svg_(self) -> str | None:
        is_svg = self.file.media_type == "image/svg+xml"
        return self.content.decode() if is_svg else None
