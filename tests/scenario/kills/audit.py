"""What must be true in the end, held against what the machines wrote down."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.scenario.kills.guests import ARRAY_EVERY, nonce_array
from tests.scenario.kills.lab import ROUTINE
from tests.scenario.kills.users import Wanted

from shothub.agent.parcels import npy
from shothub.domain.states import JOB_ENDS, SHOT_ENDS, JobState, ShotState

Row = dict[str, Any]
Tables = Mapping[str, Sequence[Row]]

COUNTERS = {
    "waiting": {ShotState.COMPILED},
    "leased": {ShotState.LEASED},
    "started_now": {ShotState.STARTED},
    "shots_done": {ShotState.DONE},
    "shots_failed": {ShotState.FAILED},
    "shots_unknown": {ShotState.UNKNOWN},
    "pending": set(ShotState) - SHOT_ENDS,
    "shots": set(ShotState),
}


@dataclass
class Report:
    """Figures, and everything that is wrong, in words.

    Attributes:
        double_starts: physical runs beyond the first of one attempt.
        restarts: physical runs beyond the first of one shot: none was asked for.
        lost: physical runs or wishes of users of which the hub has no true record.
        misfiled: results that are not where they belong, or not what the machine made.
    """

    figures: dict[str, int] = field(default_factory=dict)
    double_starts: list[str] = field(default_factory=list)
    restarts: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    misfiled: list[str] = field(default_factory=list)
    wrong_counters: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Everything that is wrong."""
        return [
            *self.double_starts,
            *self.restarts,
            *self.lost,
            *self.misfiled,
            *self.wrong_counters,
        ]


def read_oracles(oracles: Iterable[Path]) -> list[Row]:
    """Return the physical runs; a line that a kill tore was no start."""
    runs = []
    for oracle in oracles:
        lines = oracle.read_bytes().splitlines(keepends=True) if oracle.exists() else []
        runs += [json.loads(line) for line in lines if line.endswith(b"\n")]
    return runs


def audit(tables: Tables, runs: Sequence[Row], wanted: Sequence[Wanted]) -> Report:
    """Hold the hub's tables against the machines' logs and the users' wishes."""
    report = Report()
    jobs = {job["id"]: job for job in tables.get("jobs", ())}
    shots = {shot["id"]: shot for shot in tables.get("shots", ())}
    attempts = {attempt["id"]: attempt for attempt in tables.get("attempts", ())}
    _starts(report, runs)
    _wishes(report, jobs, shots, wanted)
    _ends(report, jobs, shots)
    _runs_against_hub(report, runs, (jobs, shots, attempts))
    _results(report, tables, runs, (jobs, shots, attempts))
    report.figures |= {
        "shots": len(shots),
        "jobs": len(jobs),
        "attempts": len(attempts),
        "physical_runs": len(runs),
        **{
            state.value: sum(shot["state"] == state for shot in shots.values())
            for state in sorted(SHOT_ENDS)
        },
        "late_reports": sum(bool(a["late"]) for a in attempts.values()),
    }
    return report


def _starts(report: Report, runs: Sequence[Row]) -> None:
    by_attempt = Counter(run["attempt"] for run in runs)
    by_shot = Counter(run["path"] for run in runs)
    report.double_starts += [
        f"attempt {attempt} was begun {times} times"
        for attempt, times in by_attempt.items()
        if times > 1
    ]
    report.restarts += [
        f"shot {path} was begun {times} times"
        for path, times in by_shot.items()
        if times > 1
    ]


def _wishes(
    report: Report,
    jobs: Mapping[str, Row],
    shots: Mapping[int, Row],
    wanted: Sequence[Wanted],
) -> None:
    by_name: defaultdict[str, list[Row]] = defaultdict(list)
    for job in jobs.values():
        by_name[job["name"]].append(job)
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for shot in sorted(shots.values(), key=lambda s: int(s["index"])):
        numbers[shot["job"]].append(shot["globals"]["number"])
    for wish in wanted:
        found = by_name.pop(wish.name, [])
        if len(found) != 1:
            report.lost.append(f"{wish.name} became {len(found)} jobs")
            continue
        (job,) = found
        if (job["owner__key"], job["apparatus__name"]) != (wish.user, wish.apparatus):
            report.misfiled.append(f"{wish.name} is of {job['owner__key']}")
        given_up = job["cancelled"] and not numbers[job["id"]]
        if not given_up and tuple(numbers[job["id"]]) != wish.numbers:
            report.lost.append(
                f"{wish.name} ({job['id']}, {job['state']}) has other shots than wanted"
            )
    report.lost += [f"nobody wanted {name!r}" for name in by_name]


def _ends(report: Report, jobs: Mapping[str, Row], shots: Mapping[int, Row]) -> None:
    states: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for shot in shots.values():
        states[shot["job"]][shot["state"]] += 1
    for ident, job in jobs.items():
        if job["state"] not in JOB_ENDS:
            report.lost.append(f"job {ident} is still {job['state']}")
        if job["state"] == JobState.FAILED and not states[ident][ShotState.UNKNOWN]:
            report.lost.append(f"job {ident} failed")
        for counter, counted in COUNTERS.items():
            real = sum(states[ident][state] for state in counted)
            if (job[counter] or 0) != real:
                report.wrong_counters.append(
                    f"job {ident} ({job['state']}): {counter} is {job[counter]}, not {real}"
                )


def _runs_against_hub(
    report: Report,
    runs: Sequence[Row],
    hub: tuple[Mapping[str, Row], Mapping[int, Row], Mapping[int, Row]],
) -> None:
    jobs, shots, attempts = hub
    for run in runs:
        attempt = attempts.get(run["attempt"])
        if attempt is None:
            report.lost.append(f"the hub has no attempt {run['attempt']}")
            continue
        shot = shots[attempt["shot"]]
        place = f"{shot['job']}#{shot['index']} (attempt {run['attempt']})"
        if not Path(run["path"]).name.startswith(f"{shot['job']}_"):
            report.misfiled.append(f"{place}: the machine ran {run['path']}")
        if any(shot["globals"][name] != run[name] for name in ("number", "user")):
            report.misfiled.append(f"{place}: the machine ran other globals")
        if jobs[shot["job"]]["owner__key"] != run["user"]:
            report.misfiled.append(f"{place}: not {run['user']}'s job")
        if shot["state"] not in (ShotState.DONE, ShotState.UNKNOWN):
            words = f"{shot['state']} ({shot['reason']}, {attempt['outcome']})"
            report.lost.append(f"{place} ran and is {words}")


def _results(
    report: Report,
    tables: Tables,
    runs: Sequence[Row],
    hub: tuple[Mapping[str, Row], Mapping[int, Row], Mapping[int, Row]],
) -> None:
    _, shots, attempts = hub
    results = defaultdict(list)
    for run in tables.get("runs", ()):
        results[run["job"], run["shot"]].append(run)
    files = {(f["job"], f["shot"]): f for f in tables.get("files", ())}
    ran = {
        attempts[run["attempt"]]["shot"]: run
        for run in runs
        if run["attempt"] in attempts
    }
    for ident, shot in shots.items():
        place = (shot["job"], shot["index"])
        found = results.pop(place, [])
        if shot["state"] != ShotState.DONE:
            if found:
                report.misfiled.append(f"{place} is {shot['state']} and has results")
            continue
        own = ran.get(ident)
        if own is None:
            report.lost.append(f"{place} is done, but the machine never ran it")
        else:
            _one_result(report, place, found, own, files.get(place))
    report.misfiled += [f"results of {place}, which is no shot" for place in results]


def _one_result(
    report: Report,
    place: tuple[str, int],
    found: Sequence[Row],
    run: Row,
    file: Row | None,
) -> None:
    reading = {name: run[name] for name in ("number", "user", "nonce")}
    values = [(r["routine"], r["values"]) for r in found]
    if values != [(ROUTINE, reading)]:
        reasons = "; ".join(r["reason"] for r in found)
        target = report.misfiled if values and not reasons else report.lost
        target.append(
            f"{place}: results {values} {reasons}, the machine made {reading}"
        )
    if run["number"] % ARRAY_EVERY:
        return
    content = hashlib.sha256(npy(nonce_array(run["nonce"]))).hexdigest()
    if file is None:
        report.lost.append(f"{place}: its array is missing")
    elif file["sha256"] != content:
        report.misfiled.append(f"{place}: its array is not what the machine made")
