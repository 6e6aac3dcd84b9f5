"""Names that users choose stay text; no page has a script or a style of its own."""

import re
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from django.test import Client
from tests.integration.server.hub_cast import Cast
from tests.integration.web.alices_jobs import submit
from tests.integration.web.test_who_sees_which_page import JOB_PAGES, PAGES

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
INLINE = re.compile(
    r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+\s*=\s*[\"']|javascript:", re.I
)


def test_the_search_for_inline_scripts_finds_them() -> None:
    for text in ("<script>x</script>", '<p style="x">', '<a onclick="x">', "<style>"):
        assert INLINE.search(text)
    assert not INLINE.search('<script src="/static/x.js" defer></script>')


@pytest.mark.parametrize("page", [*PAGES, *JOB_PAGES])
def test_no_page_has_inline_scripts_or_styles(
    page: str, alice: Client, finished_job: str
) -> None:
    response = alice.get(page.format(job=finished_job))
    if "html" in response.headers["Content-Type"]:
        assert not INLINE.search(response.content.decode())
    response.close()


def test_hostile_names_are_shown_as_text(cast: Cast, alice: Client) -> None:
    job = submit(cast, name=HOSTILE, tags=[HOSTILE[:50]])
    fault = {"code": "raised", "detail": f"Traceback\n{HOSTILE}", "where": HOSTILE}
    cast.agent.compile_one(shots=0, faults=[fault], log=HOSTILE)
    for page in ("/", f"/jobs/{job}", f"/jobs/{job}/record"):
        text = alice.get(page).content.decode()
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_hostile_results_are_shown_as_text(cast: Cast, alice: Client) -> None:
    job = submit(cast)
    cast.agent.compile_one(shots=1)
    cast.agent.run_one(**{HOSTILE: 1.5, "text": HOSTILE})
    text = alice.get(f"/jobs/{job}").content.decode()
    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_the_policy_allows_only_our_own_scripts(alice: Client) -> None:
    policy = alice.get("/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_file_that_is_no_picture_is_never_shown_in_the_page(
    cast: Cast, alice: Client, finished_job: str
) -> None:
    html = {"kind": "log", "media_type": "text/html"}
    cast.agent.upload(finished_job, "evil.html", b"<script>1</script>", **html).ok()
    response = alice.get(f"/jobs/{finished_job}/files/evil.html")
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    response.close()


def test_hdf5_files_are_for_those_with_the_grant(
    cast: Cast, browser: Callable[[str], Client]
) -> None:
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    job = str(cast.bob("POST", "/jobs", body).ok()["id"])
    cast.agent.upload(job, "shots/0.h5", b"hdf", kind="hdf5").ok()
    assert browser("bob").get(f"/jobs/{job}/files/shots/0.h5").status_code == 403


def test_a_failure_shows_nothing_of_the_server(
    cast: Cast, browser: Callable[[str], Client]
) -> None:
    client = browser("alice")
    client.raise_request_exception = False
    place = "shothub.server.web.views.jobs.list_jobs"
    with patch(place, side_effect=RuntimeError("secret detail")):
        response = client.get("/")
    assert response.status_code == 500
    text = response.content.decode()
    assert "The hub has failed" in text
    assert "secret detail" not in text


def test_no_template_marks_text_as_safe() -> None:
    web = Path(__file__).parents[3] / "src/shothub/server/web"
    for source in [*web.rglob("*.html"), *web.rglob("*.py")]:
        text = source.read_text()
        assert "|safe" not in text
        assert "mark_safe" not in text
        assert "autoescape off" not in text
