import pytest

from shothub.sandbox.endings import reason_of, words_for
from shothub.sandbox.guests.confinement import GUEST_FAILED
from shothub.sandbox.limits import GuestLimits


@pytest.mark.parametrize(
    ("status", "ended", "reason"),
    [
        (0, True, ""),
        (0, False, "ended_early"),
        (3, False, "ended_early"),
        (3, True, "ended_early"),
        (128 + 31, False, "forbidden_syscall"),
        (128 + 24, False, "cpu"),
        (128 + 11, False, "crashed"),
        (128 + 9, False, "killed"),
        (255, False, "ended_early"),
        (GUEST_FAILED, False, "guest_failed"),
    ],
)
def test_a_status_becomes_a_reason_with_words(
    status: int, ended: bool, reason: str
) -> None:
    assert reason_of(status, ended=ended, out_of_memory=False) == reason
    assert bool(words_for(reason, GuestLimits())) is bool(reason)


def test_the_kernel_s_word_on_memory_comes_first() -> None:
    assert reason_of(137, ended=False, out_of_memory=True) == "memory"
    assert "1536 MB" in words_for("memory", GuestLimits())


@pytest.mark.parametrize("reason", ["wall_clock", "output", "frames", "sandbox_failed"])
def test_reasons_of_the_host_have_words_too(reason: str) -> None:
    assert words_for(reason, GuestLimits())
