import io
import zipfile
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tests.fakes.client_hub import FakeHub, course, job_view, problem, reply, table

from shothub.client import (
    DamagedDownload,
    JobCancelled,
    JobFailed,
    NotFound,
    Refused,
    StillUnfinished,
)
from shothub.wire.jobs import DryRun, EventView, JobPage, LogView, RoutineView


@pytest.fixture
def fake() -> FakeHub:
    return FakeHub()


def archive(images: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as opened:
        for name, pixels in images.items():
            with opened.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, pixels)
    return out.getvalue()


def give_images(fake: FakeHub, images: dict[str, Any]) -> None:
    content = archive(images)
    fake.answers["GET /jobs/j1/images/absorption.npz"] = lambda _r: httpx.Response(
        200, content=content
    )


RUN = course(
    {"state": "submitted"},
    {"state": "queued", "shots": 3, "position": 12},
    {"state": "running", "shots": 3, "shots_done": 1},
    {"state": "done", "shots": 3, "shots_done": 3},
)


def test_waiting_ends_with_the_job_and_says_where_it_is(
    fake: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.course = RUN.copy()
    job = fake.hub().job("j1").wait()
    assert job.state == "done"
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "job j1: submitted",
        "job j1: queued",
        "job j1: running",
        "job j1: done, 3 of 3 shots done",
    ]


def test_waiting_can_be_silent(
    fake: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.course = RUN.copy()
    fake.hub().job("j1").wait(progress=False)
    assert capsys.readouterr().err == ""


def test_waiting_asks_once_for_each_change(fake: FakeHub) -> None:
    fake.course = RUN.copy()
    job = fake.hub().job("j1")
    states = [str(view.state) for view in job.changes()]
    assert states == ["queued", "running", "done"]
    asked = fake.sent("GET", "/jobs/j1")
    assert [r.url.params.get("since") for r in asked] == [None, "1", "2", "3"]
    # While it waits, what keeps it may change without a new revision.
    assert [r.url.params.get("wait") for r in asked] == [None, "5", "5", "30"]


def test_waiting_has_no_hidden_time_out(fake: FakeHub) -> None:
    seen: list[int] = []

    def job(request: httpx.Request) -> httpx.Response:
        seen.append(1)
        fake.clock.time += float(request.url.params.get("wait", 0))
        if len(seen) < 500:
            return reply(job_view(state="running"))
        return reply(job_view(state="done", rev=2))

    fake.answers["GET /jobs/j1"] = job
    fake.hub().job("j1").wait(progress=False)
    assert fake.clock.time > 10_000


def test_waiting_survives_a_broken_network(
    fake: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.course = RUN.copy()
    job = fake.hub(patience=1.0).job("j1")
    fake.troubles.extend([httpx.ConnectError("no route to host")] * 50)
    assert job.wait().state == "done"
    assert "no route to host" in capsys.readouterr().err


def test_a_time_out_says_where_the_job_is_and_that_it_goes_on(fake: FakeHub) -> None:
    running = {"state": "running", "shots": 3, "shots_done": 1}
    fake.course = course(running)
    job = fake.hub().job("j1")
    with pytest.raises(StillUnfinished, match="1 of 3 shots done") as caught:
        job.wait(timeout=45, progress=False)
    assert "goes on" in str(caught.value)
    assert 45 <= fake.clock.time < 46
    assert [r.url.params.get("wait") for r in fake.sent("GET", "/jobs/j1")] == [
        None,
        "30",
        "15",
    ]


def test_the_place_in_the_queue_is_followed(fake: FakeHub) -> None:
    places = iter((9, 9, 4, 0))

    def job(request: httpx.Request) -> httpx.Response:
        fake.clock.time += float(request.url.params.get("wait", 0))
        place = next(places, None)
        if place is None:
            return reply(job_view(state="done", rev=2))
        return reply(job_view(state="queued", position=place))

    fake.answers["GET /jobs/j1"] = job
    seen = [view.position for view in fake.hub().job("j1").changes()]
    assert seen == [4, 0, None]
    assert fake.clock.time <= 20


def test_a_hub_that_answers_at_once_is_not_asked_in_a_frenzy(fake: FakeHub) -> None:
    fake.answers["GET /jobs/j1"] = lambda _request: reply(job_view(state="queued"))
    with pytest.raises(StillUnfinished):
        fake.hub().job("j1").wait(timeout=10, progress=False)
    assert len(fake.requests) <= 13


def test_a_failed_job_raises_its_faults(fake: FakeHub) -> None:
    fault = {"code": "script_error", "detail": "Boom.", "where": "exp.py:3"}
    fake.course = course({"state": "failed", "faults": [fault]})
    job = fake.hub().job("j1")
    with pytest.raises(JobFailed, match=r"exp\.py:3: Boom") as caught:
        job.wait()
    assert caught.value.faults[0].code == "script_error"
    assert job.wait(raise_on_failure=False).state == "failed"


def test_a_failure_without_faults_still_says_something(fake: FakeHub) -> None:
    fake.course = course({"state": "failed", "shots": 2, "shots_failed": 2})
    with pytest.raises(JobFailed, match="2 shots failed"):
        fake.hub().job("j1").wait(progress=False)


@pytest.mark.parametrize("state", ["cancelled", "expired"])
def test_a_cancelled_job_raises_distinctly(fake: FakeHub, state: str) -> None:
    fake.course = course({"state": state})
    with pytest.raises(JobCancelled, match=state):
        fake.hub().job("j1").wait(progress=False)


def test_results_have_a_row_for_every_shot(fake: FakeHub) -> None:
    fake.answers["GET /jobs/j1/results"] = table()
    frame = fake.hub().job("j1").results()
    assert list(frame.index) == [0, 1, 2]
    assert frame.index.name == "shot"
    assert list(frame.columns) == [
        "shot_state",
        "tof",
        "atom_number.atoms",
        "atom_number.ok",
    ]
    assert list(frame["shot_state"]) == ["done", "failed", "done"]
    assert np.isnan(frame["atom_number.atoms"][1])
    assert frame["tof"][1] == 0.01
    assert frame["atom_number.atoms"].dtype == float
    assert frame["atom_number.ok"][0] is True
    assert frame.attrs == {"job": "j1", "units": {"tof": "s"}, "failures": []}


def test_results_say_which_routines_failed_and_why(fake: FakeHub) -> None:
    failed = RoutineView(routine="fit", shot=2, state="failed", reason="no atoms")
    fine = RoutineView(routine="fit", shot=0, state="done")
    whole = RoutineView(routine="t", state="failed", reason="too few shots")
    fake.answers["GET /jobs/j1/results"] = table(routines=[fine, failed, whole])
    assert fake.hub().job("j1").results().attrs["failures"] == [
        "fit failed on shot 2: no atoms",
        "t failed on the job: too few shots",
    ]


def test_results_can_have_lyses_columns(fake: FakeHub) -> None:
    fake.answers["GET /jobs/j1/results"] = table()
    frame = fake.hub().job("j1").results(multiindex=True)
    assert frame[("atom_number", "atoms")][0] == 1000
    assert frame[("tof", "")][2] == 0.015


@pytest.mark.parametrize("multiindex", [False, True])
def test_results_of_a_job_without_shots_are_an_empty_table(
    fake: FakeHub, multiindex: bool
) -> None:
    nothing = table(columns=[], units=[], index=[], states=[], rows=[])
    fake.answers["GET /jobs/j1/results"] = nothing
    assert len(fake.hub().job("j1").results(multiindex=multiindex)) == 0


def test_a_column_of_missing_values_is_nan(fake: FakeHub) -> None:
    rows = [[0.1, None, None]] * 3
    fake.answers["GET /jobs/j1/results"] = table(rows=rows)
    frame = fake.hub().job("j1").results()
    assert frame["atom_number.atoms"].isna().all()
    assert frame["atom_number.atoms"].dtype == float


def test_texts_and_lists_stay_what_they_are(fake: FakeHub) -> None:
    rows = [["a", [1, 2], 3], ["b", None, 4], ["c", [3], 5]]
    fake.answers["GET /jobs/j1/results"] = table(rows=rows)
    frame = fake.hub().job("j1").results()
    assert frame["tof"][0] == "a"
    assert frame["atom_number.atoms"][0] == [1, 2]
    assert list(frame["atom_number.ok"]) == [3, 4, 5]


def test_multishot_results_come_by_routine(fake: FakeHub) -> None:
    fake.answers["GET /jobs/j1/results"] = table()
    found = fake.hub().job("j1").multishot()
    assert found["tof_temperature"]["temperature"] == 1e-7


def test_images_come_in_order_of_shot(fake: FakeHub) -> None:
    pixels = {str(i): np.full((3, 4, 5), i, np.uint16) for i in (10, 2, 1, 0)}
    give_images(fake, {**pixels, **{str(i): pixels["0"] for i in range(3, 10)}})
    fake.course = course({"state": "done", "shots": 11})
    found = fake.hub().job("j1").images("absorption")
    assert found.shape == (11, 3, 4, 5)
    assert found.dtype == np.uint16
    assert found[10, 0, 0, 0] == 10
    assert not isinstance(found, np.ma.MaskedArray)


def test_shots_without_image_are_masked(fake: FakeHub) -> None:
    give_images(fake, {"1": np.ones((3, 2, 2), np.uint16)})
    fake.course = course({"state": "done", "shots": 3})
    found = fake.hub().job("j1").images("absorption")
    assert isinstance(found, np.ma.MaskedArray)
    assert found.dtype == np.uint16
    assert np.ma.getmaskarray(found)[:, 0, 0, 0].tolist() == [True, False, True]
    assert found.mean() == 1.0


def test_images_of_different_shapes_are_given_by_shot(fake: FakeHub) -> None:
    give_images(fake, {"0": np.ones((1, 2, 2)), "1": np.ones((1, 3, 3))})
    job = fake.hub().job("j1")
    with pytest.raises(Refused, match="images_by_shot"):
        job.images("absorption")
    assert job.images_by_shot("absorption")[1].shape == (1, 3, 3)


def test_an_only_image_needs_no_name_and_several_do(fake: FakeHub) -> None:
    give_images(fake, {"0": np.ones((3, 2, 2), np.uint16)})
    view = fake.add_file("images/absorption/0.npy", b"x", label="absorption")
    fake.answers["GET /jobs/j1/images"] = [view]
    fake.course = course({"state": "done", "shots": 1})
    job = fake.hub().job("j1")
    assert job.images().shape == (1, 3, 2, 2)
    other = view.model_copy(update={"label": "fluorescence"})
    fake.answers["GET /jobs/j1/images"] = [view, other]
    with pytest.raises(Refused, match="absorption, fluorescence"):
        job.images()


def test_pickled_images_are_refused(fake: FakeHub) -> None:
    give_images(fake, {"0": np.array([{"a": 1}], dtype=object)})
    with pytest.raises(DamagedDownload):
        fake.hub().job("j1").images("absorption")


def test_an_answer_that_is_no_archive_is_damaged(fake: FakeHub) -> None:
    fake.answers["GET /jobs/j1/images/absorption.npz"] = lambda _r: httpx.Response(
        200, content=b"PK nonsense"
    )
    with pytest.raises(DamagedDownload):
        fake.hub().job("j1").images("absorption")


def test_a_missing_image_is_not_found(fake: FakeHub) -> None:
    with pytest.raises(NotFound):
        fake.hub().job("j1").images("absorption")


def test_downloads_lie_below_the_job_id(fake: FakeHub, tmp_path: Path) -> None:
    fake.add_file("figures/fit.png", b"png", kind="figure")
    fake.add_file("images/absorption/3.npy", b"npy", kind="image")
    job = fake.hub().job("j1")
    place = job.download(tmp_path)
    assert place == tmp_path / "j1"
    assert (place / "figures/fit.png").read_bytes() == b"png"
    assert (place / "images/absorption/3.npy").read_bytes() == b"npy"
    assert [p.name for p in tmp_path.rglob("*.part")] == []


def test_files_that_are_there_are_not_fetched_again(
    fake: FakeHub, tmp_path: Path
) -> None:
    fake.add_file("figures/fit.png", b"png")
    job = fake.hub().job("j1")
    place = job.download(tmp_path)
    job.download(tmp_path)
    assert len(fake.sent("GET", "/jobs/j1/files/figures/fit.png")) == 1
    (place / "figures/fit.png").write_bytes(b"bad")
    job.download(tmp_path)
    assert (place / "figures/fit.png").read_bytes() == b"png"


def test_a_damaged_file_is_refused_and_not_stored(
    fake: FakeHub, tmp_path: Path
) -> None:
    fake.add_file("fit.png", b"png")
    fake.files["fit.png"] = b"pnG"
    with pytest.raises(DamagedDownload):
        fake.hub().job("j1").download(tmp_path)
    assert not (tmp_path / "j1" / "fit.png").exists()


class CutStream(httpx.SyncByteStream):
    def __init__(self, content: bytes) -> None:
        self.content = content

    def __iter__(self) -> Any:
        yield self.content
        raise httpx.ReadError("cut")


def test_a_cut_download_goes_on_where_it_broke(fake: FakeHub, tmp_path: Path) -> None:
    fake.add_file("big.bin", b"0123456789", kind="array")
    job = fake.hub().job("j1")
    fake.views = list(fake.views)
    files = job.files()
    fake.troubles.append(httpx.Response(200, stream=CutStream(b"01234")))
    assert job.read(files[0]) == b"0123456789"
    sent = fake.sent("GET", "/jobs/j1/files/big.bin")
    assert [r.headers.get("range") for r in sent] == [None, "bytes=5-"]


def test_a_hub_without_ranges_sends_all_again(fake: FakeHub) -> None:
    fake.add_file("big.bin", b"0123456789", kind="array")
    fake.answers["GET /jobs/j1/files/big.bin"] = lambda _r: httpx.Response(
        200, content=b"0123456789"
    )
    job = fake.hub().job("j1")
    files = job.files()
    fake.troubles.append(httpx.Response(200, stream=CutStream(b"01234")))
    assert job.read(files[0]) == b"0123456789"


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a/../../b", "a/.ssh/x", ""]
)
def test_a_file_name_never_leads_out_of_the_folder(
    fake: FakeHub, tmp_path: Path, name: str
) -> None:
    fake.add_file(name, b"evil")
    with pytest.raises(DamagedDownload):
        fake.hub().job("j1").download(tmp_path / "in")
    assert not (tmp_path / "evil").exists()


def test_figures_are_pictures(fake: FakeHub, tmp_path: Path) -> None:
    fake.add_file("figures/fit.png", b"png", label="fit", media_type="image/png")
    fake.add_file("images/a/0.npy", b"npy", kind="image")
    (figure,) = fake.hub().job("j1").figures()
    assert figure._repr_png_() == b"png"
    assert figure.save(tmp_path / "f.png").read_bytes() == b"png"
    assert "png'" not in repr(figure).replace("fit.png'", "").replace("image/png'", "")


def test_logs_events_and_lists(fake: FakeHub) -> None:
    fake.answers["GET /jobs/j1/logs"] = [LogView(stage="compile", text="hello")]
    event = EventView(id=1, at=fake.course[0].submitted, what="submitted")
    fake.answers["GET /jobs/j1/events"] = [event]
    job = fake.hub().job("j1")
    assert job.logs() == "== compile ==\nhello"
    assert job.events() == [event]


def test_pages_of_jobs_are_read_until_the_limit(fake: FakeHub) -> None:
    asked: list[tuple[str, str | None]] = []

    def page(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        asked.append((params["limit"], params.get("cursor")))
        jobs = [job_view(id=f"j{i}") for i in range(int(params["limit"]))]
        return reply(JobPage(jobs=jobs, total=1000, next="c2"))

    fake.answers["GET /jobs"] = page
    assert len(fake.hub().jobs(limit=150, state="done")) == 150
    assert asked == [("100", None), ("50", "c2")]


def test_all_jobs_end_with_the_last_page(fake: FakeHub) -> None:
    fake.answers["GET /jobs"] = JobPage(jobs=[job_view()], total=1)
    assert [job.id for job in fake.hub().jobs(limit=None)] == ["j1"]


def test_a_batch_is_sent_at_once(fake: FakeHub) -> None:
    hub = fake.hub()
    machine = hub.apparatus("sim")
    requests = [machine.request(procedure="p", globals={"x": i}) for i in range(3)]
    assert len(hub.submit(requests)) == 3
    assert len(fake.sent("POST", "/jobs")) == 1


def test_a_dry_run_stores_nothing(fake: FakeHub) -> None:
    fake.answers["POST /jobs"] = DryRun(shots=11)
    found = fake.hub().apparatus("sim").run(procedure="p", dry_run=True)
    assert found.shots == 11
    (sent,) = fake.sent("POST", "/jobs")
    assert sent.url.params["dry_run"] == "1"
    assert "Idempotency-Key" not in sent.headers


def test_displays_escape_what_users_wrote(fake: FakeHub) -> None:
    fake.course = course(
        {
            "name": "<script>x</script>",
            "tags": ["<b>"],
            "state": "failed",
            "globals": {"a": "<i>", "tof": [1, 2]},
        }
    )
    job = fake.hub().job("j1")
    html = job._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "1 … 2 (2)" in html
    assert repr(job) == "<Job j1 '<script>x</script>' on sim: failed>"
    fake.answers["GET /jobs"] = JobPage(jobs=[job.view], total=1)
    assert "<script>" not in fake.hub().jobs()._repr_html_()


def test_a_problem_in_reading_files_is_told(fake: FakeHub) -> None:
    fake.add_file("fit.png", b"png")
    job = fake.hub().job("j1")
    files = job.files()
    fake.answers["GET /jobs/j1/files/fit.png"] = lambda _r: problem(404, "not_found")
    with pytest.raises(NotFound):
        job.read(files[0])
