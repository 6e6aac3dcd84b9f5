"""Alice reads what is stored about her, and takes all of it along."""

import json

from playwright.sync_api import Page


def test_alice_takes_her_data_along(alices_page: Page) -> None:
    alices_page.get_by_role("link", name="What is stored about you").click()
    assert alices_page.get_by_role("heading", level=1).inner_text() == (
        "What is stored about you"
    )
    with alices_page.expect_download() as download:
        alices_page.get_by_role("button", name="Download all of it").click()
    assert download.value.suggested_filename == "shothub-alice.json"
    told = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert told["account"][0]["username"] == "alice"
    assert [act["what"] for act in told["record"]][-1] == "user.exported"
