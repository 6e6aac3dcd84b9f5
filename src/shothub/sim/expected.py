"""What the physics says a shot should show, without noise: for checks against it."""

from dataclasses import dataclass
from pathlib import Path

import h5py

from shothub.sim.physics.machine import simulate
from shothub.sim.shot_file import read_exposures, read_program

CAMERA = "camera"


@dataclass(frozen=True)
class Expected:
    """The atoms at the first exposure of a shot.

    Attributes:
        atoms: number that the imaging light sees.
        condensed: how many of them are in the condensate.
        temperature: of the thermal ones, K.
        upper: fraction of all atoms that is in F=2.
    """

    atoms: float
    condensed: float
    temperature: float
    upper: float


def expected(shot: Path) -> Expected:
    """Compute what a shot file's own output tables do to the atoms, without noise."""
    with h5py.File(shot, "r") as file:
        program = read_program(file)
        exposures = read_exposures(file["devices"][CAMERA])
    first = simulate(program, exposures[:1])[0]
    return Expected(
        atoms=first.cloud.number * first.upper,
        condensed=first.cloud.condensed * first.upper,
        temperature=first.cloud.temperature,
        upper=first.upper,
    )


def atom_number(shot: Path) -> float:
    """Return the number of atoms that the image of a shot should show.

    What ``atom_number`` saves lies within 10 % and 3,000 atoms of it: the loading
    fluctuates by 0.5 % from run to run, which evaporation makes 1 to 3 %, the light's
    fringes add some 3 %, and the noise of an image is that of some 1,000 atoms.
    """
    return expected(shot).atoms
