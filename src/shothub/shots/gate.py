"""The gate: a decoded shot is admitted with validated values only, or refused in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from shothub.domain.faults import Fault
from shothub.shots.annotations import Annotations, read_annotations, refuse_waits
from shothub.shots.lab import Lab
from shothub.shots.limits import breaches
from shothub.shots.own_table import table_faults
from shothub.shots.traces import Trace
from shothub.shots.tree import DecodedShot, Node
from shothub.shots.validators import DEVICES, PSEUDOCLOCKS, installed
from shothub.shots.validators.base import Clock, Invalid, Part, Valid, Validator

GROUPS = frozenset(
    {
        "/",
        "calibrations",
        "connection table",
        "devices",
        "globals",
        "labscriptlib",
        "script",
        "shot_properties",
        "time_markers",
        "waits",
    }
)
"""What labscript writes at the top of a shot; all else comes later or from elsewhere."""

MAX_FAULTS = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Admitted:
    """A shot that may be written for BLACS.

    Attributes:
        devices: what may be written of each device.
        traces: the course of each output that it drives.
        duration: seconds, until the end of the last clock tick.
    """

    index: int
    count: int
    globals: Mapping[str, JsonValue]
    units: Mapping[str, str]
    devices: Mapping[str, Valid]
    traces: Mapping[str, Trace]
    annotations: Annotations
    duration: float


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Why a shot may not run; at least one fault."""

    faults: tuple[Fault, ...]


def admit(shot: DecodedShot, lab: Lab) -> Admitted | Refused:
    """Judge a shot against what the lab has and allows.

    Every device must be one of the lab's, of a class that has a validator; the lab's
    class counts, never the shot's. Its data must be such as labscript would write, and
    its outputs must keep within the limits.
    """
    faults = [*_foreign(shot), *_unknown_devices(shot, lab), *table_faults(shot, lab)]
    if faults:
        return Refused(faults=tuple(faults[:MAX_FAULTS]))
    try:
        refuse_waits(shot)
        devices = _devices(shot, lab)
        clock = _clock_of(devices, lab.master)
        annotations = read_annotations(shot, lab, duration=clock.duration)
    except Invalid as refusal:
        return Refused(faults=(refusal.fault,))
    traces = _traces(devices, clock, lab)
    faults = breaches(
        traces,
        lab.limits,
        duration=clock.duration,
        instructions=max(valid.instructions for valid in devices.values()),
    )
    if faults:
        return Refused(faults=tuple(faults[:MAX_FAULTS]))
    return Admitted(
        index=shot.index,
        count=shot.count,
        globals=shot.globals,
        units=shot.units,
        devices=devices,
        traces=traces,
        annotations=annotations,
        duration=clock.duration,
    )


def _foreign(shot: DecodedShot) -> Iterator[Fault]:
    tops = {path.partition("/")[0] or "/" for path in shot.tree}
    for name in sorted(tops - GROUPS):
        yield Fault(
            code="forbidden_content",
            detail=f"A compiled shot has no {name!r}.",
            where=name,
            hint="only labscript itself may write into the file",
        )


def _unknown_devices(shot: DecodedShot, lab: Lab) -> Iterator[Fault]:
    attached, named = lab.attached, set(shot.children("devices"))
    for name in sorted(named):
        if name not in attached:
            yield Fault(
                code="unknown_device",
                detail=f"The lab has no device {name!r}.",
                where=f"devices/{name}",
                hint=f"its devices are: {', '.join(sorted(attached))}",
            )
        elif attached[name] not in installed():
            yield unvalidated(name, attached[name])
    if lab.master not in named:
        yield Fault(
            code="no_master_pseudoclock",
            detail=f"The shot does not drive the master pseudoclock {lab.master!r}.",
            where="devices",
            hint="make the same devices as in the lab's connection table",
        )


def unvalidated(name: str, device_class: str) -> Fault:
    """Return the fault that a device of this class cannot be judged."""
    return Fault(
        code="no_validator",
        detail=f"Class {device_class} of device {name} has no validator, so that shots "
        f"which drive it are refused; installed: {', '.join(installed())}.",
        where=f"devices/{name}",
    )


def _devices(shot: DecodedShot, lab: Lab) -> dict[str, Valid]:
    groups = shot.children("devices")
    master = _judge(shot, lab, lab.master, groups, clock=None)
    devices = {lab.master: master}
    for name in sorted(set(groups) - {lab.master}):
        devices[name] = _judge(shot, lab, name, groups, clock=master.clock)
    return devices


def _judge(
    shot: DecodedShot,
    lab: Lab,
    name: str,
    groups: Mapping[str, Node],
    *,
    clock: Clock | None,
) -> Valid:
    part = Part(
        name=name,
        attributes=groups[name].attributes,
        nodes=_content(shot, name),
        lab=lab,
        clock=clock,
    )
    if groups[name].data is not None:
        raise part.invalid("it is no group")
    return _validator(part)(part)


def _content(shot: DecodedShot, device: str) -> dict[str, Node]:
    prefix = f"devices/{device}/"
    return {
        p.removeprefix(prefix): n for p, n in shot.tree.items() if p.startswith(prefix)
    }


def _validator(part: Part) -> Validator:
    device_class = part.lab.attached[part.name]
    if part.clock is None:
        if device_class in PSEUDOCLOCKS:
            return PSEUDOCLOCKS[device_class]
        raise part.invalid(
            f"the master pseudoclock's class {device_class} is not supported"
        )
    if device_class in PSEUDOCLOCKS or part.lab.pseudoclock_of(part.name) is None:
        raise part.invalid("a second pseudoclock is not supported in this version")
    return DEVICES[device_class]


def _clock_of(devices: Mapping[str, Valid], master: str) -> Clock:
    clock = devices[master].clock
    if clock is None:
        raise TypeError(f"the validator of {master} gave no clock")
    return clock


def _traces(devices: Mapping[str, Valid], clock: Clock, lab: Lab) -> dict[str, Trace]:
    return {
        name: Trace(times=clock.times, values=values, unit=lab.outputs[name].unit)
        for valid in devices.values()
        for name, values in valid.values.items()
    }
