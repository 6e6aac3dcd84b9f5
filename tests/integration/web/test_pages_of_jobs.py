"""What the pages of jobs say, and how they stay up to date."""

import html
import re

import pytest
from django.test import Client
from tests.integration.server.hub_cast import Cast
from tests.integration.web.alices_jobs import PNG, submit


def text_of(client: Client, page: str) -> str:
    return client.get(page).content.decode()


def test_the_first_page_tells_how_to_submit_the_first_job(bob: Client) -> None:
    text = text_of(bob, "/")
    assert "shothub login --url" in text
    assert "shothub submit bec_tof -a sim" in text
    assert "from shothub import Hub" in text


def test_a_job_shows_each_shot_with_its_result_or_its_reason(
    alice: Client, finished_job: str
) -> None:
    text = text_of(alice, f"/jobs/{finished_job}")
    assert "1 of 3 shots are done; 1 failed, 1 unknown." in text
    assert "done, 2 missing" in text
    assert "camera not ready" in text
    assert "BLACS gone" in text
    assert "120000" in text
    assert 'title="no result"' in text


def test_a_job_shows_plots_pictures_logs_and_what_routines_found(
    alice: Client, finished_job: str
) -> None:
    text = text_of(alice, f"/jobs/{finished_job}")
    assert len(re.findall(r'<svg class="plot"', text)) == 2
    assert "tof (ms)" in text
    assert f'src="/jobs/{finished_job}/files/previews/absorption/0.png"' in text
    assert "shot 0, tof 5 ms" in text
    assert "182.5" in text
    assert "evaporation ends at 0.6 V" in text
    assert "shot 1 failed" in text


def test_the_chosen_columns_are_plotted(alice: Client, finished_job: str) -> None:
    text = text_of(alice, f"/jobs/{finished_job}/outcome?x=shot&y=atom_number/fraction")
    assert len(re.findall(r'<svg class="plot"', text)) == 1
    assert "fraction over shot number" in text


def test_a_picture_is_sent_as_it_is(alice: Client, finished_job: str) -> None:
    page = f"/jobs/{finished_job}/files/previews/absorption/0.png"
    response = alice.get(page)
    assert response.getvalue() == PNG
    assert response.headers["Content-Type"] == "image/png"
    again = alice.get(page, headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_an_unfinished_job_asks_for_news_every_second(
    cast: Cast, alice: Client
) -> None:
    job = submit(cast)
    text = text_of(alice, f"/jobs/{job}")
    assert 'hx-trigger="every 1s, changed from:body"' in text
    address = re.search(r'hx-get="(/jobs/\w+/live\?[^"]+)"', text)
    assert address is not None
    same = html.unescape(address[1])
    assert alice.get(same).status_code == 204
    cast.agent.compile_one(shots=1)
    news = alice.get(same)
    assert news.headers["HX-Trigger"] == "job-changed"
    assert "queued" in news.content.decode()


def test_a_job_tells_when_it_is_foreseen_to_start_and_to_end(
    cast: Cast, alice: Client
) -> None:
    job = submit(cast)
    cast.agent.compile_one(shots=2)
    cast.agent.poll()
    waits = text_of(alice, f"/jobs/{job}")
    assert re.search(r"Foreseen to start about\s+<time[^>]*>.*to end about", waits)
    [lease] = cast.agent.lease()
    cast.agent.start(lease).ok()
    runs = text_of(alice, f"/jobs/{job}")
    assert re.search(r"Foreseen\s+to end about\s+<time", runs)
    assert "to start about" not in runs


def test_a_finished_job_foresees_nothing(alice: Client, finished_job: str) -> None:
    assert "Foreseen" not in text_of(alice, f"/jobs/{finished_job}")


def test_what_is_foreseen_anew_is_shown_and_loads_nothing_else(
    cast: Cast, alice: Client
) -> None:
    job = submit(cast)
    cast.agent.compile_one(shots=2)
    cast.agent.poll()
    text = text_of(alice, f"/jobs/{job}")
    address = re.search(r'hx-get="(/jobs/\w+/live\?[^"]+)"', text)
    assert address is not None
    shown = html.unescape(address[1])
    assert alice.get(shown).status_code == 204
    news = alice.get(re.sub(r"outlook=[^&]+", "outlook=old", shown))
    assert news.status_code == 200
    assert "HX-Trigger" not in news.headers


def test_a_finished_job_asks_no_more(alice: Client, finished_job: str) -> None:
    assert "every 1s" not in text_of(alice, f"/jobs/{finished_job}")
    news = alice.get(f"/jobs/{finished_job}/live?rev=1")
    assert news.headers["HX-Trigger"] == "job-ended"
    assert "hx-get" not in news.content.decode()


def test_a_user_cancels_his_job(cast: Cast, alice: Client) -> None:
    job = submit(cast)
    assert "Cancel job" in text_of(alice, f"/jobs/{job}")
    alice.post(f"/jobs/{job}/cancel")
    text = text_of(alice, f"/jobs/{job}")
    assert "It was cancelled." in text
    assert "Cancel job" not in text


def test_cancelling_a_job_that_has_ended_shows_it(
    alice: Client, finished_job: str
) -> None:
    response = alice.post(f"/jobs/{finished_job}/cancel")
    assert response.headers["Location"] == f"/jobs/{finished_job}"


def test_a_failed_job_shows_the_users_own_lines(cast: Cast, alice: Client) -> None:
    job = submit(cast)
    trace = 'Traceback:\n  File "exp.py", line 3\nNameError: no dipole'
    fault = {"code": "script_raised", "detail": trace, "where": "exp.py:3"}
    cast.agent.compile_one(shots=0, faults=[fault | {"hint": "see the outputs"}])
    text = text_of(alice, f"/jobs/{job}")
    assert '<p class="what">NameError: no dipole</p>' in text
    assert "<code>exp.py:3</code>" in text
    assert "see the outputs" in text


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ("q=scan", True),
        ("q=nothing", False),
        ("state=done", True),
        ("state=failed", False),
        ("tag=thesis", True),
        ("tag=other", False),
        ("apparatus=sim", True),
        ("apparatus=other", False),
        ("state=nonsense", True),
    ],
)
def test_the_list_is_filtered(
    query: str, seen: bool, alice: Client, finished_job: str
) -> None:
    assert (finished_job in text_of(alice, f"/?{query}")) is seen


def test_the_list_comes_in_pages(cast: Cast, alice: Client) -> None:
    body = {"kind": "procedure", "apparatus": "sim", "procedure": "bec_tof"}
    cast.alice("POST", "/jobs", [body] * 60).ok()
    first = text_of(alice, "/?q=bec")
    assert first.count('class="what"') == 50
    older = re.search(r'href="(\?[^"]*)" rel="next"', first)
    assert older is not None
    second = text_of(alice, "/" + older[1].replace("&amp;", "&"))
    assert second.count('class="what"') == 10
    assert "q=bec" in older[1]


def test_the_queue_hides_whose_job_it_is_but_not_that_it_waits(
    cast: Cast, alice: Client, bob: Client
) -> None:
    job = submit(cast, name="my secret")
    assert job in text_of(alice, "/apparatus/sim")
    text = text_of(bob, "/apparatus/sim")
    assert job not in text
    assert "my secret" not in text
    assert "bec_tof" in text
