import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from tests.fakes.compiled_shots import (
    encoded,
    end,
    frames_of,
    node,
    shot_head,
    small_shot,
)

from shothub.shots.decode import Bounds, RawFrame, ShotAssembler, Undecodable, assemble
from shothub.shots.tree import DecodedShot
from shothub.shots.values import BadArray, decode
from shothub.wire.guests import Value

BOUNDS = Bounds(shots=4)
HONEST = [*frames_of(small_shot(), values={"tof": 0.01}), end()]


def raw(kind: bytes, head: Any, body: bytes = b"") -> RawFrame:
    return kind, head if isinstance(head, bytes) else json.dumps(head).encode(), body


def value(dtype: Any, shape: Any = (), **more: Any) -> dict[str, Any]:
    return {"path": "x", "value": {"dtype": dtype, "shape": list(shape), **more}}


def instead_of_nodes(*frames: RawFrame) -> list[RawFrame]:
    return [*shot_head(), *frames, end()]


def test_an_honest_shot_comes_out_as_it_was_sent() -> None:
    (shot,) = assemble(HONEST, BOUNDS)
    assert isinstance(shot, DecodedShot)
    assert shot.globals == {"tof": 0.01}
    table = shot.tree["devices/outputs/AO"].data
    assert isinstance(table, np.ndarray)
    assert table["ao0"].tolist() == [0, 0, 1, 2, 3, 4, 4]
    assert shot.tree["script"].data == "start()\nstop(1)\n"


def test_arrays_cannot_be_written_to() -> None:
    (shot,) = assemble(HONEST, BOUNDS)
    for entry in shot.tree.values():
        assert not isinstance(entry.data, np.ndarray) or not entry.data.flags.writeable


def test_shots_are_given_one_by_one_as_they_are_complete() -> None:
    assembler = ShotAssembler(BOUNDS)
    frames = [
        *frames_of(small_shot(), count=2),
        *frames_of(small_shot(), index=1, count=2),
        end(),
    ]
    given_at = [i for i, frame in enumerate(frames) if assembler.feed(frame)]
    assert given_at == [len(frames) // 2, len(frames) - 1]
    assembler.finish()


FORGED: dict[str, list[RawFrame]] = {
    "no frames": [],
    "only an end": [end()],
    "end says it failed": [*HONEST[:-1], end(ok=False)],
    "no end": HONEST[:-1],
    "frames after the end": [*HONEST, end()],
    "unknown kind": [raw(b"X", {}), end()],
    "result of a routine": [raw(b"R", {"routine": "x"}), end()],
    "node before a shot": [node("x"), end()],
    "file before a shot": [HONEST[1], *HONEST],
    "two files in a shot": [*HONEST[:2], *HONEST[1:]],
    "shot without nodes": [*shot_head(), end()],
    "index out of order": [*frames_of(small_shot(), index=1, count=2), end()],
    "fewer shots than announced": [*frames_of(small_shot(), count=2), end()],
    "more shots than announced": [
        *HONEST[:-1],
        *frames_of(small_shot(), index=1, count=1),
        end(),
    ],
    "count changes": [
        *frames_of(small_shot(), count=2),
        *frames_of(small_shot(), index=1, count=3),
        end(),
    ],
    "too many shots": [*frames_of(small_shot(), count=5), end()],
    "negative index": [
        raw(b"S", {"index": -1, "count": 1, "globals": {}}),
        *HONEST[1:],
    ],
    "head is no JSON": [raw(b"S", b"\x00\xff{"), end()],
    "head nested 100,000 deep": [raw(b"S", b"[" * 100_000), end()],
    "global nested 100,000 deep": [
        raw(
            b"S",
            b'{"index":0,"count":1,"globals":{"x":'
            + b"[" * 100_000
            + b"]" * 100_000
            + b"}}",
        ),
        end(),
    ],
    "head of 5 MB": [raw(b"S", b" " * 5_000_000), end()],
    "unknown field in a head": [
        raw(b"S", {"index": 0, "count": 1, "globals": {}, "x": 1}),
        end(),
    ],
    "body where none may be": [
        raw(b"S", {"index": 0, "count": 1, "globals": {}}, b"x"),
        end(),
    ],
    "global is no name": [*shot_head(values={"a b": 1}), *HONEST[2:]],
    "global is infinite": [
        raw(b"S", b'{"index":0,"count":1,"globals":{"x":Infinity}}'),
        *HONEST[1:],
    ],
    "global is NaN": [
        raw(b"S", b'{"index":0,"count":1,"globals":{"x":[NaN]}}'),
        *HONEST[1:],
    ],
    "global is huge": [*shot_head(values={"x": 2**70}), *HONEST[2:]],
    "global is a mapping": [*shot_head(values={"x": {"a": 1}}), *HONEST[2:]],
    "global is ragged": [*shot_head(values={"x": [[1], [1, 2]]}), *HONEST[2:]],
    "global mixes kinds": [*shot_head(values={"x": [1, "a"]}), *HONEST[2:]],
    "path climbs": instead_of_nodes(node("devices/../../x")),
    "path has a dot": instead_of_nodes(node("./x")),
    "path is absolute twice": instead_of_nodes(node("//etc/passwd")),
    "path with NUL": instead_of_nodes(node("a\0b")),
    "path too deep": instead_of_nodes(node("/".join("abcdefghi"))),
    "path comes twice": instead_of_nodes(node("x"), node("x")),
    "path below a dataset": instead_of_nodes(node("x", 1.0), node("x/y")),
    "front panel": instead_of_nodes(node("front_panel")),
    "preferences": instead_of_nodes(node("a/preferences")),
    "function table": instead_of_nodes(node("devices/runner/FUNCTION_TABLE", 1.0)),
    "object dtype": instead_of_nodes(raw(b"N", value("|O"), b"\1" * 8)),
    "object in a record": instead_of_nodes(
        raw(b"N", value([["a", "O", []]]), b"\1" * 8)
    ),
    "void dtype": instead_of_nodes(raw(b"N", value("V8"), b"\1" * 8)),
    "date dtype": instead_of_nodes(raw(b"N", value("<M8[s]"), b"\1" * 8)),
    "dtype of no length": instead_of_nodes(raw(b"N", value("S0", [10]))),
    "dtype is a list of fields": instead_of_nodes(
        raw(b"N", value("f8,f8"), b"\1" * 16)
    ),
    "record nested": instead_of_nodes(
        raw(b"N", value([["a", [["b", "f8", []]], []]]), b"\1" * 8)
    ),
    "record without fields": instead_of_nodes(raw(b"N", value([], [5]))),
    "record with equal fields": instead_of_nodes(
        raw(b"N", value([["a", "f8", []], ["a", "f8", []]]), b"\1" * 16)
    ),
    "record with a huge field": instead_of_nodes(
        raw(b"N", value([["a", "f8", [2**30]]]))
    ),
    "bytes short": instead_of_nodes(raw(b"N", value("f8", [2]), b"\1" * 8)),
    "bytes too many": instead_of_nodes(raw(b"N", value("f8", [1]), b"\1" * 16)),
    "8 bytes for 30 GB": instead_of_nodes(
        raw(b"N", value("f8", [2**20, 2**12]), b"\1" * 8)
    ),
    "negative length": instead_of_nodes(raw(b"N", value("f8", [-1, -1]), b"\1" * 8)),
    "length of 2**63": instead_of_nodes(raw(b"N", value("f8", [2**63]))),
    "length of 2**63 times 0": instead_of_nodes(
        raw(b"N", value("f8", [0, 2**30, 2**30]))
    ),
    "many dimensions": instead_of_nodes(raw(b"N", value("f8", [1] * 40), b"\1" * 8)),
    "length is a fraction": instead_of_nodes(raw(b"N", value("f8", [1.5]), b"\1" * 8)),
    "texts that do not fit": instead_of_nodes(raw(b"N", value("str", [3], text=["a"]))),
    "text with bytes": instead_of_nodes(raw(b"N", value("str", text=["a"]), b"x")),
    "text with NUL": instead_of_nodes(raw(b"N", value("str", text=["a\0b"]))),
    "text with half a pair": instead_of_nodes(
        raw(b"N", rb'{"path":"x","value":{"dtype":"str","text":["\ud800"]}}')
    ),
    "group with bytes": instead_of_nodes(raw(b"N", {"path": "x"}, b"abc")),
    "attribute not hexadecimal": instead_of_nodes(
        raw(b"N", {"path": "x", "attributes": {"a": {"dtype": "f8", "data": "zz"}}})
    ),
    "attribute too large": instead_of_nodes(
        node("x", attributes={"a": np.zeros(8_000)})
    ),
    "attribute's name is empty": instead_of_nodes(node("x", attributes={"": 1})),
    "too many attributes": instead_of_nodes(
        node("x", attributes={f"a{i}": 1 for i in range(201)})
    ),
    "too many nodes": instead_of_nodes(*(node(f"g{i}") for i in range(2_001))),
}


@pytest.mark.parametrize("name", FORGED)
def test_it_refuses_a_forged_result(name: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Undecodable) as refusal:
            assemble(FORGED[name], BOUNDS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refusal.value.fault.code in {
        "bad_shot",
        "ended_early",
        "too_many_shots",
        "forbidden_content",
    }
    assert refusal.value.fault.detail
    assert peak < 30_000_000


def test_the_sum_of_a_shot_is_bounded_also_where_every_part_is_small() -> None:
    bounds = Bounds(shots=1, shot_bytes=10_000)
    part = np.zeros(100)
    frames = [*shot_head(), *(node(f"d{i}", part) for i in range(20)), end()]
    with pytest.raises(Undecodable, match="10000 bytes"):
        assemble(frames, bounds)
    assert assemble(frames, Bounds(shots=1))


def test_a_fault_of_the_guest_is_passed_on_as_the_reason() -> None:
    fault = raw(
        b"F", {"code": "script_error", "detail": "x" * 100_000, "where": "exp.py:3"}
    )
    with pytest.raises(Undecodable) as refusal:
        assemble([fault, end(ok=False)], BOUNDS)
    assert refusal.value.fault.code == "script_error"
    assert refusal.value.fault.where == "exp.py:3"
    assert len(refusal.value.fault.detail) == 4_000


def test_an_end_that_never_comes_says_that_the_script_ended() -> None:
    with pytest.raises(Undecodable) as refusal:
        assemble(HONEST[:-1], BOUNDS)
    assert refusal.value.fault.code == "ended_early"


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
heads = st.fixed_dictionaries(
    {},
    optional={
        "path": st.text(max_size=6),
        "index": st.integers(),
        "count": st.integers(),
        "globals": json_like,
        "attributes": json_like,
        "value": st.none()
        | st.fixed_dictionaries(
            {
                "dtype": st.sampled_from(["f8", "O", "str", "S4", "V1", "u1"])
                | json_like
            },
            optional={
                "shape": json_like,
                "text": json_like,
                "data": st.text(max_size=6),
            },
        ),
        "name": st.text(max_size=4),
        "ok": json_like,
        "code": st.text(max_size=4),
        "detail": json_like,
    },
).map(lambda head: json.dumps(head).encode())
kinds = st.sampled_from([bytes([c]) for c in b"BNSRPAFE"])
frames = st.tuples(kinds, heads | st.binary(max_size=30), st.binary(max_size=20))


@settings(max_examples=200)
@given(st.lists(frames, max_size=6), st.integers(0, len(HONEST)), st.integers(0, 3))
def test_whatever_comes_is_decoded_or_refused_and_nothing_else(
    noise: list[RawFrame], place: int, skip: int
) -> None:
    row = HONEST[:place] + noise + HONEST[place + skip :]
    try:
        shots = assemble(row, BOUNDS)
    except Undecodable:
        return
    assert all(isinstance(shot, DecodedShot) for shot in shots)


@settings(max_examples=200)
@given(
    npst.arrays(
        dtype=st.one_of(
            npst.integer_dtypes(endianness="<"),
            npst.floating_dtypes(endianness="<"),
            npst.boolean_dtypes(),
            st.just(np.dtype([("a", "<f8"), ("b", "|i1", (2,)), ("c", "S5")])),
        ),
        shape=npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
    )
)
def test_every_array_of_numbers_survives_the_way(array: Any) -> None:
    coded, body = encoded(array, inline=False)
    back = decode(coded, body, max_bytes=10_000)
    assert isinstance(back, np.ndarray)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "make", [lambda: decode(Value(dtype="f8", shape=[3]), b"\0" * 24, max_bytes=23)]
)
def test_an_array_may_not_exceed_the_bytes_allowed(make: Callable[[], object]) -> None:
    with pytest.raises(BadArray, match="24 bytes"):
        make()
