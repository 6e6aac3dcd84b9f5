"""What a shot's outputs do to the atoms, as a physicist expects it."""

import math
from functools import cache

import pytest
from tests.fakes.sim_programs import Script

from shothub.sim.physics.constants import GRAVITY
from shothub.sim.physics.machine import Fluctuations, Snapshot, simulate
from shothub.sim.physics.twolevel import COHERENCE_TIME, rabi


def shot(script: Script, state: str = "all", loading: float = 1.0) -> Snapshot:
    program, exposures = script.image(state)
    return simulate(program, exposures, Fluctuations(loading=loading))[0]


@cache
def evaporated(end: float, duration: float = 0.4, loading: float = 0.25) -> Snapshot:
    script = Script(end, duration, loading)
    script.fly(15e-3)
    return shot(script)


def fraction(end: float) -> float:
    cloud = evaporated(end).cloud
    return cloud.condensed / cloud.number


def test_the_default_ramp_makes_a_bimodal_cloud_of_a_hundred_thousand_atoms() -> None:
    cloud = evaporated(0.75).cloud
    assert 0.9e5 < cloud.number < 1.5e5
    assert 0.4 < fraction(0.75) < 0.7
    assert 80e-9 < cloud.temperature < 130e-9


def test_deeper_evaporation_is_colder_and_has_fewer_atoms() -> None:
    clouds = [evaporated(end).cloud for end in (5.0, 2.0, 1.2, 0.9, 0.8, 0.75, 0.72)]
    temperatures = [cloud.temperature for cloud in clouds]
    numbers = [cloud.number for cloud in clouds]
    assert temperatures == sorted(temperatures, reverse=True)
    assert numbers == sorted(numbers, reverse=True)


def test_the_condensate_fraction_rises_with_deeper_evaporation() -> None:
    fractions = [fraction(end) for end in (1.0, 0.8, 0.75, 0.72)]
    assert fractions[0] == 0
    assert fractions == sorted(fractions)
    assert fractions[-1] > 0.7


def test_below_the_trap_bottom_no_atoms_are_left() -> None:
    assert evaporated(0.68).cloud.number == 0


def test_a_ramp_too_fast_for_collisions_makes_no_condensate() -> None:
    fast, slow = evaporated(0.75, 0.1).cloud, evaporated(0.75).cloud
    assert fast.condensed == 0
    assert fast.number < slow.number / 4


def test_longer_loading_gives_more_atoms() -> None:
    short, longer = evaporated(2.0, loading=0.1), evaporated(2.0, loading=0.5)
    assert longer.cloud.number > 2 * short.cloud.number


def test_fluctuating_loading_changes_the_number() -> None:
    script = Script()
    script.fly(15e-3)
    assert shot(script, loading=1.01).cloud.number == pytest.approx(
        evaporated(0.75).cloud.number * 1.026, rel=0.01
    )


def test_a_hold_loses_atoms_heats_and_melts_the_condensate() -> None:
    clouds = []
    for duration in (0.0, 0.5, 2.0, 4.0):
        script = Script()
        script.time += duration
        script.fly(15e-3)
        clouds.append(shot(script).cloud)
    numbers = [cloud.number for cloud in clouds]
    assert numbers == sorted(numbers, reverse=True)
    assert [c.temperature for c in clouds] == sorted(c.temperature for c in clouds)
    assert clouds[0].condensed > 5e4 > clouds[1].condensed
    assert clouds[2].condensed == 0
    # After the condensate the vacuum alone decides: its lifetime is 4 s.
    assert clouds[3].number / clouds[2].number == pytest.approx(
        math.exp(-2 / 4), rel=0.03
    )


def test_without_holding_current_there_is_nothing_to_hold() -> None:
    script = Script()
    script.fly(25e-3)
    assert shot(script).cloud.drop == pytest.approx(GRAVITY * 0.025**2 / 2, rel=1e-4)


def test_a_resonant_pulse_flops_as_rabi_says() -> None:
    total = evaporated(0.75).cloud.number
    for duration in (50e-6, 125e-6, 250e-6, 400e-6, 500e-6):
        script = Script()
        script.pulse(duration, amplitude=2.0)
        script.fly(15e-3)
        seen = shot(script, "F=2")
        assert seen.cloud.number == pytest.approx(total, rel=0.01)
        assert seen.upper == pytest.approx(rabi(2.0, 0.0, duration), abs=0.01)


def test_a_detuned_pulse_transfers_less() -> None:
    script = Script()
    script.pulse(250e-6, amplitude=2.0, offset=3.0)
    script.fly(15e-3)
    assert shot(script, "F=2").upper == pytest.approx(rabi(2.0, 3.0, 250e-6), abs=0.01)
    assert rabi(2.0, 3.0, 250e-6) < 0.2


def test_two_half_pulses_make_ramsey_fringes() -> None:
    uppers = []
    for wait in (1e-3, 1.5e-3):
        script = Script()
        script.pulse(250e-6, amplitude=1.0, offset=1e-3)
        script.set(drive_offset=1.0)
        script.time += wait - 10e-6
        script.pulse(250e-6, amplitude=1.0, offset=1e-3)
        script.fly(15e-3)
        uppers.append(shot(script, "F=2").upper)
    assert uppers[0] > 0.9
    assert uppers[1] < 0.1


def test_long_driving_loses_its_contrast() -> None:
    script = Script()
    script.pulse(20 * COHERENCE_TIME, amplitude=1.0)
    script.fly(15e-3)
    assert shot(script, "F=2").upper == pytest.approx(0.5, abs=0.02)


def test_repumping_light_shows_all_atoms_and_its_absence_only_the_upper_state() -> None:
    script = Script()
    script.fly(15e-3)
    assert shot(script, "all").upper == pytest.approx(1.0, abs=1e-3)
    script = Script()
    script.fly(15e-3)
    assert shot(script, "F=2").upper == pytest.approx(0.0, abs=1e-3)


def test_the_imaging_light_removes_what_it_saw() -> None:
    script = Script()
    script.fly(15e-3)
    program, exposures = script.image()
    atoms, light, dark = simulate(program, exposures)
    assert atoms.cloud.number > 9e4
    assert light.cloud.number < 100
    assert dark.cloud.number < 100


def test_it_is_deterministic() -> None:
    script = Script()
    script.fly(15e-3)
    program, exposures = script.image()
    assert simulate(program, exposures) == simulate(program, exposures)
