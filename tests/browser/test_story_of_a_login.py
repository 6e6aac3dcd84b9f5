"""A user logs in from a terminal: the program waits, the browser lets it in, and it is out again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import RunningHub

Environment = dict[str, str]


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """A computer of a user who was never logged in."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SHOTHUB_")}
    return kept | {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}


def shothub(environment: Environment, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "shothub", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(environment: Environment, *words: str) -> tuple[int, str]:
    with shothub(environment, *words) as program:
        out, err = program.communicate(timeout=60)
        return program.returncode, out + err


def address_of(program: "subprocess.Popen[str]") -> str:
    assert program.stderr is not None
    for line in program.stderr:
        if line.startswith("Open "):
            return line.split()[1]
    raise AssertionError("it showed no address")


def test_a_terminal_is_let_in_by_the_browser_and_goes_out_again(
    alices_page: Page, hub: RunningHub, environment: Environment
) -> None:
    page = alices_page
    words = ("login", "--url", hub.address, "--only-on", "sim", "--days", "7")
    with shothub(environment, *words) as program:
        address = address_of(program)
        page.goto(address)
        expect(page.locator(".code")).to_have_text(address.split("=")[1])
        expect(page.get_by_text("sim only")).to_be_visible()
        page.get_by_role("button", name="Allow").click()
        expect(page.get_by_role("heading", name="It is in")).to_be_visible()
        assert program.wait(60) == 0

    code, said = ended(environment, "whoami", "--json")
    me = json.loads(said)
    assert (code, me["username"], me["only_on"]) == (0, "alice", ["sim"])

    page.get_by_role("link", name="Tokens").first.click()
    row = page.get_by_role("row").filter(has_text="by login")
    expect(row).to_contain_text("sim")
    expect(row).to_contain_text("from 127.0.0.1")

    code, said = ended(environment, "logout")
    assert (code, "the token is revoked" in said) == (0, True)
    page.reload()
    expect(page.get_by_role("row").filter(has_text="by login")).to_contain_text(
        "revoked"
    )
    assert ended(environment, "whoami")[0] == 4


def test_a_terminal_that_nobody_started_is_turned_away(
    alices_page: Page, hub: RunningHub, environment: Environment
) -> None:
    page = alices_page
    with shothub(environment, "login", "--url", hub.address) as program:
        code = address_of(program).split("=")[1]
        page.goto("/device")
        page.get_by_label("The code that the program shows").fill(code.lower())
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("button", name="Turn away").click()
        expect(page.get_by_text("he got nothing")).to_be_visible()
        assert program.wait(60) == 4
    assert not (Path(environment["XDG_CONFIG_HOME"]) / "shothub").exists()
