import pytest

from shothub.sandbox.attacks import ATTACKS, Attack
from shothub.sandbox.host import GuestBinds, GuestLimits, Layers, Zygote
from shothub.sandbox.selftest import selftest, without

CONTROLLED = [attack for attack in ATTACKS if attack.guards]


def test_every_known_attack_is_stopped(layers: Layers) -> None:
    attempts = selftest()
    assert len(attempts) >= 30
    assert [a for a in attempts if not a.stopped] == []


@pytest.mark.parametrize("attack", CONTROLLED, ids=lambda attack: attack.name)
def test_the_attack_works_without_its_guard(layers: Layers, attack: Attack) -> None:
    assert not without(attack.guards, attack).stopped


def test_a_run_without_a_session_of_its_own_could_end_the_warm_process(
    layers: Layers,
) -> None:
    guards = ("namespaces", "rlimits", "seccomp")
    with Zygote("attack", GuestBinds(), GuestLimits(wall=5), guards=guards) as zygote:
        end = zygote.run_text(b"import os\nos.kill(0, 9)", sink=lambda _frame: None)
        assert end.reason == "sandbox_failed"
        # It comes up again by itself all the same.
        assert zygote.run_text(b"pass", sink=lambda _frame: None).ok


def test_the_host_says_which_layers_there_are(layers: Layers) -> None:
    assert layers.bubblewrap
    assert layers.user_namespaces
    assert layers.seccomp
    assert layers.missing == ()
