"""What import-linter and ruff cannot say: sizes, opening sentences, foreign libraries."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path("src/shothub")
LAB = ROOT / "sim" / "lab"  # an example lab's files: labscript's style, not a part
MODULES = [
    m
    for m in sorted(ROOT.rglob("*.py"))
    if "migrations" not in m.parts and LAB not in m.parents
]

# An allow-list of foreign libraries per part: a deny-list misses what nobody thought of.
LIBRARIES = {
    "domain": set(),
    "wire": {"pydantic", "pydantic_core"},
    "runtime": {"pydantic", "structlog"},
    "shots": {"h5py", "numpy", "pydantic"},
    "suite": {
        "blacs",
        "h5py",
        "labscript",
        "labscript_profile",
        "labscript_utils",
        "numpy",
        "pydantic",
        "qtutils",
        "structlog",
        "zmq",
        "zprocess",
    },
    "sandbox": {
        "labscript",
        "labscript_utils",
        "runmanager",
        "lyse",
        "h5py",
        "matplotlib",
        "numpy",
        "pandas",
        "pydantic",
        "pyseccomp",
        "scipy",
    },
    "agent": {"h5py", "httpx", "numpy", "pydantic", "rich", "structlog"},
    "client": {"httpx", "numpy", "pandas", "platformdirs", "pydantic", "rich", "typer"},
    "sim": {
        "blacs",
        "h5py",
        "labscript",
        "labscript_devices",
        "labscript_utils",
        "numpy",
        "scipy",
    },
    "server": {
        "allauth",
        "asgiref",
        "cryptography",
        "django",
        "httpx",
        "ninja",
        "platformdirs",
        "prometheus_client",
        "psycopg",
        "pydantic",
        "pydantic_core",
        "pydantic_settings",
        "requests",
        "structlog",
        "typer",
        "uvicorn",
        "whitenoise",
    },
    "demo": {"platformdirs", "rich"},
    "command.py": {"rich", "typer"},
}
EFFECTS = {"asyncio", "os", "random", "socket", "subprocess", "threading", "time"}


def imports(module: Path) -> set[str]:
    """Return the top-level names that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names} - {ROOT.name}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_module_fits_on_a_few_screens(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 400


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_module_opens_with_one_sentence(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text()))


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_part_imports_only_the_libraries_it_may(module: Path) -> None:
    part = module.relative_to(ROOT).parts[0]
    foreign = imports(module) - sys.stdlib_module_names
    assert foreign <= LIBRARIES.get(part, set())


@pytest.mark.parametrize("module", sorted(ROOT.glob("domain/*.py")), ids=str)
def test_domain_touches_nothing_outside_its_arguments(module: Path) -> None:
    assert not imports(module) & EFFECTS
