"""A compile task becomes an order, and what comes back becomes files or faults."""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue
from tests.fakes.agent_events import AT
from tests.fakes.compiled_shots import end, frames_of, small_lab, small_shot

from shothub.agent import compiler as compiling
from shothub.agent import jobfile
from shothub.agent.compiler import Compiler, Product
from shothub.agent.site import Published, Site
from shothub.domain.parameters import Parameter
from shothub.sandbox.limits import Frame, GuestEnd
from shothub.wire.agents import CompileTask
from shothub.wire.guests import AnalyseOrder, CompileOrder
from shothub.wire.jobs import GlobalsFile, SourceFile

TOF = Parameter(name="tof", type="float", default=0.01, unit="s", minimum=0, maximum=1)
PROCEDURE = Published(
    source=SourceFile(name="bec_tof.py", text="start()"),
    sha256="ab",
    parameters=(TOF,),
    single=("atom_number",),
)
FOLDER = Path("alice/bec_tof/2026/01/02/job1")


class FakeGuest:
    """Sends the frames it was given; remembers the order."""

    def __init__(
        self, sent: Sequence[Frame] = (), ended: GuestEnd | None = None
    ) -> None:
        self.sent = sent
        self.ended = ended or GuestEnd(ok=True, output="printed")
        self.order: CompileOrder | None = None
        self.blobs: Sequence[bytes] = ()

    def run(
        self,
        order: CompileOrder | AnalyseOrder,
        *,
        blobs: Sequence[bytes] = (),
        files: Sequence[int] = (),
        sink: Callable[[Frame], None],
    ) -> GuestEnd:
        assert isinstance(order, CompileOrder)
        assert not files
        self.order, self.blobs = order, blobs
        for frame in self.sent:
            sink(frame)
        return self.ended

    def close(self) -> None:
        pass


def frames(*contents: Mapping[str, Any]) -> list[Frame]:
    """Return what an honest guest sends for shots of these contents."""
    raw = [
        frame
        for index, content in enumerate(contents)
        for frame in frames_of(content, index=index, count=len(contents))
    ]
    return [Frame(*one) for one in [*raw, end()]]


def good(count: int = 1) -> list[Frame]:
    return frames(*[small_shot()] * count)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    storage = tmp_path / "shots"
    storage.mkdir()
    return Site(
        storage=storage,
        state=tmp_path,
        lab=small_lab(tmp_path),
        procedures={"bec_tof": PROCEDURE},
    )


def task(**changes: object) -> CompileTask:
    values: dict[str, object] = {
        "job": "job1",
        "key": "alice",
        "day": "2026-01-02",
        "kind": "procedure",
        "source": "bec_tof",
        "procedure_sha256": "ab",
        "max_shots": 10,
    }
    return CompileTask.model_validate(values | changes)


def script(**changes: object) -> CompileTask:
    file = SourceFile(name="mine.py", text="start()")
    return task(kind="script", source="mine", script=file, **changes)


def run(
    site: Site,
    guest: FakeGuest,
    asked: CompileTask,
    *,
    in_use: bool = False,
    epoch: int = 3,
) -> Product:
    compiler = Compiler(guest=guest, site=site, in_use=lambda _: in_use, now=lambda: AT)
    return compiler.compile(asked, epoch=epoch)


def codes(product: Product) -> list[str]:
    return [fault.code for fault in product.faults]


def test_a_job_gets_its_files_in_labscripts_own_tree(site: Site) -> None:
    product = run(site, FakeGuest(good(2)), task())
    assert product.faults == ()
    assert product.folder == site.storage / FOLDER
    assert sorted(p.name for p in product.folder.iterdir()) == [
        "job.json",
        "job1_0.h5",
        "job1_1.h5",
    ]
    assert [shot.index for shot in product.shots] == [0, 1]
    assert jobfile.read(product.folder).single == ["atom_number"]
    assert product.log == "printed"


@pytest.mark.parametrize(
    ("given", "expression", "expansion", "shuffle"),
    [
        ({}, "0.01", "", []),
        ({"tof": 0.5}, "0.5", "", []),
        ({"tof": [0.1, 0.2]}, "[0.1, 0.2]", "outer", []),
        ({"tof": {"values": [0.1, 0.2], "zip": "z"}}, "[0.1, 0.2]", "z", []),
        ({"tof": {"values": [0.1], "shuffle": True}}, "[0.1]", "outer", ["tof"]),
    ],
)
def test_a_procedures_values_become_runmanagers_entries(
    site: Site,
    given: dict[str, JsonValue],
    expression: str,
    expansion: str,
    shuffle: list[str],
) -> None:
    guest = FakeGuest(good())
    run(site, guest, task(globals=given))
    assert guest.order is not None
    entry = guest.order.globals["globals"]["tof"]
    assert (entry.expression, entry.units) == (expression, "s")
    assert entry.expansion == expansion
    assert guest.order.shuffle == shuffle


@pytest.mark.parametrize(
    ("asked", "code", "where"),
    [
        (task(globals={"tof": 2.0}), "bad_value", "globals.tof"),
        (task(globals={"tof": "now"}), "bad_value", "globals.tof"),
        (task(globals={"knife": 1}), "unknown_global", "globals.knife"),
        (task(globals={"tof": [0.1] * 11}), "too_many_shots", "globals"),
        (task(procedure_sha256="cd"), "procedure_changed", "procedure"),
        (task(source="gone"), "unknown_procedure", "procedure"),
        (task(key="../bob"), "bad_name", "name"),
        (script(globals={"a b": 1}), "bad_value", "globals.a b"),
        (script(globals={"a": {"expression": 1}}), "bad_value", "globals.a"),
    ],
)
def test_what_cannot_be_compiled_says_why_and_where(
    site: Site, asked: CompileTask, code: str, where: str
) -> None:
    guest = FakeGuest(good())
    product = run(site, guest, asked)
    assert codes(product) == [code]
    assert product.faults[0].where == where
    assert guest.order is None


def test_a_scripts_expressions_go_into_the_sandbox_unread(site: Site) -> None:
    guest = FakeGuest(good())
    given = {"a": {"expression": "1/0", "units": "s"}, "b": [1, 2]}
    run(site, guest, script(globals=given))
    assert guest.order is not None
    assert guest.order.globals["globals"]["a"].expression == "1/0"


def test_a_globals_file_goes_into_the_sandbox_unread(site: Site) -> None:
    guest = FakeGuest(good())
    file = GlobalsFile.model_construct(name="g.h5", content=b"\x89HDF")
    run(site, guest, script().model_copy(update={"globals_file": file}))
    assert guest.order is not None
    assert guest.order.globals_file == "g.h5"
    assert guest.blobs == [b"\x89HDF"]


def test_a_fault_of_the_guest_keeps_its_place(site: Site) -> None:
    head = b'{"code": "compile_error", "detail": "no", "where": "mine.py:3"}'
    guest = FakeGuest([Frame(b"F", head, b"")], GuestEnd(ok=False))
    product = run(site, guest, script())
    assert [(f.code, f.where) for f in product.faults] == [
        ("compile_error", "mine.py:3")
    ]


@pytest.mark.parametrize("reason", ["wall_clock", "memory", "output"])
def test_a_guest_that_was_ended_says_why(site: Site, reason: str) -> None:
    ended = GuestEnd(ok=False, reason=reason, detail="Too much.")
    product = run(site, FakeGuest(good()[:1], ended), script())
    assert [(f.code, f.where) for f in product.faults] == [(reason, "mine.py")]


def test_a_refused_shot_is_named_and_nothing_is_left(site: Site) -> None:
    foreign = small_shot(**{"devices/laser": {}})
    product = run(site, FakeGuest(frames(small_shot(), foreign)), task())
    assert product.folder is None
    assert product.shots == ()
    assert product.faults[0].where.startswith("shots[1].")
    assert list((site.storage / FOLDER).parent.iterdir()) == []


def test_malformed_frames_are_a_fault(site: Site) -> None:
    product = run(site, FakeGuest([Frame(b"S", b"{", b"")]), task())
    assert len(product.faults) == 1
    assert not (site.storage / FOLDER).exists()


def test_a_disk_too_full_compiles_nothing(site: Site) -> None:
    guest = FakeGuest(good())
    full = replace(site, minimum_free_bytes=1 << 60)
    assert codes(run(full, guest, task())) == ["disk_full"]
    assert guest.order is None


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "disk_full"), (errno.EACCES, "storage_failed")]
)
def test_a_disk_that_fills_up_is_a_fault(
    site: Site, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(compiling, "write_shot", fail)
    assert codes(run(site, FakeGuest(good()), task())) == [code]
    assert not (site.storage / FOLDER).exists()


def test_a_job_compiled_again_replaces_its_files(site: Site) -> None:
    assert run(site, FakeGuest(good(2)), task()).faults == ()
    product = run(site, FakeGuest(good(1)), task())
    assert product.folder is not None
    assert sorted(p.name for p in product.folder.glob("*.h5")) == ["job1_0.h5"]


def test_files_of_a_job_that_was_started_are_never_touched(site: Site) -> None:
    run(site, FakeGuest(good(2)), task())
    product = run(site, FakeGuest(good(1)), task(), in_use=True)
    assert codes(product) == ["already_started"]
    assert len(list((site.storage / FOLDER).glob("*.h5"))) == 2


class TakenOver(FakeGuest):
    """A guest of an old agent, beside which the new one compiles the same job."""

    def __init__(self, site: Site) -> None:
        super().__init__(good(1))
        self._site = site
        self.meanwhile: Product | None = None

    def run(self, *args: Any, **more: Any) -> GuestEnd:
        self.meanwhile = run(self._site, FakeGuest(good(2)), task(), epoch=4)
        return super().run(*args, **more)


def test_an_agent_that_was_taken_over_from_does_not_hurt_the_later_one(
    site: Site,
) -> None:
    old = TakenOver(site)
    late = run(site, old, task(), epoch=3)
    assert old.meanwhile is not None
    assert old.meanwhile.faults == ()
    assert late.faults  # The hub does not hear of it: the session is over.
    assert len(list((site.storage / FOLDER).glob("*.h5"))) == 2


def test_what_a_later_session_compiled_is_not_replaced(site: Site) -> None:
    assert run(site, FakeGuest(good(2)), task(), epoch=4).faults == ()
    assert codes(run(site, FakeGuest(good(1)), task(), epoch=3)) == ["taken_over"]
    assert len(list((site.storage / FOLDER).glob("*.h5"))) == 2


def test_workshops_left_by_killed_agents_are_removed(site: Site) -> None:
    folder = site.storage / FOLDER
    left = [folder.with_name(f".{folder.name}.{epoch}.part") for epoch in (2, 3, 4)]
    for one in left:
        one.mkdir(parents=True)
    assert run(site, FakeGuest(good(1)), task(), epoch=3).faults == ()
    assert [one.exists() for one in left] == [False, False, True]


@pytest.mark.parametrize("answers", [["labscriptlib/bec.py"], ["", "bec.py"]])
def test_nothing_is_compiled_from_files_that_the_lab_changes_meanwhile(
    site: Site, answers: list[str]
) -> None:
    left = iter(answers)
    changing = replace(site, changed=lambda: next(left))
    assert codes(run(changing, FakeGuest(good()), task())) == ["lab_changed"]
    assert not list(site.storage.rglob("*.h5"))
