"""Previews of images and figures of routines, in groups, each with a caption."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shothub.wire.jobs import FileView

_MOST = 24


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture to show."""

    url: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class PictureGroup:
    """Pictures of the same thing; ``more`` of them are not shown."""

    label: str
    pictures: list[Picture]
    more: int
    large: bool = False


def grouped(
    files: Sequence[FileView],
    *,
    address: Callable[[str], str],
    caption: Callable[[int | None], str],
) -> list[PictureGroup]:
    """Group pictures by label, those of the whole job first.

    Args:
        files: previews or figures.
        address: returns the address of a file, given its name.
        caption: returns what is said of a shot.
    """
    groups: dict[tuple[bool, str], list[FileView]] = {}
    for file in files:
        if file.media_type.startswith("image/"):
            groups.setdefault((file.shot is not None, file.label), []).append(file)
    return [
        PictureGroup(
            label=label or "unnamed",
            pictures=[
                Picture(url=address(file.name), caption=caption(file.shot))
                for file in group[:_MOST]
            ],
            more=max(len(group) - _MOST, 0),
            large=not per_shot,
        )
        for (per_shot, label), group in sorted(groups.items(), key=lambda item: item[0])
    ]
