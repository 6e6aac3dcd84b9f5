"""The simulated machine: what is connected to what."""

from labscript import AnalogOut, DigitalOut, start, stop
from labscript_devices.DummyPseudoclock.labscript_devices import DummyPseudoclock

from shothub.sim.devices.labscript_devices import SimulatedCamera, SimulatedOutputs

ANALOG_OUTPUTS = [
    "mot_gradient",  # G/cm, quadrupole coils of the magneto-optical trap
    "chip_current",  # A, through the wire of the atom chip
    "bias_field",  # G, across the wire
    "knife_frequency",  # MHz, radio frequency that cuts the hot atoms off
    "drive_amplitude",  # V, of the two-level drive
    "drive_offset",  # kHz, of the two-level drive from its resonance
    "probe_detuning",  # MHz, of the imaging light from its resonance
    "probe_intensity",  # saturation intensities, of the imaging light
]
DIGITAL_OUTPUTS = [
    "cooling_light",
    "repump_light",
    "knife_gate",
    "drive_gate",
    "probe_light",
]


def build():
    """Make every device of the machine; once per shot, before ``start()``."""
    clock = DummyPseudoclock(name="clock", BLACS_connection="simulated clock")
    outputs = SimulatedOutputs(name="outputs", parent_device=clock.clockline)
    for number, name in enumerate(ANALOG_OUTPUTS):
        AnalogOut(name=name, parent_device=outputs, connection=f"ao{number}")
    for number, name in enumerate(DIGITAL_OUTPUTS):
        DigitalOut(name=name, parent_device=outputs, connection=f"do{number}")
    SimulatedCamera(
        name="camera",
        parent_device=outputs,
        connection="do5",
        orientation="side",
        pixel_size=[6.45, 6.45],
        magnification=0.75,
        shape=[416, 168],
        quantum_efficiency=0.5,
        electrons_per_count=8.0,
        read_noise=8.0,
        seed=1995,
    )


if __name__ == "__main__":
    build()
    start()
    stop(1)
