"""Registers the moody device with the suite."""

import labscript_devices

_HERE = "user_devices.moody"

labscript_devices.register_classes(
    "MoodyDevice", BLACS_tab=f"{_HERE}.blacs_tabs.MoodyTab", runviewer_parser=None
)
