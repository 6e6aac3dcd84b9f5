"""What BLACS shows of the simulated devices."""

from typing import Any

from blacs.device_base_class import DeviceTab

from shothub.sim.wiring import ANALOG, Channel

UNWIRED = Channel(name="", unit="V", minimum=-10, maximum=10)
WORKERS = "shothub.sim.devices.blacs_workers"


class SimulatedOutputsTab(DeviceTab):  # type: ignore[misc]
    """Front panel with every output that the connection table has on the device."""

    def initialise_GUI(self) -> None:  # noqa: N802  BLACS's own name
        device = self.settings["connection_table"].find_by_name(self.device_name)
        ports = [child.parent_port for child in device.child_list.values()]
        ports.sort(key=lambda port: (port[:2], int(port[2:])))
        analog = {p: _analog(p) for p in ports if p.startswith("ao")}
        digital: dict[str, dict[str, Any]] = {
            p: {} for p in ports if p.startswith("do")
        }
        self.create_analog_outputs(analog)
        self.create_digital_outputs(digital)
        _, analog_widgets, digital_widgets = self.auto_create_widgets()
        self.auto_place_widgets(
            ("Analog outputs", analog_widgets, _connection_number),
            ("Digital outputs", digital_widgets, _connection_number),
        )
        self.supports_remote_value_check(False)

    def initialise_workers(self) -> None:
        self.create_worker("main_worker", f"{WORKERS}.SimulatedOutputsWorker", {})
        self.primary_worker = "main_worker"


class SimulatedCameraTab(DeviceTab):  # type: ignore[misc]
    """A camera without controls; its images are in the shot files."""

    def initialise_workers(self) -> None:
        table = self.settings["connection_table"]
        device = table.find_by_name(self.device_name)
        properties = device.properties
        self.create_worker(
            "main_worker",
            f"{WORKERS}.SimulatedCameraWorker",
            {"camera_properties": properties},
        )
        self.primary_worker = "main_worker"


def _analog(port: str) -> dict[str, Any]:
    channel = ANALOG.get(port, UNWIRED)
    return {
        "base_unit": channel.unit,
        "min": channel.minimum,
        "max": channel.maximum,
        "step": 0.1,
        "decimals": 4,
    }


def _connection_number(port: str) -> int:
    return int(port[2:])
