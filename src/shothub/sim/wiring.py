"""Which cable of the simulated outputs goes to which part of the simulated machine."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One analog output and what it drives.

    Attributes:
        name: what it drives, as the physics calls it.
        unit: unit of the numbers in the output table.
        minimum: smallest value the driver accepts.
        maximum: largest value the driver accepts.
    """

    name: str
    unit: str
    minimum: float
    maximum: float


ANALOG = {
    "ao0": Channel(name="mot_gradient", unit="G/cm", minimum=0, maximum=30),
    "ao1": Channel(name="chip_current", unit="A", minimum=0, maximum=5),
    "ao2": Channel(name="bias_field", unit="G", minimum=0, maximum=50),
    "ao3": Channel(name="knife_frequency", unit="MHz", minimum=0, maximum=40),
    "ao4": Channel(name="drive_amplitude", unit="V", minimum=0, maximum=5),
    "ao5": Channel(name="drive_offset", unit="kHz", minimum=-500, maximum=500),
    "ao6": Channel(name="probe_detuning", unit="MHz", minimum=-60, maximum=60),
    "ao7": Channel(name="probe_intensity", unit="Isat", minimum=0, maximum=2),
}

DIGITAL = {
    "do0": "cooling_light",
    "do1": "repump_light",
    "do2": "knife_gate",
    "do3": "drive_gate",
    "do4": "probe_light",
    "do5": "camera_trigger",
}
