"""An HDF5 file becomes frames: groups, attributes and arrays, never bytes of the file."""

from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5s, h5t

from shothub.sandbox.guests.channel import Channel

Head = dict[str, object]

_NUMBERS = (h5t.INTEGER, h5t.FLOAT)
_LEFT_OUT = "globals/"
"""Expressions of the globals stay here; their values are attributes of the group."""


def dump(path: str, name: str, channel: Channel) -> None:
    """Send the file at ``path`` as frames."""
    channel.send(b"B", {"name": name})
    with h5py.File(path, "r") as file:
        for place, node in _walk(file.id):
            head: Head = {"path": place}
            if attributes := _attributes(node):
                head["attributes"] = attributes
            body = b""
            if isinstance(node, h5d.DatasetID):
                head["value"], body = describe(_content(node))
            channel.send(b"N", head, body)
    channel.flush()


def _walk(file: h5g.GroupID) -> Iterator[tuple[str, h5g.GroupID | h5d.DatasetID]]:
    yield "/", file
    waiting = [("", h5g.open(file, b"/"))]
    while waiting:
        prefix, group = waiting.pop()
        for name in list(group):
            place = prefix + name.decode(errors="replace")
            # Only what lies in this very file: links elsewhere are not followed.
            is_own = group.links.get_info(name).type == h5l.TYPE_HARD
            if not is_own or place.startswith(_LEFT_OUT):
                continue
            node = h5o.open(group, name)
            if isinstance(node, h5g.GroupID):
                waiting.append((f"{place}/", node))
            elif not isinstance(node, h5d.DatasetID):
                continue  # a type, which holds no data
            yield place, node


def _content(node: h5d.DatasetID) -> Any:
    """Read a dataset; plain ones without h5py's convenience, which takes most time."""
    dtype = node.dtype
    if dtype.hasobject or not all(node.shape or (1,)):
        return h5py.Dataset(node)[()]
    array = np.empty(node.shape, dtype)
    node.read(h5s.ALL, h5s.ALL, array)
    return array


def _attributes(node: h5g.GroupID | h5d.DatasetID) -> Head:
    described: Head = {}
    convenient: Any = None
    for position in range(h5a.get_num_attrs(node)):
        attribute = h5a.open(node, index=position)
        name = attribute.name.decode(errors="replace")
        head = _number(attribute)
        if head is None:
            convenient = convenient or h5py.AttributeManager(_Holder(node))
            head = _described(convenient[name])
        if head is not None:
            described[name] = head
    return described


class _Holder:
    """What h5py's attributes want to know of the object that has them."""

    def __init__(self, node: h5g.GroupID | h5d.DatasetID) -> None:
        self.id = node


def _number(attribute: h5a.AttrID) -> Head | None:
    """Describe a plain number without h5py's convenience, which takes most of the time."""
    if attribute.shape != () or attribute.get_type().get_class() not in _NUMBERS:
        return None
    value = np.empty((), attribute.dtype)
    attribute.read(value)
    return {"dtype": value.dtype.str, "shape": (), "data": value.tobytes().hex()}


def _described(value: Any) -> Head | None:
    if isinstance(value, h5py.Reference | h5py.Empty):
        return None  # a reference to nothing is how runmanager writes None
    head, body = describe(value)
    if body:
        head["data"] = body.hex()
    return head


def describe(value: Any) -> tuple[Head, bytes]:
    """Return how the bytes of ``value`` are to be read, and the bytes."""
    if isinstance(value, str):
        return {"dtype": "str", "text": [value]}, b""
    if isinstance(value, bytes):
        return {"dtype": "str", "text": [_text(value)]}, b""
    array = np.asarray(value)
    if array.dtype.names:
        array = _without_objects(array)
        fields = [
            (n, array.dtype[n].base.str, array.dtype[n].shape)
            for n in array.dtype.names or ()
        ]
        return {"dtype": fields, "shape": array.shape}, array.tobytes()
    if array.dtype.hasobject or array.dtype.kind in "UT":
        texts = [_text(item) for item in array.ravel().tolist()]
        return {"dtype": "str", "shape": array.shape, "text": texts}, b""
    return {"dtype": array.dtype.str, "shape": array.shape}, array.tobytes()


def _text(value: object) -> str:
    return (
        value.decode(errors="surrogateescape")
        if isinstance(value, bytes)
        else str(value)
    )


def _without_objects(
    array: np.ndarray[Any, np.dtype[Any]],
) -> np.ndarray[Any, np.dtype[Any]]:
    """Return a record array whose texts of any length are bytes of one length."""
    if not array.dtype.hasobject:
        return array
    columns: dict[str, np.ndarray[Any, np.dtype[Any]]] = {}
    for name in array.dtype.names or ():
        column = array[name]
        if column.dtype.hasobject:
            texts = [_text(item).encode() for item in column.ravel().tolist()]
            column = np.array(
                texts or [b""], dtype=f"S{max(map(len, texts), default=1) or 1}"
            )
            column = column[: len(texts)].reshape(array.shape)
        columns[name] = column
    fields = [(n, c.dtype, c.shape[array.ndim :]) for n, c in columns.items()]
    plain = np.empty(array.shape, dtype=fields)
    for name, column in columns.items():
        plain[name] = column
    return plain
