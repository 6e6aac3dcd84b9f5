"""An agent that does what a test tells it, through the hub's own interface."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

BASE = "/api/v1"
TOF = {
    "name": "tof",
    "type": "float",
    "unit": "s",
    "default": 15e-3,
    "minimum": 1e-3,
    "maximum": 30e-3,
}
DESCRIPTION: dict[str, Any] = {
    "title": "Simulated",
    "doc": "A simulated apparatus.",
    "procedures": [
        {
            "name": "bec_tof",
            "title": "Expansion of a condensate",
            "parameters": [TOF, {"name": "atoms", "type": "int", "default": 1}],
            "routines": ["atom_number"],
            "multishot": ["tof_temperature"],
            "sha256": "0" * 64,
        }
    ],
    "connection_table": "start()",
    "max_shots": 200,
    "hdf5_download": True,
}


@dataclass
class Answer:
    """Status and body of a response."""

    status: int
    body: Any

    def ok(self) -> Any:
        assert self.status < 400, self.body
        return self.body


class Caller:
    """Calls the hub with one credential."""

    def __init__(self, token: str = "") -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __call__(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else json.dumps(body)
        response = self.client.generic(
            method,
            f"{BASE}{path}",
            data="" if body is None else data,
            content_type="application/json",
            headers={**self.headers, **given},
        )
        content = response.getvalue()
        is_json = "json" in response.headers.get("Content-Type", "")
        return Answer(response.status_code, json.loads(content) if is_json else content)


@dataclass
class ScriptedAgent:
    """Opens sessions, takes work and reports on it as told."""

    call: Caller
    apparatus: str = "sim"
    epoch: int = 0
    started: list[int] = field(default_factory=list)

    def open(self, **changes: object) -> Any:
        opening = {
            "apparatus": self.apparatus,
            "agent_version": "test",
            "description": DESCRIPTION | changes,
        }
        opened = self.call("POST", "/agent/sessions", opening).ok()
        self.epoch, self.started = opened["epoch"], opened["started"]
        return opened

    def poll(
        self,
        *,
        compile: int = 0,
        shots: int = 0,
        analyse: int = 0,
        wait: float = 0.0,
        **status: str,
    ) -> Answer:
        asked = {
            "epoch": self.epoch,
            "wait": wait,
            "capacity": {"compile": compile, "shots": shots, "analyse": analyse},
            "status": {"blacs": "idle"} | status,
        }
        return self.call("POST", "/agent/poll", asked)

    def compile_one(self, shots: int = 1, **report: object) -> str:
        [task] = self.poll(compile=1).ok()["compile"]
        self.compiled(task["job"], shots, **report).ok()
        return str(task["job"])

    def compiled(self, job: str, count: int, **report: object) -> Answer:
        made = [
            {"index": i, "globals": {"tof": 0.005 * (i + 1)}, "duration": 1.0}
            for i in range(count)
        ]
        body = {"epoch": self.epoch, "shots": made, "units": {"tof": "s"}} | report
        return self.call("POST", f"/agent/jobs/{job}/compiled", body)

    def lease(self, shots: int = 1) -> list[Any]:
        return list(self.poll(shots=shots).ok()["shots"])

    def start(self, lease: Any, **changes: object) -> Answer:
        body = {"epoch": self.epoch, "fence": lease["fence"]} | changes
        return self.call("POST", f"/agent/shots/{lease['shot']}/start", body)

    def finish(self, attempt: int, outcome: str = "done", **changes: object) -> Answer:
        body = {"epoch": self.epoch, "outcome": outcome} | changes
        return self.call("POST", f"/agent/attempts/{attempt}/finish", body)

    def analysed(self, attempt: int, **values: object) -> Answer:
        routines = [{"routine": "atom_number", "values": values}] if values else []
        body = {"epoch": self.epoch, "routines": routines}
        return self.call("POST", f"/agent/attempts/{attempt}/analysis", body)

    def run_one(self, **values: object) -> int:
        [lease] = self.lease()
        attempt = int(self.start(lease).ok()["attempt"])
        self.finish(attempt).ok()
        self.analysed(attempt, **values).ok()
        return attempt

    def end_job(self, **values: object) -> str:
        [task] = self.poll(analyse=1).ok()["analyse"]
        routines = [{"routine": "tof_temperature", "values": values}]
        body = {"epoch": self.epoch, "routines": routines}
        self.call("POST", f"/agent/jobs/{task['job']}/analysed", body).ok()
        return str(task["job"])

    def upload(
        self, job: str, name: str, content: bytes, *, digest: str = "", **query: object
    ) -> Answer:
        digest = digest or hashlib.sha256(content).hexdigest()
        asked = {"kind": "image", "label": "absorption", "shot": 0} | query
        text = "&".join(f"{key}={value}" for key, value in asked.items())
        path = f"/agent/jobs/{job}/files/{name}?{text}"
        return self.call("PUT", path, content, X_Content_SHA256=digest)
