"""Rows of people are looked up through what their asker may reach, wherever he is known."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import shothub.server

SERVER = Path(shothub.server.__file__).parent
THEIRS = {"Job", "JobShare", "Session", "Webhook", "Message", "Token", "Group"}
REACH = {
    "visible_to", "owned_by", "shared_with", "controlled_by", "watched_by",
    "reviewed_by",
}  # fmt: skip
ELSEWISE = {
    "find_session": "may_see() judges the row that was found",
    "list_sessions": "the next lines cut the rows to the principal's",
    "groups_seen_by": "is itself what one may reach",
    "rotate": "the next line takes the principal's own token",
    "queue_view": "of an apparatus; what it shows of others is names and numbers",
    "alive_turns": "the calendar is everybody's to see",
    "resume": "of an apparatus whose operator it has asked for",
    "_lock_takers": "locks what the submission was checked against",
    "_group_for": "the next lines want membership of the group that was found",
}
"""Functions that know who asks and look elsewise, each with its reason."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> Iterator[tuple[str, ast.Module]]:
    for file in sorted(SERVER.rglob("*.py")):
        if "migrations" not in file.parts:
            yield str(file.relative_to(SERVER)), ast.parse(file.read_text())


def knows_who_asks(function: Function) -> bool:
    return any(arg.arg == "principal" for arg in function.args.args)


def lookups(function: Function) -> Iterator[ast.stmt]:
    """Return the statements that look up rows of people."""
    for statement in ast.walk(function):
        if not isinstance(statement, ast.stmt) or hasattr(statement, "body"):
            continue
        if any(_is_lookup(node) for node in ast.walk(statement)):
            yield statement


def _is_lookup(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "objects"
        and isinstance(node.value, ast.Name)
        and node.value.id in THEIRS
    )


def is_bounded(statement: ast.stmt, found: set[str]) -> bool:
    """Tell whether a lookup names its asker, or rows that he was let to see before."""
    text = ast.unparse(statement)
    named = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    return any(re.search(rf"\.{reach}\b", text) for reach in REACH) or bool(
        named & ({"principal"} | found)
    )


def found_before(function: Function) -> set[str]:
    """Return names that hold what was looked up for the principal."""
    names: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and "principal" in ast.unparse(node.value):
            names |= {
                n.id
                for t in node.targets
                for n in ast.walk(t)
                if isinstance(n, ast.Name)
            }
    return names


def unbounded(tree: ast.Module) -> Iterator[str]:
    for function in ast.walk(tree):
        if not isinstance(function, Function) or not knows_who_asks(function):
            continue
        found = found_before(function)
        for statement in lookups(function):
            if function.name not in ELSEWISE and not is_bounded(statement, found):
                yield f"{function.name}: {ast.unparse(statement)[:100]}"


def test_who_is_known_sees_through_his_own_reach() -> None:
    assert [(name, *unbounded(t)) for name, t in modules() if [*unbounded(t)]] == []


def test_interfaces_look_up_nothing_themselves() -> None:
    found = [
        name
        for name, tree in modules()
        if name.startswith(("api/", "web/views/"))
        and any(
            isinstance(node, ast.Attribute) and node.attr == "objects"
            for node in ast.walk(tree)
        )
    ]
    assert found == []


def test_a_lookup_that_forgets_who_asks_is_noticed() -> None:
    """The control of the first test."""
    text = "def find(principal, job):\n    return Job.objects.get(pk=job)\n"
    assert [*unbounded(ast.parse(text))] == ["find: return Job.objects.get(pk=job)"]
    good = "def find(principal, job):\n    return Job.objects.visible_to(principal)\n"
    assert [*unbounded(ast.parse(good))] == []
