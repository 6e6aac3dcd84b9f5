"""The sandbox as other parts see it: what protects, what bounds, what runs."""

from shothub.sandbox.layers import Layers, probe
from shothub.sandbox.limits import Frame, GuestBinds, GuestEnd, GuestKind, GuestLimits
from shothub.sandbox.mounts import NoBubblewrap
from shothub.sandbox.warm_process import SandboxFailed
from shothub.sandbox.zygote import Sink, Zygote

__all__ = [
    "Frame",
    "GuestBinds",
    "GuestEnd",
    "GuestKind",
    "GuestLimits",
    "Layers",
    "NoBubblewrap",
    "SandboxFailed",
    "Sink",
    "Zygote",
    "probe",
]
