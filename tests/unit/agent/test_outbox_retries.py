"""The outbox delivers everything, oldest first, however often the hub fails."""

import hashlib
import json
from pathlib import Path

import pytest
from tests.fakes.agent_hub import DENIED, REFUSED, TOO_LARGE, UNREACHABLE, FakeHub

from shothub.agent.journal import Journal, Parcel
from shothub.agent.outbox import Outbox


class Bench:
    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        self.hub = FakeHub()
        self.journal = Journal(folder)
        self.outbox = Outbox(
            journal=self.journal,
            hub=self.hub,
            clock=lambda: self.now,
            jitter=lambda: 0.5,
        )

    def post(self, *routes: str, rank: int = 1) -> None:
        self.journal.post([Parcel(rank=rank, route=r, body="{}") for r in routes])

    @property
    def delivered(self) -> list[str]:
        return [route for route, _ in self.hub.told]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_all_is_delivered_oldest_first_and_forgotten(bench: Bench) -> None:
    bench.post("a", "b")
    bench.post("end", rank=0)
    assert bench.outbox.deliver_all() is None
    assert bench.delivered == ["end", "a", "b"]
    assert bench.journal.waiting() == []
    assert bench.outbox.drained(0)


def test_a_failed_delivery_is_tried_again_when_due(bench: Bench) -> None:
    bench.hub.troubles["report"] = [UNREACHABLE, UNREACHABLE]
    bench.post("a")
    assert bench.outbox.deliver_all() == 0.5
    assert bench.outbox.deliver_all() == 0.5
    assert not bench.outbox.drained(0)
    bench.now = 0.5
    assert bench.outbox.deliver_all() == 1.0
    bench.now = 1.5
    assert bench.outbox.deliver_all() is None
    assert bench.delivered == ["a"]


def test_delays_grow_to_a_bound(bench: Bench) -> None:
    bench.hub.troubles["report"] = [UNREACHABLE] * 12
    bench.post("a")
    for _ in range(12):
        wait = bench.outbox.deliver_all()
        assert wait is not None
        bench.now += wait
    assert wait == 30.0


def test_a_refused_delivery_is_set_aside_and_the_next_goes(bench: Bench) -> None:
    bench.hub.troubles["report"] = [REFUSED]
    bench.post("a", "b")
    assert bench.outbox.deliver_all() is None
    assert bench.delivered == ["b"]


def test_evidence_waits_for_a_new_token(bench: Bench) -> None:
    bench.hub.troubles["report"] = [DENIED]
    bench.post("a")
    assert bench.outbox.deliver_all() == 0.5
    bench.now = 0.5
    bench.outbox.deliver_all()
    assert bench.delivered == ["a"]


def test_a_file_is_deleted_only_after_its_delivery(
    bench: Bench, tmp_path: Path
) -> None:
    file = tmp_path / "0.npy"
    file.write_bytes(b"picture")
    digest = hashlib.sha256(b"picture").hexdigest()
    body = json.dumps({"kind": "image", "sha256": digest})
    bench.hub.troubles["upload"] = [UNREACHABLE]
    bench.journal.post([Parcel(rank=1, route="f", body=body, file=str(file))])
    bench.outbox.deliver_all()
    assert file.exists()
    bench.now = 10.0
    bench.outbox.deliver_all()
    assert bench.hub.uploads == {"f": b"picture"}
    assert not file.exists()


def test_a_file_that_is_gone_does_not_stop_the_rest(bench: Bench) -> None:
    gone = Parcel(rank=1, route="f", body='{"sha256": ""}', file="/nowhere/0.npy")
    bench.journal.post([gone])
    bench.post("b")
    assert bench.outbox.deliver_all() is None
    assert bench.delivered[-1] == "b"


def test_what_an_earlier_agent_left_is_delivered(tmp_path: Path) -> None:
    first = Bench(tmp_path)
    first.post("a")
    first.journal.close()
    second = Bench(tmp_path)
    second.outbox.deliver_all()
    assert second.delivered == ["a"]


def test_results_that_the_hub_refuses_are_told_as_lost(bench: Bench) -> None:
    bench.hub.troubles["report"] = [TOO_LARGE]
    body = json.dumps({"epoch": 3, "routines": [{"routine": "mine", "values": {}}]})
    route = "attempts/7/analysis"
    bench.journal.post([Parcel(rank=1, route=route, body=body)])
    assert bench.outbox.deliver_all() is None
    ((told, report),) = bench.hub.told
    assert told == route
    (lost,) = json.loads(report)["routines"]
    assert lost["routine"] == "results"
    assert "did not take" in lost["failed"]


def test_a_refused_word_of_lost_results_is_not_told_again(bench: Bench) -> None:
    bench.hub.troubles["report"] = [TOO_LARGE] * 3
    body = json.dumps({"epoch": 3, "routines": []})
    bench.journal.post([Parcel(rank=1, route="jobs/j/analysed", body=body)])
    assert bench.outbox.deliver_all() is None
    assert len(bench.hub.troubles["report"]) == 1


@pytest.mark.parametrize(
    ("job", "told"), [("j", []), ("other", ["attempts/7/analysis"])]
)
def test_results_never_overtake_the_files_of_their_job(
    bench: Bench, tmp_path: Path, job: str, told: list[str]
) -> None:
    """A job was done before its images when their first upload found a full disk."""
    file = tmp_path / "0.npy"
    file.write_bytes(b"image")
    body = json.dumps({"sha256": hashlib.sha256(b"image").hexdigest()})
    report = Parcel(rank=1, route="attempts/7/analysis", body="{}", job=job)
    bench.hub.troubles["upload"] = [UNREACHABLE]
    bench.journal.post([Parcel(rank=1, route="f", body=body, file=str(file), job="j")])
    bench.journal.post([report])
    assert bench.outbox.deliver_all() == 0.5
    assert bench.delivered == told
    bench.now = 0.5
    assert bench.outbox.deliver_all() is None
    assert "attempts/7/analysis" in bench.delivered


def test_a_file_that_the_hub_does_not_take_is_told_at_the_job(
    bench: Bench, tmp_path: Path
) -> None:
    file = tmp_path / "0.npy"
    file.write_bytes(b"image")
    body = json.dumps({"sha256": hashlib.sha256(b"image").hexdigest(), "shot": "3"})
    route = "jobs/j/files/images/side/0.npy"
    bench.hub.troubles["upload"] = [TOO_LARGE]
    parcel = Parcel(rank=1, route=route, body=body, file=str(file), job="j")
    bench.journal.post([parcel])
    assert bench.outbox.deliver_all() is None
    ((told, report),) = bench.hub.told
    assert told == "jobs/j/undelivered"
    assert json.loads(report) == {
        "name": "images/side/0.npy",
        "reason": "no",
        "shot": 3,
    }
    assert file.exists()


def test_a_refused_word_of_a_lost_file_is_not_told_again(bench: Bench) -> None:
    bench.hub.troubles["report"] = [TOO_LARGE] * 3
    bench.journal.post([Parcel(rank=1, route="jobs/j/undelivered", body="{}")])
    assert bench.outbox.deliver_all() is None
    assert len(bench.hub.troubles["report"]) == 2
