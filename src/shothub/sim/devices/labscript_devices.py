"""The simulated devices as labscript compiles them: output tables and exposures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from labscript import (
    AnalogOut,
    DigitalOut,
    IntermediateDevice,
    LabscriptError,
    TriggerableDevice,
    config,
    set_passed_properties,
)

EXPOSURE = np.dtype(
    [("t", "f8"), ("name", "S64"), ("frametype", "S32"), ("duration", "f8")]
)


class SimulatedOutputs(IntermediateDevice):  # type: ignore[misc]
    """Analog outputs ``ao0`` … and digital outputs ``do0`` …, one row a clock tick.

    Writes ``AO`` (record of float64) and ``DO`` (record of uint8), whose fields are the
    connections, and ``TIMES`` (float64, seconds): the time of each row.
    """

    description = "simulated outputs"
    clock_limit = 1e6
    allowed_children = (AnalogOut, DigitalOut)

    def __init__(
        self,
        name: str,
        parent_device: Any,
        BLACS_connection: str = "simulated",  # noqa: N803  labscript's own name
        **options: Any,
    ) -> None:
        self.BLACS_connection = BLACS_connection
        IntermediateDevice.__init__(self, name, parent_device, **options)

    def generate_code(self, hdf5_file: Any) -> None:
        IntermediateDevice.generate_code(self, hdf5_file)
        clockline = self.parent_device
        times = np.asarray(clockline.parent_device.times[clockline], dtype="f8")
        group = self.init_device_group(hdf5_file)
        tables = {
            "AO": self._table(AnalogOut, "ao", "f8", len(times)),
            "DO": self._table(DigitalOut, "do", "u1", len(times)),
            "TIMES": times,
        }
        for table, rows in tables.items():
            group.create_dataset(table, compression=config.compression, data=rows)

    def _table(self, kind: type, prefix: str, dtype: str, rows: int) -> Any:
        outputs: list[Any] = [d for d in self.child_devices if isinstance(d, kind)]
        outputs.sort(key=lambda output: _number(output.connection, prefix))
        fields = [(output.connection, dtype) for output in outputs]
        if not fields:
            return np.zeros(0, dtype=dtype)
        table = np.zeros(rows, dtype=fields)
        for output in outputs:
            table[output.connection] = output.raw_output
        return table


class SimulatedCamera(TriggerableDevice):  # type: ignore[misc]
    """A camera on a digital output, imaging the simulated atoms.

    Writes ``EXPOSURES``: a record of start ``t`` and ``duration`` in seconds, ``name``
    and ``frametype``, in order of time.
    """

    description = "simulated camera"

    @set_passed_properties(  # type: ignore[untyped-decorator]
        property_names={
            "connection_table_properties": [
                "orientation",
                "pixel_size",
                "magnification",
                "shape",
                "quantum_efficiency",
                "electrons_per_count",
                "read_noise",
                "seed",
            ]
        }
    )
    def __init__(  # noqa: PLR0913  as labscript's devices take them
        self,
        name: str,
        parent_device: Any,
        connection: str,
        orientation: str | None = None,
        pixel_size: Sequence[float] = (6.45, 6.45),
        magnification: float = 0.75,
        shape: Sequence[int] = (416, 168),
        quantum_efficiency: float = 0.5,
        electrons_per_count: float = 8.0,
        read_noise: float = 8.0,
        seed: int = 0,
        BLACS_connection: str = "simulated camera",  # noqa: N803  labscript's own name
        **options: Any,
    ) -> None:
        """Make a camera.

        Args:
            name: of the device.
            parent_device: device with the digital output that triggers it.
            connection: that output, e.g. ``do5``.
            orientation: group of the images in the file; the name of the device if None.
            pixel_size: of the sensor, micrometres, x and y, as the stock cameras have it.
            magnification: of the imaging optics.
            shape: rows and columns of a frame.
            quantum_efficiency: electrons per photon.
            electrons_per_count: of the digitised signal.
            read_noise: electrons, root mean square, per pixel.
            seed: of the lab's own noise; with the shot's identity it fixes every image.
            BLACS_connection: text for BLACS.
            options: passed to labscript.
        """
        self.BLACS_connection = BLACS_connection
        self.exposures: list[tuple[float, bytes, bytes, float]] = []
        TriggerableDevice.__init__(self, name, parent_device, connection, **options)

    def expose(
        self,
        t: float,
        name: str,
        frametype: str = "frame",
        trigger_duration: float = 50e-6,
    ) -> float:
        """Expose one frame at ``t`` for ``trigger_duration``, both in seconds.

        Returns:
            The duration, seconds.

        Raises:
            LabscriptError: the duration is not positive, or a name is too long.
        """
        if not trigger_duration > 0:
            raise LabscriptError(
                f"{self.name}.expose: trigger_duration must be positive, "
                f"not {trigger_duration} s"
            )
        texts = name.encode(), frametype.encode()
        if len(texts[0]) > 64 or len(texts[1]) > 32:
            raise LabscriptError(
                f"{self.name}.expose: name takes 64 bytes, frametype 32 at most"
            )
        self.trigger(t, trigger_duration)
        self.exposures.append((t, *texts, trigger_duration))
        return trigger_duration

    def generate_code(self, hdf5_file: Any) -> None:
        self.do_checks()
        group = self.init_device_group(hdf5_file)
        rows = np.array(sorted(self.exposures), dtype=EXPOSURE)
        group.create_dataset("EXPOSURES", data=rows)


def _number(connection: str, prefix: str) -> int:
    digits = connection.removeprefix(prefix)
    if digits == connection or not digits.isdecimal():
        raise LabscriptError(
            f"simulated outputs are named {prefix}0, {prefix}1, …, not {connection!r}"
        )
    return int(digits)
