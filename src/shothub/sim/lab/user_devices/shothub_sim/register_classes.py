"""Tells BLACS which tab belongs to which simulated device."""

from labscript_devices import register_classes

for device in ("SimulatedOutputs", "SimulatedCamera"):
    register_classes(
        device,
        BLACS_tab=f"shothub.sim.devices.blacs_tabs.{device}Tab",
        runviewer_parser=None,
    )
