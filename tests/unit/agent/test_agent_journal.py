"""The journal keeps what was written to it, whenever the agent dies."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.agent_events import AT, ahead, lease

from shothub.agent.alone import AnotherAgent
from shothub.agent.events import Remembered
from shothub.agent.journal import Attempted, Journal, Parcel
from shothub.domain.states import Outcome
from shothub.wire.agents import UnderWay

FINISH = Parcel(rank=0, route="attempts/7/finish", body="{}")


def ended(outcome: Outcome = Outcome.DONE) -> Attempted:
    return Attempted(
        attempt=7,
        shot=0,
        job="",
        index=-1,
        outcome=outcome,
        reason="so",
        begun=None,
        ended=AT,
    )


STEPS = {
    "asked": "j.note_ask(lease)",
    "granted": "j.note_granted(7, lease)",
    "offered": "j.note_offered(7)",
    "begun": "j.note_begun(7, AT)",
    "ended": "j.note_ended(ended(), FINISH)",
}
MEMORIES = {
    "asked": {},
    "granted": {7: Remembered()},
    "offered": {7: Remembered(offered=True)},
    "begun": {7: Remembered(offered=True, begun=True)},
    "ended": {7: Remembered(offered=True, begun=True, ended=True)},
}
CHILD = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from shothub.agent.events import Lease
from shothub.agent.journal import Attempted, Journal, Parcel
from shothub.domain.states import Outcome
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FINISH = Parcel(rank=0, route="attempts/7/finish", body="{}")
lease = Lease(shot=3, job="job", index=0, fence=5, until=1.0)
def ended():
    return Attempted(attempt=7, shot=0, job="", index=-1, outcome=Outcome.DONE,
                     reason="so", begun=None, ended=AT)
j = Journal(Path(sys.argv[1]))
for step in sys.argv[2:]:
    exec(step)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("last", list(STEPS))
def test_what_was_written_survives_kill_9(tmp_path: Path, last: str) -> None:
    names = list(STEPS)[: list(STEPS).index(last) + 1]
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), *(STEPS[n] for n in names)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        with pytest.raises(AnotherAgent, match=str(child.pid)):
            Journal(tmp_path)
        os.kill(child.pid, signal.SIGKILL)
    journal = Journal(tmp_path)
    assert journal.remembered([7]) == MEMORIES[last]
    assert asks(journal) == (last == "asked")
    assert [p for _, p in journal.waiting()] == ([FINISH] if last == "ended" else [])
    journal.close()


def asks(journal: Journal) -> int:
    """Return how many STARTs were asked whose answers did not come yet."""
    return len(journal._rows("SELECT fence FROM asks"))


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


def test_a_second_agent_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    with pytest.raises(AnotherAgent) as refusal:
        Journal(tmp_path)
    assert refusal.value.fault.code == "another_agent"
    assert refusal.value.fault.hint
    first.close()
    Journal(tmp_path).close()


def test_only_the_first_end_of_an_attempt_counts(journal: Journal) -> None:
    journal.note_granted(7, lease(5))
    assert journal.note_ended(ended(Outcome.UNKNOWN), FINISH)
    assert not journal.note_ended(ended(Outcome.DONE), FINISH)
    found = journal.attempted(7)
    assert found is not None
    assert found.outcome is Outcome.UNKNOWN
    assert len(journal.waiting()) == 1


def test_an_end_of_an_attempt_never_granted_here_is_kept(journal: Journal) -> None:
    assert journal.note_ended(ended(), FINISH)
    assert journal.remembered([7])[7].ended


def test_done_attempts_wait_for_their_analysis(journal: Journal) -> None:
    journal.note_granted(7, lease(5))
    assert journal.to_analyse() == []
    journal.note_ended(ended(), FINISH)
    assert [(a.attempt, a.job, a.index) for a in journal.to_analyse()] == [
        (7, "job", 5)
    ]
    journal.note_analysed(7, [Parcel(rank=1, route="r", body="{}")])
    assert journal.to_analyse() == []
    assert len(journal.waiting()) == 2


def test_ends_of_shots_go_before_files(journal: Journal) -> None:
    journal.post([Parcel(rank=1, route="file", body="{}")])
    journal.post([Parcel(rank=0, route="finish", body="{}")])
    assert [p.route for _, p in journal.waiting()] == ["finish", "file"]


def test_what_was_refused_is_kept_but_not_sent_again(journal: Journal) -> None:
    journal.post([FINISH])
    ((ident, _),) = journal.waiting()
    journal.refused(ident, "409")
    assert journal.waiting() == []


def test_a_report_that_waits_already_is_not_posted_twice(journal: Journal) -> None:
    journal.post_once(FINISH)
    journal.post_once(FINISH)
    assert len(journal.waiting()) == 1


def test_a_granted_start_is_no_lost_one(journal: Journal) -> None:
    journal.note_ask(lease(5))
    assert asks(journal) == 1
    journal.note_granted(7, lease(5))
    assert asks(journal) == 0


def under_way(attempt: int, fence: int) -> UnderWay:
    return UnderWay(attempt=attempt, shot=70, job="job", index=3, fence=fence)


def test_a_start_whose_answer_was_lost_is_known_by_its_fence(journal: Journal) -> None:
    journal.note_ask(lease(5))
    journal.learn([under_way(7, fence=5), under_way(8, fence=6)])
    assert journal.remembered([7, 8]) == {7: Remembered()}
    assert asks(journal) == 0


def test_the_end_of_another_agents_attempt_keeps_its_shot(journal: Journal) -> None:
    journal.learn([under_way(8, fence=6)])
    assert journal.note_ended(replace(ended(), attempt=8), FINISH)
    known = journal.attempted(8)
    assert known
    assert (known.job, known.index) == ("job", 3)
    assert journal.to_analyse() == [known]


def test_a_jobs_folder_is_remembered(journal: Journal, tmp_path: Path) -> None:
    journal.note_job("job", tmp_path)
    assert journal.folder_of("job") == tmp_path
    assert journal.folder_of("other") is None


def test_a_job_with_attempts_is_in_use(journal: Journal) -> None:
    assert not journal.was_started("job")
    journal.note_granted(7, lease(5))
    assert journal.was_started("job")


def test_a_write_waits_for_room_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    (most,) = journal._rows("PRAGMA page_count")[0]
    journal._rows(f"PRAGMA max_page_count = {most}")
    pauses = []

    def make_room(seconds: float) -> None:
        pauses.append(seconds)
        journal._rows("PRAGMA max_page_count = 100000")

    monkeypatch.setattr("shothub.agent.journal.pause", make_room)
    journal.post([Parcel(rank=1, route="a", body="x" * 20_000)])
    assert len(pauses) == 1
    assert [parcel.route for _, parcel in journal.waiting()] == ["a"]


def test_grants_are_held_until_the_hub_has_confirmed_their_ends(
    tmp_path: Path,
) -> None:
    """Not named in a poll, an ended shot would be answered for as never begun."""
    journal = Journal(tmp_path)
    journal.note_ahead([ahead(1), ahead(2)])
    assert journal.ahead() == [101, 102]
    finish = replace(FINISH, route="attempts/101/finish")
    journal.note_ended(replace(ended(), attempt=101), finish)
    assert journal.ahead() == [101, 102]
    ((ident, _),) = journal.waiting()
    journal.delivered(ident)
    assert journal.ahead() == [102]


def test_a_grant_is_remembered_with_its_shot(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.note_ahead([ahead(1)])
    found = journal.attempted(101)
    assert found is not None
    assert (found.job, found.index, found.outcome) == ("job", 1, None)
    assert journal.remembered([101]) == {101: Remembered()}


def test_an_agent_is_the_same_through_restarts_and_another_elsewhere(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path / "a")
    own = journal.identity("pc")
    journal.close()
    again = Journal(tmp_path / "a")
    assert again.identity("pc") == own
    assert again.identity("other-pc") != own
    again.close()
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    assert Journal(tmp_path / "copy").identity("pc") != own


def test_a_journal_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "agent.sqlite3")
    old.execute(
        "CREATE TABLE attempts (attempt INTEGER PRIMARY KEY, shot INTEGER NOT NULL,"
        " job TEXT NOT NULL, idx INTEGER NOT NULL, offered INTEGER NOT NULL DEFAULT 0,"
        " begun TEXT, ended TEXT, outcome TEXT, reason TEXT NOT NULL DEFAULT '',"
        " analysed INTEGER NOT NULL DEFAULT 0)"
    )
    old.execute("INSERT INTO attempts (attempt, shot, job, idx) VALUES (7, 1, 'j', 0)")
    old.commit()
    old.close()
    journal = Journal(tmp_path)
    assert journal.ahead() == []
    assert journal.remembered([7]) == {7: Remembered()}


def test_analyses_still_to_be_delivered_are_known(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.post([Parcel(rank=1, route="jobs/j/analysed", body="{}", job="j")])
    journal.post([Parcel(rank=1, route="jobs/k/files/x", body="{}", job="k")])
    assert journal.analyses_to_deliver() == ["j"]
