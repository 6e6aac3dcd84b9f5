"""Frames of a compile guest become shots: strict, bounded, nothing is believed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from shothub.domain.faults import Fault
from shothub.shots.globals import BadGlobal, check_globals
from shothub.shots.tree import Data, DecodedShot, Node
from shothub.shots.values import BadArray, decode, printable
from shothub.wire.guests import EndHead, FileHead, NodeHead, ShotHead, Value
from shothub.wire.problems import FaultModel

M = TypeVar("M", bound=BaseModel)

RawFrame = tuple[bytes, bytes, bytes]
"""Kind, head and body; the frames that the sandbox hands out have this form."""

FORBIDDEN = frozenset({"front_panel", "preferences", "FUNCTION_TABLE", ".", ".."})
"""Names whose content the suite's programs evaluate or execute, or that climb."""

MAX_HEAD = 2_500_000
MAX_SMALL_HEAD = 300_000
MAX_FAULTS = 50


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How much a guest may send.

    Attributes:
        shots: shots of the job.
        nodes: groups and datasets of one shot.
        depth: nested groups.
        attributes: attributes of one node.
        attribute_bytes: bytes of one attribute.
        dataset_bytes: bytes of one dataset.
        shot_bytes: bytes of all datasets and attributes of one shot.
        globals: number of globals.
    """

    shots: int
    nodes: int = 2_000
    depth: int = 8
    attributes: int = 200
    attribute_bytes: int = 60_000
    dataset_bytes: int = 64_000_000
    shot_bytes: int = 96_000_000
    globals: int = 2_000


class Undecodable(Exception):
    """What came out of the sandbox is not a job's shots."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class ShotAssembler:
    """Takes the frames of one compile guest in order and gives its shots.

    A shot is complete, and returned by ``feed``, when the frame after its last one
    comes. After the last frame ``finish`` tells whether all came.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._head: ShotHead | None = None
        self._file = False
        self._tree: dict[str, Node] = {}
        self._bytes = 0
        self._given, self._count = 0, 0
        self._end: EndHead | None = None
        self.faults: list[Fault] = []

    def feed(self, frame: RawFrame) -> DecodedShot | None:
        """Take the next frame; return the shot that it completes, if it does.

        Raises:
            Undecodable: the frame, or its place in the row, is not what it must be.
        """
        kind, head, body = frame
        if self._end is not None:
            raise _bad("frames came after the end")
        if kind == b"N":
            self._node(_read(NodeHead, head, MAX_HEAD), body)
            return None
        if body:
            raise _bad(f"a frame of kind {kind!r} has no body")
        match kind:
            case b"S":
                return self._shot(_read(ShotHead, head, MAX_SMALL_HEAD))
            case b"B":
                self._begin(_read(FileHead, head, MAX_SMALL_HEAD))
            case b"F":
                self._fault(_read(FaultModel, head, MAX_SMALL_HEAD))
            case b"E":
                self._end = _read(EndHead, head, MAX_SMALL_HEAD)
                return self._complete() if self._head else None
            case _:
                raise _bad(f"there is no frame of kind {kind[:4]!r} in a compilation")
        return None

    def finish(self) -> None:
        """Hold the row of frames to be complete.

        Raises:
            Undecodable: the guest stopped before its end, or shots are missing, and no
                fault says why.
        """
        if self.faults:
            raise Undecodable(self.faults[0])
        if self._end is None:
            raise Undecodable(
                Fault(
                    code="ended_early",
                    detail="The compilation ended before all shots were made.",
                    hint="does the script call exit()?",
                )
            )
        if not self._end.ok or not self._given:
            raise _bad("the compilation failed without saying why")
        if self._given != self._count:
            raise _bad(f"{self._given} of {self._count} shots came")

    def _shot(self, head: ShotHead) -> DecodedShot | None:
        done = self._complete() if self._head else None
        if not 0 < head.count <= self._bounds.shots:
            raise Undecodable(
                Fault(
                    code="too_many_shots",
                    detail=f"{head.count} shots; 1 to {self._bounds.shots} are allowed.",
                    hint="scan fewer points, or submit several jobs",
                )
            )
        if head.index != self._given or (self._given and head.count != self._count):
            raise _bad("shots are not in order")
        if head.index >= head.count:
            raise _bad("there are more shots than were announced")
        try:
            check_globals(head.globals, head.units, most=self._bounds.globals)
        except BadGlobal as error:
            raise _bad(str(error), "globals") from error
        self._head, self._count = head, head.count
        self._file, self._tree, self._bytes = False, {}, 0
        return done

    def _complete(self) -> DecodedShot:
        if self._head is None or not self._tree:
            raise _bad("a shot without content")
        head, self._head = self._head, None
        self._given += 1
        return DecodedShot(
            index=head.index,
            count=head.count,
            globals=head.globals,
            units=head.units,
            tree=self._tree,
        )

    def _begin(self, head: FileHead) -> None:
        if self._head is None or self._file or not printable(head.name):
            raise _bad("a file begins where none may")
        self._file = True

    def _fault(self, fault: FaultModel) -> None:
        if len(self.faults) >= MAX_FAULTS:
            raise _bad("too many faults")
        self.faults.append(
            Fault(
                code=fault.code[:60],
                detail=fault.detail[:4_000],
                where=fault.where[:300],
                hint=fault.hint[:300],
            )
        )

    def _node(self, head: NodeHead, body: bytes) -> None:
        if not self._file:
            raise _bad("a node without a file")
        path = self._path(head.path)
        if len(self._tree) >= self._bounds.nodes:
            raise _bad(f"more than {self._bounds.nodes} groups and datasets", path)
        if head.value is None and body:
            raise _bad("a group has no bytes", path)
        self._tree[path] = Node(
            self._attributes(head.attributes, path),
            None
            if head.value is None
            else self._data(head.value, body, path, self._bounds.dataset_bytes),
        )

    def _path(self, raw: str) -> str:
        path = raw.removeprefix("/") or "/"
        parts = [] if path == "/" else path.split("/")
        if len(parts) > self._bounds.depth or not all(map(printable, parts)):
            raise _bad("a path is too deep or has odd characters")
        if forbidden := FORBIDDEN.intersection(parts):
            raise Undecodable(
                Fault(
                    code="forbidden_content",
                    detail=f"A shot may not contain {min(forbidden)!r}.",
                    where=path,
                    hint="the suite would execute what stands there",
                )
            )
        if path in self._tree or not all(map(self._is_group, _ancestors(parts))):
            raise _bad("a path comes twice, or lies below a dataset", path)
        return path

    def _is_group(self, path: str) -> bool:
        return path not in self._tree or self._tree[path].data is None

    def _attributes(self, raw: dict[str, Value], path: str) -> dict[str, Data]:
        if len(raw) > self._bounds.attributes or not all(map(printable, raw)):
            raise _bad("too many attributes, or names that are not plain text", path)
        return {
            name: self._data(
                value, _from_hex(value.data, path), path, self._bounds.attribute_bytes
            )
            for name, value in raw.items()
        }

    def _data(self, value: Value, body: bytes, path: str, max_bytes: int) -> Data:
        self._bytes += len(body) + sum(map(len, value.text or ()))
        if self._bytes > self._bounds.shot_bytes:
            raise _bad(f"a shot has more than {self._bounds.shot_bytes} bytes", path)
        try:
            return decode(value, body, max_bytes=max_bytes)
        except BadArray as error:
            raise _bad(str(error), path) from error


def assemble(frames: Iterable[RawFrame], bounds: Bounds) -> list[DecodedShot]:
    """Return all shots of a compilation.

    Raises:
        Undecodable: the frames are not those of a complete compilation.
    """
    assembler = ShotAssembler(bounds)
    fed = (assembler.feed(frame) for frame in frames)
    shots = [shot for shot in fed if shot is not None]
    assembler.finish()
    return shots


def _bad(detail: str, where: str = "") -> Undecodable:
    return Undecodable(
        Fault(
            code="bad_shot",
            detail=f"The compiled shot is malformed: {detail}.",
            where=where,
        )
    )


def _read(model: type[M], head: bytes, longest: int) -> M:
    if len(head) > longest:
        raise _bad(f"a head of {len(head)} bytes")
    try:
        return model.model_validate_json(head)
    except ValidationError as error:
        what = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise _bad(f"a {model.__name__} that is none: {what[:200]}") from error


def _ancestors(parts: list[str]) -> list[str]:
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _from_hex(text: str, path: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise _bad("the bytes of an attribute are not hexadecimal", path) from error
