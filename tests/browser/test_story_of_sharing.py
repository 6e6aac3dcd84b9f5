"""A group's owner takes somebody in, grants, and shares a job by a link, in a real browser."""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import admin

FORM = "/apparatus/sim/procedures/bec_tof"


def test_an_owner_takes_somebody_in_and_grants_to_the_group(
    alices_page: Page, data: Path
) -> None:
    admin(data, "group", "create", "atoms", "--title", "Cold atoms")
    admin(data, "group", "add", "atoms", "alice", "--owner")
    admin(data, "grant", "alice", "sim", "--admin")
    page = alices_page
    page.get_by_role("link", name="Groups").click()
    page.get_by_role("link", name="Cold atoms").click()
    page.get_by_label("User name").fill("robot")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("row", name="robot")).to_be_visible()

    page.goto("/apparatus/sim")
    page.get_by_role("link", name="Who may do what").click()
    page.get_by_label("or group").fill("atoms")
    page.get_by_label("submit through the relay").check()
    page.get_by_label("only these:").check()
    page.get_by_label("bec_tof").check()
    page.get_by_role("button", name="Grant").click()
    row = page.get_by_role("row", name="atoms")
    expect(row).to_contain_text("relay")
    expect(row).to_contain_text("bec_tof")


def test_a_job_is_read_by_a_link_until_it_is_taken_back(
    alices_page: Page, chromium: Browser
) -> None:
    page = alices_page
    page.goto(FORM)
    page.get_by_label("Name").fill("to be shown around")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="to be shown around")).to_be_visible()
    job = page.url
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#link").inner_text().strip()

    stranger = chromium.new_context().new_page()
    stranger.goto(link)
    expect(stranger.get_by_role("heading", name="to be shown around")).to_be_visible()
    expect(stranger.get_by_role("link", name="My jobs")).to_have_count(0)

    page.goto(job)
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("Nobody but you reads this job")).to_be_visible()
    stranger.reload()
    expect(stranger.get_by_role("heading", name="Not found")).to_be_visible()
    stranger.context.close()
