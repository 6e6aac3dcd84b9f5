"""Shots compiled by labscript itself, in a profile of their own, without any sandbox."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from shothub.suite.profile import make_profile, suite_environment

DRIVER = """
import json, sys, types
import labscript_utils.h5_lock, h5py, labscript
for job in json.load(open(sys.argv[1])):
    with h5py.File(job["target"], "w") as file:
        file.create_group("globals").attrs.update(job["globals"])
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.__file__ = job["script"]
    text = open(job["script"]).read()
    labscript.labscript_init(job["target"], labscript_file=job["script"])
    try:
        exec(compile(text, job["script"], "exec", dont_inherit=True), module.__dict__)
    finally:
        labscript.labscript_cleanup()
"""

Compile = Callable[[Mapping[str, tuple[str, Mapping[str, Any]]]], dict[str, Path]]


@pytest.fixture(scope="session")
def suite_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of a labscript profile."""
    state = tmp_path_factory.mktemp("state")
    table = state / "connection_table.py"
    table.write_text("")
    home = state / "profile"
    make_profile(
        home, apparatus_name="test", connection_table=table, shots=state / "shots"
    )
    return home


@pytest.fixture(scope="session")
def in_suite(suite_home: Path) -> Callable[..., str]:
    """Run Python code in the suite's environment and return what it prints."""

    def run(code: str, *arguments: object) -> str:
        environment = suite_environment(suite_home, offscreen=True)
        ended = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            # READTHEDOCS: no lock server is needed where nobody else opens the files.
            env=environment | {"READTHEDOCS": "1", "MPLBACKEND": "Agg"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return run


@pytest.fixture(scope="session")
def compile_natively(
    in_suite: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Compile:
    """Compile scripts, by name (text, globals), in one fresh interpreter."""

    def compile_all(
        scripts: Mapping[str, tuple[str, Mapping[str, Any]]],
    ) -> dict[str, Path]:
        folder = tmp_path_factory.mktemp("native")
        jobs = []
        for name, (text, values) in scripts.items():
            script = folder / f"{name}.py"
            script.write_text(text)
            target = folder / f"{name}.h5"
            jobs.append(
                {"script": str(script), "target": str(target), "globals": values}
            )
        (folder / "jobs.json").write_text(json.dumps(jobs))
        in_suite(DRIVER, folder / "jobs.json")
        return {name: folder / f"{name}.h5" for name in scripts}

    return compile_all
