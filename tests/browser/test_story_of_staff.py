"""Staff suspends somebody who is logged in, reads it on the record, and lets her in again."""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import PASSWORD, RunningHub, admin

WHY = "The MOT coils got too hot; come and see us."


def log_in(page: Page, name: str) -> None:
    page.goto("/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def test_a_suspended_user_is_out_at_once_and_reads_why(
    alices_page: Page, chromium: Browser, hub: RunningHub, data: Path
) -> None:
    admin(data, "user", "create", "stella", "--password", PASSWORD, "--staff")
    context = chromium.new_context(base_url=hub.address)
    stella = context.new_page()
    log_in(stella, "stella")
    stella.get_by_role("link", name="People").click()
    stella.get_by_role("link", name="alice").click()
    stella.get_by_label("Why?").fill(WHY)
    stella.get_by_role("button", name="Suspend alice").click()
    expect(stella.get_by_text(WHY).first).to_be_visible()

    menu = alices_page.get_by_role("navigation", name="Main")
    menu.get_by_role("link", name="Tokens").click()
    expect(alices_page.get_by_label("Password")).to_be_visible()
    # A refused login is an error to the browser's console, and is none here.
    alice = chromium.new_context(base_url=hub.address).new_page()
    log_in(alice, "alice")
    expect(alice.get_by_text(WHY)).to_be_visible()
    alice.context.close()

    stella.get_by_role("link", name="All of it").click()
    row = stella.get_by_role("row", name="account suspended")
    expect(row).to_contain_text("stella")
    stella.go_back()
    stella.get_by_role("button", name="Let alice in again").click()
    expect(stella.get_by_role("button", name="Suspend alice")).to_be_visible()
    context.close()


def test_a_user_finds_what_was_done_with_the_account(
    chromium: Browser, hub: RunningHub, data: Path
) -> None:
    admin(data, "user", "suspend", "alice", "--why", WHY)
    admin(data, "user", "reinstate", "alice")
    page = chromium.new_context(base_url=hub.address).new_page()
    log_in(page, "alice")
    page.get_by_role("link", name="alice").click()
    page.get_by_role("link", name="What was done with this account").click()
    row = page.get_by_role("row", name="account let in again")
    expect(row.first).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save as CSV").click()
    table = saved.value.path().read_text()
    assert "user.suspended" in table
    assert WHY in table
    assert "user.created" in table
    page.context.close()
