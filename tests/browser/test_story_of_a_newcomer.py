"""How somebody comes to the lab: from the sign-up to his first running job."""

import base64
import hmac
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import OPENING, PASSWORD, RunningHub, admin, call
from tests.fakes import oidc_provider
from tests.fakes.mail_server import MailServer, mail_server

SERVE = (
    "import sys; from pathlib import Path; from shothub.server.main import serve;"
    " sys.exit(serve(port=int(sys.argv[2]), data=Path(sys.argv[1])))"
)


@pytest.fixture(scope="module")
def mails() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def hub(data: Path, mails: MailServer) -> Iterator[RunningHub]:
    """A hub that asks the lab about newcomers, and knows an institution's provider."""
    admin(data, "user", "create", "robot", "--password", PASSWORD)
    admin(data, "apparatus", "create", "sim")
    agent = admin(data, "token", "robot", "--agent-of", "sim").split()[-1]
    # The provider sends people back to where the hub will be.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    back = f"{address}/account/oidc/uni/login/callback/"
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        provider = _start(stack, Path(oidc_provider.__file__), back)
        for name, value in {
            "SIGN_UP": "approval",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(mails.port),
            "SMTP_TLS": "none",
            "PUBLIC_URL": address,
            "LOGIN_PROVIDERS": (
                '[{"kind": "oidc", "id": "uni", "name": "University", "address":'
                f' "{provider}", "client_id": "{oidc_provider.CLIENT}", "secret":'
                f' "{oidc_provider.SECRET}"}}]'
            ),
        }.items():
            patch.setenv(f"SHOTHUB_{name}", value)
        _start(stack, "-c", SERVE, data, port)
        running = RunningHub(address, agent)
        call(running, "/agent/sessions", OPENING)
        yield running


def _start(stack: ExitStack, *arguments: object) -> str:
    """Start a Python program; return the address that it prints."""
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    stack.callback(process.terminate)
    assert process.stdout is not None
    found = re.search(r"http://\S+", process.stdout.readline())
    assert found is not None
    return found[0]


def link_in(mails: MailServer, number: int, path: str) -> str:
    """Return the link to a page in the mail of this number, once that has come."""
    text = mails.wait_for(number)[number - 1].get_content()
    found = re.search(rf"http://\S+{path}\S*", text)
    assert found is not None, text
    return found[0]


def number_of(secret: str, step: int) -> str:
    """Return what an authenticator app shows, of its own reckoning (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30 + step)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    start = digest[-1] & 15
    value = int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF
    return f"{value % 1_000_000:06}"


def test_a_newcomer_gets_from_the_sign_up_to_his_first_running_job(
    page: Page, hub: RunningHub, data: Path, mails: MailServer
) -> None:
    page.goto("/login")
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Username").fill("nina")
    page.get_by_label("Email").fill("nina@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()

    page.goto(link_in(mails, 1, "/account/email/confirm/"))
    page.get_by_role("button", name="Yes, confirm").click()
    expect(page.get_by_text("have been asked to let you in")).to_be_visible()
    page.goto("/submit")
    expect(page.get_by_role("heading", name="Nearly there")).to_be_visible()

    admin(data, "user", "approve", "nina", "--key", "ni")
    page.goto(link_in(mails, 2, "/welcome"))
    expect(page.get_by_text("Your key is ni")).to_be_visible()

    secret = add_an_app(page)
    page.get_by_role("button", name="Log out").click()
    log_in(page)
    expect(page.get_by_role("heading", name="Your second factor")).to_be_visible()
    page.get_by_label("Code").fill(number_of(secret, 1))
    page.get_by_role("button", name="Log in").click()

    page.goto("/tokens")
    page.get_by_label("Name").fill("laptop")
    page.get_by_role("button", name="Make token").click()
    expect(page.locator("#secret")).to_have_text(re.compile(r"shb_pat_\w+"))
    token = page.locator("#secret").inner_text().strip()
    assert call(RunningHub(hub.address, token), "/jobs?dry_run=1", JOB)

    page.goto("/welcome")
    page.get_by_role("button", name="Run my first job").click()
    expect(page.get_by_role("heading", name="my first job")).to_be_visible()
    run_it(hub)
    expect(page.locator("#live .chip").first).to_contain_text("running")


JOB = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}


def add_an_app(page: Page) -> str:
    """Add an authenticator app, keep the recovery codes; return the app's secret."""
    page.get_by_role("link", name="Add a second factor").click()
    page.get_by_role("link", name="Add an app").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    secret = page.get_by_label("Or type this secret").input_value()
    page.get_by_label("Authenticator code").fill(number_of(secret, 0))
    page.get_by_role("button", name="Add the app").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    return secret


def log_in(page: Page) -> None:
    page.get_by_label("Name or e-mail").fill("nina")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def run_it(hub: RunningHub) -> None:
    """Be the agent: compile the job and start its shot."""
    epoch = call(hub, "/agent/sessions", OPENING)["epoch"]

    def poll(**capacity: int) -> dict[str, list[dict[str, object]]]:
        asked = {"epoch": epoch, "wait": 5, "capacity": capacity}
        return dict(call(hub, "/agent/poll", asked))

    [task] = poll(compile=1)["compile"]
    shots = [{"index": 0, "globals": {"tof": 0.015}, "duration": 1.0}]
    body = {"epoch": epoch, "shots": shots}
    call(hub, f"/agent/jobs/{task['job']}/compiled", body)
    [lease] = poll(shots=1)["shots"]
    body = {"epoch": epoch, "fence": lease["fence"]}
    call(hub, f"/agent/shots/{lease['shot']}/start", body)


def test_a_member_of_an_institution_signs_up_by_its_provider(
    page: Page, hub: RunningHub
) -> None:
    page.goto("/login")
    page.get_by_role("link", name="With University").click()
    page.get_by_role("button", name="Go on").click()
    page.locator("[name=login]").fill("mallory")
    page.locator("[name=password]").fill(oidc_provider.PASSWORD)
    page.get_by_role("button", name="Sign In").click()
    expect(page.get_by_text("University tells us who you are")).to_be_visible()
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
