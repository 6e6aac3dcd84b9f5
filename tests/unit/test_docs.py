"""The documentation holds: links lead somewhere, examples parse, pages are not stale."""

import ast
import re
import runpy
import tomllib
from pathlib import Path

import pytest

import shothub
from shothub.agent.config import ApparatusConfig
from shothub.agent.procedures import Procedure, read_procedure

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchor(heading: str) -> str:
    words = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return words.replace(" ", "-")


def broken(page: Path) -> list[str]:
    """Return the links of a page that lead to no file or no heading here."""
    found = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, place = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        headings = (
            re.findall(r"(?m)^#+ (.*)$", target.read_text(encoding="utf-8"))
            if target.suffix == ".md" and target.exists()
            else []
        )
        if not target.exists() or (place and place not in map(anchor, headings)):
            found.append(link)
    return found


def examples(language: str) -> list[tuple[str, str]]:
    return [
        (name(page), text)
        for page in PAGES
        for kind, text in FENCED.findall(page.read_text(encoding="utf-8"))
        if kind == language
    ]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A b\n[x](page.md) [y](#a-b) [z](none.md) [w](#none)")
    assert broken(page) == ["none.md", "#none"]


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*/*.md")), ids=name)
def test_every_page_is_in_the_table_of_contents(page: Path) -> None:
    folder = ROOT / "docs"
    contents = (folder / "README.md").read_text(encoding="utf-8")
    contents += "".join(
        f"decisions/{link}"
        for link in LINK.findall((folder / "decisions/README.md").read_text("utf-8"))
    )
    assert str(page.relative_to(folder)) in contents


@pytest.mark.parametrize(("page", "text"), examples("python"))
def test_python_examples_parse(page: str, text: str) -> None:
    ast.parse(text, page)


@pytest.mark.parametrize(("page", "text"), examples("python"))
def test_python_examples_import_what_there_is(page: str, text: str) -> None:
    wanted = {
        alias.name
        for node in ast.walk(ast.parse(text, page))
        if isinstance(node, ast.ImportFrom) and node.module == "shothub"
        for alias in node.names
    }
    assert sorted(n for n in wanted if not hasattr(shothub, n)) == []


def test_the_example_of_a_procedure_is_one(tmp_path: Path) -> None:
    [text] = [t for page, t in examples("python") if "write-a-procedure" in page]
    file = tmp_path / "my_tof.py"
    file.write_text(text, encoding="utf-8")
    assert isinstance(read_procedure(file), Procedure)


def test_the_example_of_an_apparatus_is_valid() -> None:
    [text] = [t for page, t in examples("toml") if "apparatus-folder" in page]
    ApparatusConfig.model_validate(tomllib.loads(text))


@pytest.mark.parametrize(("page", "text"), examples("toml"))
def test_toml_examples_parse(page: str, text: str) -> None:
    assert tomllib.loads(text), page


def test_the_page_of_commands_is_not_stale() -> None:
    page = runpy.run_path(str(ROOT / "tools" / "commands_page.py"))
    kept = (ROOT / page["TARGET"]).read_text(encoding="utf-8")
    assert kept == page["text"](), "run `make docs`"
