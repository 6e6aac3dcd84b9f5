"""Finished shots become results, pictures and files; a routine fails alone."""

import errno
import io
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.fakes.compiled_shots import small_lab

from shothub.agent import jobfile
from shothub.agent.analyst import Analyst, DiskFull
from shothub.agent.gathered import PNG, Gathered
from shothub.agent.jobfile import JobFile
from shothub.agent.journal import Attempted, Parcel
from shothub.agent.site import Site
from shothub.domain.states import Outcome
from shothub.sandbox.limits import Frame, GuestEnd
from shothub.wire.agents import AnalyseTask, CompiledShot, RoutineResult
from shothub.wire.guests import AnalyseOrder, CompileOrder
from shothub.wire.jobs import SourceFile

LAB, USERS = SourceFile(name="atoms.py", text=""), SourceFile(name="my.py", text="")
DONE = Attempted(
    attempt=7,
    shot=1,
    job="job",
    index=0,
    outcome=Outcome.DONE,
    reason="",
    begun=None,
    ended=None,
)


def frame(kind: bytes, head: dict[str, object], body: bytes = b"") -> Frame:
    return Frame(kind, json.dumps(head).encode(), body)


def npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    return buffer.getvalue()


class FakeGuest:
    def __init__(
        self, sent: Sequence[Frame] = (), ended: GuestEnd | None = None
    ) -> None:
        self.sent = sent
        self.ended = ended or GuestEnd(ok=True)
        self.orders: list[AnalyseOrder] = []
        self.read: list[bytes] = []

    def run(
        self,
        order: CompileOrder | AnalyseOrder,
        *,
        blobs: Sequence[bytes] = (),
        files: Sequence[int] = (),
        sink: Callable[[Frame], None],
    ) -> GuestEnd:
        assert isinstance(order, AnalyseOrder)
        assert not blobs
        self.orders.append(order)
        self.read += [os.read(file, 8) for file in files]
        for one in self.sent:
            sink(one)
        return self.ended

    def close(self) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(
        storage=tmp_path,
        state=tmp_path,
        lab=small_lab(tmp_path),
        routines={"atoms": LAB, "temperature": LAB},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "job"
    folder.mkdir()
    shots = [
        CompiledShot(index=i, globals={"tof": 0.1 * i}, duration=1) for i in (0, 1)
    ]
    job = JobFile(
        job="job",
        key="alice",
        kind="procedure",
        source="bec_tof",
        procedure_sha256="",
        shots=shots,
        units={},
        single=["atoms"],
        multi=["temperature"],
        routines=[USERS],
        hdf5_allowed=True,
    )
    jobfile.write(folder, job)
    for index in (0, 1):
        with h5py.File(job.shot_path(folder, index), "w") as shot:
            shot.attrs["script_basename"] = "bec_tof"
            shot.attrs["run number"] = index
            shot.create_group("front_panel")
            for value, name in enumerate(("atoms", "dark", "light")):
                image = np.full((4, 5), value + 1, np.uint16)
                shot[f"images/side/absorption/{name}"] = image
    return folder


def routines_of(parcels: list[Parcel]) -> dict[str, RoutineResult]:
    report = json.loads(parcels[-1].body)
    results = [RoutineResult.model_validate(r) for r in report["routines"]]
    return {result.routine: result for result in results}


def names(parcels: list[Parcel]) -> list[str]:
    return [p.route.removeprefix("jobs/job/files/") for p in parcels if p.file]


RESULTS = [
    frame(b"R", {"routine": "atoms", "values": {"n": 5.0}}),
    frame(b"P", {"routine": "atoms", "name": "fit"}, PNG + b"..."),
    frame(b"A", {"routine": "atoms", "name": "pro file"}, npy()),
    frame(b"R", {"routine": "my", "failed": "ValueError: no", "traceback": "my.py:1"}),
]


def test_a_shot_gives_images_figures_arrays_and_results(
    site: Site, folder: Path
) -> None:
    parcels = Analyst(guest=FakeGuest(RESULTS), site=site).shot(DONE, folder, epoch=3)
    assert names(parcels) == [
        "images/absorption/0.npy",
        "previews/absorption/0.png",
        "figures/atoms/0_0.png",
        "arrays/atoms/0_pro_file.npy",
    ]
    assert parcels[-1].route == "attempts/7/analysis"
    found = routines_of(parcels)
    assert found["atoms"].values == {"n": 5.0}
    assert found["my"].failed == "ValueError: no"
    stack = np.load(parcels[0].file)
    assert stack.shape == (3, 4, 5)
    assert [int(image[0, 0]) for image in stack] == [1, 3, 2]
    assert Path(parcels[1].file).read_bytes().startswith(PNG)


def test_the_labs_routines_run_before_the_users(site: Site, folder: Path) -> None:
    guest = FakeGuest()
    Analyst(guest=guest, site=site).shot(DONE, folder, epoch=3)
    assert [routine.name for routine in guest.orders[0].routines] == [
        "atoms.py",
        "my.py",
    ]
    assert guest.read == [b"\x89HDF\r\n\x1a\n"]


def test_a_routine_that_was_never_reached_has_failed(site: Site, folder: Path) -> None:
    ended = GuestEnd(ok=False, reason="memory", detail="It used too much memory.")
    guest = FakeGuest(RESULTS[:1], ended)
    found = routines_of(Analyst(guest=guest, site=site).shot(DONE, folder, epoch=3))
    assert not found["atoms"].failed
    assert found["my"].failed == "It used too much memory."


def test_the_labs_file_is_not_touched_and_results_lie_beside_it(
    site: Site, folder: Path
) -> None:
    before = (folder / "job_0.h5").read_bytes()
    Analyst(guest=FakeGuest(RESULTS), site=site).shot(DONE, folder, epoch=3)
    assert (folder / "job_0.h5").read_bytes() == before
    stored = json.loads((folder / "job_0.results.json").read_text())
    assert stored == {"atoms": {"n": 5.0}}


@pytest.mark.parametrize("policy", [True, False])
def test_hdf5_leaves_only_by_the_labs_policy_and_stripped(
    site: Site, folder: Path, policy: bool
) -> None:
    analyst = Analyst(guest=FakeGuest(), site=replace(site, hdf5=policy))
    parcels = analyst.shot(DONE, folder, epoch=3)
    sent = [p for p in parcels if "/hdf5/" in p.route]
    assert bool(sent) is policy
    for parcel in sent:
        with h5py.File(parcel.file) as copy:
            assert "front_panel" not in copy
            assert "images" in copy


def test_a_shot_without_files_is_reported_all_the_same(site: Site) -> None:
    found = routines_of(Analyst(guest=FakeGuest(), site=site).shot(DONE, None, epoch=3))
    assert "not compiled here" in found["files"].failed


def test_multi_shot_routines_see_globals_and_results_of_the_done_shots(
    site: Site, folder: Path
) -> None:
    Analyst(guest=FakeGuest(RESULTS), site=site).shot(DONE, folder, epoch=3)
    guest = FakeGuest([frame(b"R", {"routine": "temperature", "values": {"T": 1e-6}})])
    task = AnalyseTask(job="job", done=[0, 1])
    parcels = Analyst(guest=guest, site=site).job(task, folder, epoch=3)
    assert parcels[-1].route == "jobs/job/analysed"
    assert routines_of(parcels)["temperature"].values == {"T": 1e-6}
    (order,) = guest.orders
    assert order.shots == ["job_0.h5", "job_1.h5"]
    assert [row["tof"] for row in order.rows] == [0.0, 0.1]
    assert order.rows[0]["atoms\x1fn"] == 5.0
    assert "atoms\x1fn" not in order.rows[1]


def test_a_job_without_good_shots_is_analysed_without_routines(
    site: Site, folder: Path
) -> None:
    guest = FakeGuest()
    task = AnalyseTask(job="job", done=[])
    Analyst(guest=guest, site=site).job(task, folder, epoch=3)
    assert guest.orders == []


@pytest.mark.parametrize(
    "forged",
    [
        frame(b"P", {"routine": "atoms", "name": "x"}, b"<html>"),
        frame(b"A", {"routine": "atoms", "name": "x"}, b"\x93NUMPY"),
        frame(b"P", {"routine": "other", "name": "x"}, PNG),
        Frame(b"R", b"{", b""),
        frame(b"R", {"routine": "atoms", "values": {}, "more": 1}),
    ],
)
def test_forged_results_are_dropped(forged: Frame) -> None:
    gathered = Gathered(asked=["atoms"])
    gathered.take(forged)
    assert gathered.files == []
    (result,) = gathered.finished(GuestEnd(ok=True))
    assert result.failed


def test_values_are_tamed() -> None:
    gathered = Gathered(asked=["atoms"])
    deep = {"deep": {"a": 1}, "long": "x" * 50_000, "list": [1, {"a": 1}]}
    gathered.take(frame(b"R", {"routine": "atoms", "values": deep}))
    values = gathered.results["atoms"].values
    assert values["deep"] == "{'a': 1}"
    assert len(str(values["long"])) == 20_000
    assert values["list"] == [1]


def test_a_second_result_does_not_replace_the_first() -> None:
    gathered = Gathered(asked=["atoms", "my"])
    gathered.take(frame(b"R", {"routine": "atoms", "values": {"n": 1}}))
    gathered.take(frame(b"R", {"routine": "atoms", "values": {"n": 99}}))
    assert gathered.results["atoms"].values == {"n": 1}


def test_an_analysis_that_was_cut_short_can_be_done_again(
    site: Site, folder: Path
) -> None:
    analyst = Analyst(guest=FakeGuest(), site=replace(site, hdf5=True))
    first = analyst.shot(DONE, folder, epoch=1)
    second = analyst.shot(DONE, folder, epoch=1)
    assert names(second) == names(first)
    assert "files" not in routines_of(second)


def test_a_full_disk_is_no_result(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shothub.agent.jobfile.write_text", full)
    with pytest.raises(DiskFull):
        Analyst(guest=FakeGuest(), site=site).shot(DONE, folder, epoch=1)


class FallenGuest(FakeGuest):
    """One whose process ends in the lab's routine; without that, all is well."""

    def run(
        self,
        order: CompileOrder | AnalyseOrder,
        *,
        blobs: Sequence[bytes] = (),
        files: Sequence[int] = (),
        sink: Callable[[Frame], None],
    ) -> GuestEnd:
        super().run(order, blobs=blobs, files=files, sink=sink)
        assert isinstance(order, AnalyseOrder)
        for routine in order.routines:
            if routine == LAB:
                return GuestEnd(ok=False, reason="output", detail="It prints too much.")
            sink(frame(b"R", {"routine": "my", "values": {"x": 1}}))
        return GuestEnd(ok=True)


def test_a_routine_that_takes_the_guest_down_takes_no_other_along(
    site: Site, folder: Path
) -> None:
    guest = FallenGuest()
    told = routines_of(Analyst(guest=guest, site=site).shot(DONE, folder, epoch=1))
    assert list(told) == ["atoms", "my"]
    assert told["atoms"].failed == "It prints too much."
    assert told["my"].values == {"x": 1}
    assert len(set(guest.read)) == 1  # each run reads the shot from its begin


def test_a_routine_that_saves_too_much_loses_its_own_values_only() -> None:
    gathered = Gathered(asked=["much", "little"])
    much = {f"value {i}": "x" * 10_000 for i in range(200)}
    gathered.take(frame(b"R", {"routine": "much", "values": much}))
    gathered.take(frame(b"R", {"routine": "little", "values": {"x": 1}}))
    first, second = gathered.finished(GuestEnd(ok=True))
    assert first.values == {}
    assert "more than 1,000,000 bytes" in first.failed
    assert second.values == {"x": 1}
