"""One validator per class of device: what its part of a shot must be, to the byte."""

from collections.abc import Mapping

from shothub.shots.validators.base import Validator
from shothub.shots.validators.dummy_intermediate import validate_dummy_outputs
from shothub.shots.validators.dummy_pseudoclock import validate_dummy_pseudoclock
from shothub.shots.validators.simulated_camera import validate_camera
from shothub.shots.validators.simulated_outputs import validate_simulated_outputs

PSEUDOCLOCKS: Mapping[str, Validator] = {
    "DummyPseudoclock": validate_dummy_pseudoclock,
}
DEVICES: Mapping[str, Validator] = {
    "DummyIntermediateDevice": validate_dummy_outputs,
    "SimulatedCamera": validate_camera,
    "SimulatedOutputs": validate_simulated_outputs,
}


def installed() -> tuple[str, ...]:
    """Return the classes of devices that shots may drive."""
    return tuple(sorted({*PSEUDOCLOCKS, *DEVICES}))
