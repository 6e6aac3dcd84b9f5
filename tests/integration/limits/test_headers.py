"""Cookies and headers of a hub behind a proxy that speaks HTTPS, and of a local one."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from django.test import Client
from tests.integration.limits.test_server_check import PUBLIC
from tests.integration.server.hub_cast import Cast
from tests.integration.server.test_served_hub import SERVE, admin, environment
from tests.postgres import own_database

HOST = "shots.example.org"
PASSWORD = "correct horse 7 battery"
AS_THE_PROXY = {"Host": HOST, "X-Forwarded-Proto": "https"}


@contextmanager
def serving(data: Path, **given: str) -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(data)],
        env=environment() | given,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().split()[-1]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    data = tmp_path_factory.mktemp("hub")
    with own_database(), serving(data, **PUBLIC) as url:
        admin(data, "user", "create", "alice", "--password", PASSWORD)
        with httpx.Client(base_url=url, headers=AS_THE_PROXY, timeout=30) as client:
            yield client


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    data = tmp_path_factory.mktemp("local")
    with (
        own_database(),
        serving(data) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        yield client


def page_of_login(client: httpx.Client) -> httpx.Response:
    return client.get("/", follow_redirects=True)


def cookies(answer: httpx.Response) -> dict[str, str]:
    given = answer.headers.get_list("set-cookie")
    return {text.partition("=")[0]: text.casefold() for text in given}


@pytest.fixture(scope="module")
def given(public: httpx.Client) -> dict[str, str]:
    """Log in, and return the cookies of the login page and of the login."""
    page = page_of_login(public)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert token
    # httpx keeps secure cookies from http; the proxy of this test hands them on.
    cookie = page.headers["set-cookie"].partition(";")[0]
    answer = public.post(
        page.url.path,
        data={
            "csrfmiddlewaretoken": token[1],
            "login": "alice",
            "username": "alice",
            "password": PASSWORD,
        },
        headers={"Cookie": cookie, "Referer": f"https://{HOST}/"},
    )
    assert answer.status_code == 302, answer.text[:500]
    return cookies(page) | cookies(answer)


def test_cookies_are_for_https_alone(given: dict[str, str]) -> None:
    assert "httponly" in given["__Host-session"]
    for name, text in given.items():
        assert "; secure" in text, name
        assert "samesite=lax" in text, name


def test_cookies_are_this_hosts_alone(given: dict[str, str]) -> None:
    assert {"__Host-session", "__Host-csrf"} <= set(given)
    for name, text in given.items():
        assert "domain=" not in text, name
        assert "path=/" in text, name


def test_https_is_for_a_year(public: httpx.Client) -> None:
    for path in ("/", "/api/v1/me", "/api/v1/jobs/x?wait=1"):
        said = public.get(path).headers["Strict-Transport-Security"]
        assert said == "max-age=31536000", path


def test_without_a_proxy_there_is_no_such_promise(local: httpx.Client) -> None:
    assert "Strict-Transport-Security" not in local.get("/").headers
    assert "Strict-Transport-Security" not in local.get("/api/v1/me").headers


def test_a_request_that_was_not_https_is_known_by_the_proxys_word_alone(
    local: httpx.Client,
) -> None:
    """Without a declared proxy anybody could send its header."""
    page = local.get("/", headers={"X-Forwarded-Proto": "https"}, follow_redirects=True)
    assert "; secure" not in page.headers.get("set-cookie", "").casefold()


@pytest.mark.parametrize("path", ["/api/v1/me", "/api/v1/jobs/x?wait=1", "/api/v1/no"])
def test_answers_of_the_api_are_data(local: httpx.Client, path: str) -> None:
    said = local.get(path).headers
    assert said["X-Content-Type-Options"] == "nosniff"
    assert said["Content-Security-Policy"].startswith("default-src 'none'")
    assert said["Cache-Control"] == "no-store"
    assert said["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", ["/login", "/api/v1/me", "/no/such/page"])
def test_no_header_tells_what_serves(local: httpx.Client, path: str) -> None:
    said = " ".join(f"{k}: {v}" for k, v in local.get(path).headers.items())
    assert not re.search(r"\bserver:|powered-by|django|uvicorn|python", said.casefold())


def test_pages_have_a_policy_and_are_framed_by_nobody(local: httpx.Client) -> None:
    said = page_of_login(local).headers
    assert "default-src 'self'" in said["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in said["Content-Security-Policy"]
    assert "unsafe" not in said["Content-Security-Policy"]
    assert said["X-Frame-Options"] == "DENY"
    assert said["X-Content-Type-Options"] == "nosniff"
    assert said["Referrer-Policy"] == "same-origin"
    assert "server" not in {name.casefold() for name in said}


def test_another_hosts_name_is_refused(public: httpx.Client) -> None:
    answer = public.get("/", headers={"Host": "evil.example.org"})
    assert answer.status_code == 400


def test_a_form_without_its_token_is_refused(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.users["alice"])
    for path in ("/privacy/export", "/tokens", "/notifications"):
        assert client.post(path).status_code == 403, path
    answer = client.post("/api/v1/jobs", data="{}", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")


def test_no_other_site_reads_the_api(cast: Cast) -> None:
    answer = Client().get("/api/v1/me", headers={"Origin": "https://evil.example.org"})
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


def test_what_a_user_reads_is_stored_by_no_cache(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.users["alice"])
    assert "no-store" in client.get("/").headers["Cache-Control"]
    assert client.get("/api/v1/me").headers["Cache-Control"] == "no-store"
