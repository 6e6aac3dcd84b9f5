"""The gas's formulae against known results."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammainc

from shothub.sim.physics.constants import COUPLING, HBAR, KB, MASS, SCATTERING_LENGTH, H
from shothub.sim.physics.evaporation import Gas, evolve, move_trap
from shothub.sim.physics.expansion import castin_dum, release
from shothub.sim.physics.gas import (
    chemical_potential,
    condensed,
    critical_temperature,
    energy,
    fugacity,
    gamma_3_4_5,
    temperature_of,
)
from shothub.sim.physics.trap import BOTTOM_FREQUENCY, Trap, wire_trap

ROUND = Trap((math.tau * 100,) * 3, KB * 1e-3)
LONG = Trap((math.tau * 20, math.tau * 200, math.tau * 200), KB * 1e-3)


@given(st.floats(1e-3, 60))
def test_the_incomplete_gamma_functions_are_those_of_scipy(eta: float) -> None:
    expected = [gammainc(a, eta) for a in (3, 4, 5)]
    assert gamma_3_4_5(eta) == pytest.approx(expected, rel=1e-6)


def test_the_critical_temperature_is_the_ideal_one_with_its_two_shifts() -> None:
    number = 1e5
    ideal = 0.94 * HBAR * ROUND.mean / KB * number ** (1 / 3)
    length = math.sqrt(HBAR / (MASS * ROUND.mean))
    shift = -0.73 * number ** (-1 / 3)
    shift -= 1.33 * SCATTERING_LENGTH / length * number ** (1 / 6)
    assert critical_temperature(number, ROUND) == pytest.approx(
        ideal * (1 + shift), rel=0.002
    )


def test_the_condensate_follows_the_cube_of_the_temperature() -> None:
    critical = critical_temperature(1e5, LONG)
    assert condensed(1e5, critical * 1.01, LONG) == 0
    for part in (0.2, 0.5, 0.9):
        inside = condensed(1e5, critical * part, LONG)
        assert inside == pytest.approx(1e5 * (1 - part**3))


def test_the_energy_is_3kt_per_atom_far_above_and_has_no_jump_at_condensation() -> None:
    hot = 20 * critical_temperature(1e5, ROUND)
    assert energy(1e5, hot, ROUND) == pytest.approx(3e5 * KB * hot, rel=1e-3)
    critical = critical_temperature(1e5, ROUND)
    below, above = (energy(1e5, critical * f, ROUND) for f in (1 - 1e-6, 1 + 1e-6))
    assert below == pytest.approx(above, rel=1e-4)


@given(st.floats(3, 7), st.floats(0.2, 50))
def test_the_temperature_is_found_again_from_the_energy(
    log: float, part: float
) -> None:
    number = 10**log
    temperature = part * critical_temperature(number, LONG)
    total = energy(number, temperature, LONG)
    found = temperature_of(number, total, LONG, temperature * 1.5)
    assert found == pytest.approx(temperature, rel=1e-3)


def test_the_fugacity_is_one_at_condensation_and_small_when_hot() -> None:
    critical = critical_temperature(1e5, ROUND)
    assert fugacity(1e5, critical * 0.99, ROUND) == 1
    assert fugacity(1e5, critical * 10, ROUND) == pytest.approx(1.2e-3, rel=0.02)


def test_the_chemical_potential_goes_with_the_number_to_two_fifths() -> None:
    one, many = (chemical_potential(n, ROUND) for n in (1e4, 32e4))
    assert many / one == pytest.approx(4.0)


def test_the_chemical_potential_is_that_of_the_density_it_makes() -> None:
    potential = chemical_potential(1e5, ROUND)
    radius = math.sqrt(2 * potential / MASS) / ROUND.mean
    peak = 15 * 1e5 / (8 * math.pi * radius**3)
    assert potential == pytest.approx(COUPLING * peak, rel=1e-3)


def test_slow_compression_is_adiabatic_and_sudden_compression_heats() -> None:
    gas = Gas(1e5, 5e-6, ROUND)
    tight = Trap((math.tau * 200,) * 3, ROUND.depth)
    sudden = move_trap(gas, tight)
    slow = gas
    for i in range(1, 201):
        omega = math.tau * (100 + 0.5 * i)
        slow = move_trap(slow, Trap((omega,) * 3, ROUND.depth))
    assert slow.temperature == pytest.approx(10e-6, rel=0.01)
    assert sudden.temperature == pytest.approx(12.5e-6, rel=0.01)
    assert slow.number == pytest.approx(1e5)


def test_a_knife_above_the_atoms_leaves_them_alone() -> None:
    gas = Gas(1e5, 1e-6, ROUND)
    shallow = move_trap(gas, Trap(ROUND.omega, KB * 30e-6))
    assert shallow.number == pytest.approx(1e5, rel=1e-6)


def test_evaporation_at_constant_depth_cools_and_raises_the_phase_space_density() -> (
    None
):
    start = Gas(1e7, 20e-6, Trap((math.tau * 300,) * 3, 6 * KB * 20e-6))
    end = evolve(start, 0.2)
    assert end.number < start.number
    assert end.temperature < start.temperature
    assert end.number / end.temperature**3 > 2 * start.number / start.temperature**3


def test_background_loss_alone_keeps_the_temperature() -> None:
    start = Gas(1e4, 2e-6, LONG)
    end = evolve(start, 1.0)
    assert end.number == pytest.approx(1e4 * math.exp(-1 / 4), rel=0.01)
    assert end.temperature == pytest.approx(2.1e-6, rel=0.01)


def test_the_wire_trap_tightens_with_the_square_of_the_bias_field() -> None:
    weak, tight = (wire_trap(3.0, bias, None) for bias in (8e-4, 32e-4))
    assert weak is not None
    assert tight is not None
    assert tight.omega[1] / weak.omega[1] == pytest.approx(16)
    assert weak.omega[0] == tight.omega[0]
    assert wire_trap(0.0, 8e-4, None) is None


def test_the_knife_cuts_at_its_distance_from_the_trap_bottom() -> None:
    trap = wire_trap(3.0, 30e-4, BOTTOM_FREQUENCY + 1e6)
    assert trap is not None
    assert trap.depth == pytest.approx(H * 1e6)
    assert pytest.approx(0.70e6, rel=1e-3) == BOTTOM_FREQUENCY


def test_a_long_condensate_turns_its_shape_over_in_flight() -> None:
    """Castin and Dum's solution for a very long trap: radial scale sqrt(1 + tau^2)."""
    omega = (math.tau * 1.0, math.tau * 200, math.tau * 200)
    for flight in (1e-3, 5e-3, 10e-3):
        scale = castin_dum(omega, flight)
        tau = omega[1] * flight
        assert scale[1] == pytest.approx(math.sqrt(1 + tau**2), rel=0.01)
    cloud = release(Gas(1e5, 20e-9, LONG))
    assert cloud.radii[0] > 5 * cloud.radii[1]


def test_a_released_thermal_cloud_expands_by_its_temperature() -> None:
    cloud = release(Gas(1e5, 2e-6, LONG))
    size = math.sqrt(KB * 2e-6 / MASS)
    assert cloud.sizes[1] == pytest.approx(size / LONG.omega[1])
