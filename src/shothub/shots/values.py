"""Arrays from bytes that nobody vouches for: the type, the shape and the length must fit."""

import math
import re
from collections.abc import Sequence

import numpy as np

from shothub.shots.tree import Array, Data
from shothub.wire.guests import Value

MAX_DIMENSIONS = 4
MAX_FIELDS = 512
MAX_FIELD_ELEMENTS = 64
MAX_TEXT = 1_100_000
MAX_TEXTS = 10_000
_SCALAR = re.compile(r"[<>|=]?(?:b1|[iu][1248]|f[248]|S[1-9][0-9]{0,4})")


class BadArray(ValueError):
    """The description of an array contradicts itself, its bytes, or what is allowed."""


def decode(value: Value, body: bytes, *, max_bytes: int) -> Data:
    """Return what ``value`` describes; its bytes are ``body``, nothing is expanded.

    Raises:
        BadArray: type, shape and number of bytes do not belong together.
    """
    shape = _shape(value.shape)
    if value.dtype == "str":
        return _texts(value.text, shape, body)
    if value.text is not None:
        raise BadArray("only a text has text")
    dtype = (
        _record(value.dtype) if isinstance(value.dtype, list) else _plain(value.dtype)
    )
    size = math.prod(shape) * dtype.itemsize
    if size > max_bytes:
        raise BadArray(f"{size} bytes are more than the {max_bytes} allowed")
    if size != len(body):
        raise BadArray(f"{len(body)} bytes came where {size} were announced")
    return np.frombuffer(body, dtype).reshape(shape) if size else _nothing(shape, dtype)


def printable(name: str, *, longest: int = 128) -> bool:
    """Tell whether ``name`` is short and free of control characters and surrogates."""
    return 0 < len(name) <= longest and name.isprintable()


def _nothing(shape: tuple[int, ...], dtype: np.dtype[np.void]) -> Array:
    empty = np.empty(shape, dtype)
    empty.flags.writeable = False
    return empty


def _shape(raw: Sequence[int]) -> tuple[int, ...]:
    if len(raw) > MAX_DIMENSIONS:
        raise BadArray(f"{len(raw)} dimensions are more than {MAX_DIMENSIONS}")
    if (
        any(not 0 <= n < 2**31 for n in raw)
        or math.prod(max(n, 1) for n in raw) >= 2**31
    ):
        raise BadArray("the shape is negative or too large")
    return tuple(raw)


def _plain(raw: str) -> np.dtype[np.void]:
    if not _SCALAR.fullmatch(raw):
        raise BadArray(f"the type {raw[:40]!r} is neither a number nor a fixed string")
    return np.dtype(raw)


def _record(fields: Sequence[tuple[str, str, list[int]]]) -> np.dtype[np.void]:
    if not 0 < len(fields) <= MAX_FIELDS:
        raise BadArray(f"a record has 1 to {MAX_FIELDS} fields, not {len(fields)}")
    names = [name for name, _, _ in fields]
    if len(set(names)) != len(names) or not all(map(printable, names)):
        raise BadArray("names of fields repeat or are not plain text")
    if any(math.prod(_shape(shape)) > MAX_FIELD_ELEMENTS for _, _, shape in fields):
        raise BadArray("a field of a record is too large")
    return np.dtype(
        [(name, _plain(dtype), tuple(shape)) for name, dtype, shape in fields]
    )


def _texts(texts: list[str] | None, shape: tuple[int, ...], body: bytes) -> Data:
    if texts is None or body or len(shape) > 1:
        raise BadArray("a text is one text, or a list of texts without further bytes")
    if len(texts) != math.prod(shape) or len(texts) > MAX_TEXTS:
        raise BadArray("the number of texts does not fit the shape")
    if sum(map(len, texts)) > MAX_TEXT:
        raise BadArray(f"the text is longer than {MAX_TEXT} characters")
    if any("\0" in text or not _encodable(text) for text in texts):
        raise BadArray("the text has characters that no text has")
    return tuple(texts) if shape else texts[0]


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
