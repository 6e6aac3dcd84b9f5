import pytest
from hypothesis import given
from hypothesis import strategies as st

from shothub.sandbox.framing import BadFrames, FrameReader
from shothub.sandbox.limits import Frame, GuestLimits
from shothub.wire.guests import FRAME

LIMITS = GuestLimits(frames=5, frame_bytes=1000)
FRAMES = st.lists(
    st.tuples(
        st.sampled_from([b"N", b"S", b"E", b"A"]),
        st.binary(max_size=40),
        st.binary(max_size=60),
    ),
    max_size=5,
)


def packed(kind: bytes, head: bytes = b"", body: bytes = b"") -> bytes:
    return FRAME.pack(kind, len(head), len(body)) + head + body


@given(FRAMES, st.integers(1, 50))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(
    frames: list[tuple[bytes, bytes, bytes]], piece: int
) -> None:
    stream = b"".join(packed(*frame) for frame in frames)
    reader = FrameReader(LIMITS)
    got: list[Frame] = []
    for start in range(0, len(stream), piece):
        got += reader.feed(stream[start : start + piece])
    assert got == frames
    assert not reader.incomplete


def test_half_a_frame_is_incomplete() -> None:
    reader = FrameReader(LIMITS)
    assert reader.feed(packed(b"N", b"head")[:-1]) == []
    assert reader.incomplete


@pytest.mark.parametrize(
    "stream",
    [
        packed(b"X"),
        packed(b"\0"),
        FRAME.pack(b"N", 5_000_000, 0),
        FRAME.pack(b"N", 0, 2**63),
        packed(b"N", body=bytes(1001)),
        packed(b"N") * 6,
    ],
    ids=["unknown kind", "zero kind", "long head", "endless body", "flood", "too many"],
)
def test_what_is_malformed_or_too_much_is_refused(stream: bytes) -> None:
    with pytest.raises(BadFrames):
        FrameReader(LIMITS).feed(stream)


def test_the_same_frames_pass_within_the_limits() -> None:
    limits = GuestLimits(frames=6, frame_bytes=2000)
    assert len(FrameReader(limits).feed(packed(b"N") * 6)) == 6
    assert len(FrameReader(limits).feed(packed(b"N", body=bytes(1001)))) == 1
