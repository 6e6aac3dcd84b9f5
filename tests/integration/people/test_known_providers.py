"""ORCID and GitHub, as a hub is configured for them: offered, and asked in the right way."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qs, urlsplit

import httpx
import pytest
from django.test import Client
from tests.integration.server.test_served_hub import SERVE, environment
from tests.postgres import own_database

SECRETS = {"orcid": "orcid-secret-3f1c", "github": "github-secret-77ab"}
PROVIDERS = [
    {"kind": "orcid", "name": "ORCID", "client_id": "APP-7", "secret": ""},
    {"kind": "github", "name": "GitHub", "client_id": "Iv1.9", "secret": ""},
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a hub that knows both."""
    data = tmp_path_factory.mktemp("hub")
    known = [p | {"secret": SECRETS[p["kind"]]} for p in PROVIDERS]
    configured = {"SHOTHUB_LOGIN_PROVIDERS": json.dumps(known)}
    command = [sys.executable, "-c", SERVE, str(data)]
    with (
        own_database(),
        subprocess.Popen(
            command,
            env=environment() | configured,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdout
        yield process.stdout.readline().split()[-1]
        process.terminate()


@pytest.fixture
def browser(hub: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hub, timeout=60, trust_env=False) as client:
        yield client


def press(browser: httpx.Client, path: str) -> httpx.Response:
    """Press the button of the page that asks whether to go there."""
    asked = browser.get(path).raise_for_status().text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', asked)
    assert token
    form = {"csrfmiddlewaretoken": token[1]}
    return browser.post(path, data=form, headers={"Origin": str(browser.base_url)})


def goal_of(page: httpx.Response) -> SplitResult:
    """Return where the browser is sent: by a page, so that its policy holds it back."""
    assert page.status_code == 200, page.text
    found = re.search(r'<a href="([^"]+)"', page.text)
    assert found
    return urlsplit(found[1].replace("&amp;", "&"))


def test_the_login_page_offers_both(browser: httpx.Client) -> None:
    page = browser.get("/login").text
    assert re.search(r'href="/account/orcid/login/[^"]*">With ORCID<', page)
    assert re.search(r'href="/account/github/login/[^"]*">With GitHub<', page)


@pytest.mark.parametrize(
    ("kind", "address", "client", "scope"),
    [
        ("orcid", "https://orcid.org/oauth/authorize", "APP-7", "/authenticate"),
        ("github", "https://github.com/login/oauth/authorize", "Iv1.9", "user:email"),
    ],
)
def test_the_way_there_asks_for_who_it_is_and_for_no_more(
    kind: str, address: str, client: str, scope: str, browser: httpx.Client
) -> None:
    goal = goal_of(press(browser, f"/account/{kind}/login/"))
    assert goal._replace(query="").geturl() == address
    asked = parse_qs(goal.query)
    assert (asked["client_id"], asked["scope"]) == ([client], [scope])
    assert asked["response_type"] == ["code"]
    back = f"{browser.base_url}/account/{kind}/login/callback/"
    assert asked["redirect_uri"] == [back]
    assert len(asked["state"][0]) >= 16
    assert ("code_challenge" in asked) == (kind == "github")
    assert SECRETS[kind] not in goal.geturl()


def test_every_try_has_a_state_of_its_own(browser: httpx.Client) -> None:
    goals = [goal_of(press(browser, "/account/orcid/login/")) for _ in range(2)]
    assert len({parse_qs(goal.query)["state"][0] for goal in goals}) == 2


@pytest.mark.parametrize("kind", ["orcid", "github"])
def test_an_answer_that_nobody_asked_for_logs_nobody_in(
    kind: str, browser: httpx.Client
) -> None:
    forged = f"/account/{kind}/login/callback/?code=x&state=y"
    answer = browser.get(forged, follow_redirects=True)
    assert answer.status_code < 500
    assert browser.get("/tokens").status_code == 302


def test_no_form_of_a_page_leads_there_itself(browser: httpx.Client) -> None:
    policy = browser.get("/login").headers["Content-Security-Policy"]
    assert "form-action 'self';" in f"{policy};"


def test_a_hub_that_is_not_configured_for_them_does_not_know_them(db: None) -> None:
    """The control: it is the configuration that brings them."""
    page = Client().get("/login").content.decode()
    assert "With ORCID" not in page
    assert Client().get("/account/orcid/login/").status_code == 404
