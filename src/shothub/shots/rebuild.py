"""Write an admitted shot as a new HDF5 file of ours, whole or not at all."""

import os
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TypedDict

import h5py
import numpy as np

from shothub.shots.annotations import WAIT, Annotations
from shothub.shots.gate import Admitted
from shothub.shots.globals import as_attribute
from shothub.shots.lab import JSON_TAG, Lab, Orders
from shothub.shots.tree import Array
from shothub.shots.validators.base import Valid

Attributes = Mapping[str, str | int | float]

COMPRESSED_FROM = 1_000_000
"""Bytes: smaller tables are written as they are, which takes a tenth of the time."""


class ShotExists(FileExistsError):
    """A shot file of this name is already there; shot files are never overwritten."""


class Sequence(TypedDict):
    """The root attributes with which runmanager groups shots into a sequence."""

    script_basename: str
    sequence_date: str
    sequence_index: int
    sequence_id: str


def sequence(*, source: str, submitted: datetime, index: int) -> Sequence:
    """Return a sequence's attributes in runmanager's own form.

    Args:
        source: name of the procedure or script, without ``.py``.
        submitted: becomes the sequence's time, in the zone that it has.
        index: of the sequence on its day.
    """
    day: date = submitted.date()
    return Sequence(
        script_basename=source,
        sequence_date=f"{day:%Y-%m-%d}",
        sequence_index=index,
        sequence_id=f"{submitted:%Y%m%dT%H%M%S}_{source}",
    )


def write_shot(
    admitted: Admitted,
    lab: Lab,
    path: Path,
    attributes: Attributes,
    *,
    durable: bool = True,
) -> None:
    """Write the file that BLACS is to run; it appears complete under its name.

    Args:
        admitted: what may be written.
        lab: whose connection table is written, whatever the shot's own was.
        path: the new file, in an existing folder.
        attributes: of the root: ``job_id``, ``owner``, ``epoch`` and those of ``sequence``;
            ``run number`` and ``n_runs`` come from the shot.
        durable: whether the file is on the disk on return; without it ``make_durable``
            must follow, once for many files.

    Raises:
        ShotExists: there is such a file.
        OSError: the disk is full or the folder not writable; no file is left behind.
    """
    if path.exists():
        raise ShotExists(f"{path.name} exists already")
    part = path.with_name(f".{path.name}.part")
    try:
        with h5py.File(part, "w") as file:
            _write(file, admitted, lab, attributes)
        if durable:
            _sync(part)
        part.rename(path)
        if durable:
            _sync(path.parent)
    finally:
        part.unlink(missing_ok=True)


def make_durable(folder: Path) -> None:
    """Return when all files of a folder are on the disk."""
    for path in (*sorted(folder.iterdir()), folder):
        _sync(path)


def _write(
    file: h5py.File, admitted: Admitted, lab: Lab, attributes: Attributes
) -> None:
    file.attrs.update(attributes)
    file.attrs["run number"] = admitted.index
    file.attrs["n_runs"] = admitted.count
    _write_globals(file, admitted)
    _write_table(file, lab)
    file.create_group("devices")
    file.create_group("calibrations")
    for name, valid in admitted.devices.items():
        _write_device(file, name, valid, lab.orders.get(name, Orders()))
    _write_annotations(file, admitted.annotations, lab)


def _write_globals(file: h5py.File, admitted: Admitted) -> None:
    group = file.create_group("globals")
    for name, value in admitted.globals.items():
        group.attrs[name] = as_attribute(value)


def _write_table(file: h5py.File, lab: Lab) -> None:
    table = file.create_dataset("connection table", data=lab.table, maxshape=(None,))
    table.attrs["master_pseudoclock"] = lab.master


def _write_device(file: h5py.File, name: str, valid: Valid, orders: Orders) -> None:
    group = file.create_group(f"devices/{name}")
    group.attrs["added_properties"] = f"{JSON_TAG}{{}}"
    group.attrs.update(valid.attributes)
    group.attrs["start_order"] = orders.start
    group.attrs["stop_order"] = orders.stop
    for dataset, data in valid.datasets.items():
        _write_data(group, dataset, data)


def _write_data(group: h5py.Group, name: str, data: Array) -> None:
    large = data.nbytes >= COMPRESSED_FROM
    options = {"compression": "gzip", "compression_opts": 1} if large else {}
    group.create_dataset(name, data=data, **options)


def _write_annotations(file: h5py.File, notes: Annotations, lab: Lab) -> None:
    waits = file.create_dataset("waits", data=np.empty(0, WAIT))
    waits.attrs.update(lab.waits)
    file.create_dataset("time_markers", data=notes.markers)
    script = file.create_dataset("script", data=notes.script)
    script.attrs["name"] = notes.script_name
    script.attrs["path"] = ""
    properties = file.create_group("shot_properties").attrs
    properties["target_cycle_time"] = (
        f"{JSON_TAG}null" if notes.cycle_time is None else notes.cycle_time
    )
    properties["cycle_time_delay_after_programming"] = notes.delay_after_programming


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
