"""A hub of its own on a free port, and a browser that looks at it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from tests.integration.server.scripted_agent import DESCRIPTION

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PASSWORD = "correct-horse-9"
ADMIN = "from shothub.server.admin_cli import admin_app; admin_app()"


@dataclass(frozen=True)
class RunningHub:
    """A hub with Alice and an apparatus whose agent has described it."""

    address: str
    agent_token: str


def admin(data: Path, *arguments: str) -> str:
    command = [sys.executable, "-c", ADMIN, *arguments, "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the hub."""
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def hub(data: Path) -> Iterator[RunningHub]:
    admin(data, "user", "create", "alice", "--password", PASSWORD)
    admin(data, "user", "create", "robot", "--password", PASSWORD)
    admin(data, "apparatus", "create", "sim")
    printed = admin(data, "token", "robot", "--agent-of", "sim")
    token = printed.split()[-1]
    code = (
        "import sys; from pathlib import Path; from shothub.server.main import serve;"
        " sys.exit(serve(port=0, data=Path(sys.argv[1])))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(data)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        call(RunningHub(found[0], token), "/agent/sessions", OPENING)
        yield RunningHub(found[0], token)
        process.terminate()


OPENING = {"apparatus": "sim", "agent_version": "test", "description": DESCRIPTION}


def call(hub: RunningHub, path: str, body: object) -> Any:
    """Call the hub as the agent."""
    answer = httpx.post(
        f"{hub.address}/api/v1{path}",
        json=body,
        headers={"Authorization": f"Bearer {hub.agent_token}"},
    )
    answer.raise_for_status()
    return answer.json()


# Playwright runs an event loop in this thread while it is open: it is closed with the
# module, or no later test could run a loop of its own.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("there is no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(ARGUMENTS)
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, hub: RunningHub) -> Iterator[Page]:
    """A page of a fresh browser; what the browser complains of fails the test."""
    context = chromium.new_context(base_url=hub.address)
    page = context.new_page()
    complaints: list[str] = []

    def listen(said: ConsoleMessage) -> None:
        if said.type == "error":
            complaints.append(what(said))

    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", listen)
    yield page
    context.close()
    assert complaints == []


def what(said: ConsoleMessage) -> str:
    """Return what the browser complains of, with the address that it is about."""
    return f"{said.text} ({said.location['url']})"


@pytest.fixture
def alices_page(page: Page) -> Page:
    """The same after Alice has logged in."""
    page.goto("/")
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    return page
