"""Gives the simulated camera the moody tab."""

from labscript_devices import register_classes

register_classes(
    "SimulatedCamera",
    BLACS_tab="user_devices.moody_camera.blacs_tabs.MoodyCameraTab",
    runviewer_parser=None,
)
