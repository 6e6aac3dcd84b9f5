"""What users do with the pages, in a real browser."""

import re

from playwright.sync_api import Page, expect
from tests.browser.conftest import OPENING, RunningHub, call

FORM = "/apparatus/sim/procedures/bec_tof"


def menu(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()


def test_a_user_logs_in_scans_a_procedure_and_sees_it_queued(
    alices_page: Page, hub: RunningHub
) -> None:
    page = alices_page
    expect(page.get_by_role("heading", name="Your first job")).to_be_visible()
    menu(page, "Submit")
    page.get_by_role("link", name="Expansion of a condensate").click()
    expect(page.get_by_text("1 shot", exact=True)).to_be_visible()

    page.locator(".global", has_text="tof").get_by_label("Scan").check()
    page.locator("[name='g.tof.from']").fill("0.005")
    page.locator("[name='g.tof.to']").fill("0.025")
    page.locator("[name='g.tof.points']").fill("7")
    expect(page.get_by_text("7 shots", exact=True)).to_be_visible()

    page.get_by_label("Name").fill("my scan")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="my scan")).to_be_visible()
    expect(page.locator("#live .chip").first).to_have_text("submitted")

    # The page follows by itself what the agent does.
    epoch = call(hub, "/agent/sessions", OPENING)["epoch"]
    asked = {"epoch": epoch, "wait": 0, "capacity": {"compile": 1}}
    [task] = call(hub, "/agent/poll", asked)["compile"]
    shots = [{"index": i, "globals": {"tof": i}, "duration": 1.0} for i in range(7)]
    compiled = {"epoch": epoch, "shots": shots}
    call(hub, f"/agent/jobs/{task['job']}/compiled", compiled)
    expect(page.locator("#live .chip").first).to_have_text("queued")
    expect(page.locator("#shots tbody tr")).to_have_count(7)

    menu(page, "My jobs")
    expect(page.get_by_role("link", name="my scan")).to_be_visible()


def test_a_value_out_of_range_is_told_while_it_is_typed(alices_page: Page) -> None:
    alices_page.goto(FORM)
    alices_page.locator("[name='g.tof']").fill("5")
    expect(alices_page.locator("#count")).to_contain_text("above the maximum")


def test_a_user_makes_a_token_and_revokes_it(alices_page: Page) -> None:
    page = alices_page
    menu(page, "Tokens")
    page.get_by_label("Name").fill("laptop")
    page.get_by_role("button", name="Make token").click()
    expect(page.locator("#secret")).to_have_text(re.compile(r"shb_pat_\w+"))
    expect(page.locator("#login-command")).to_contain_text("shothub login --url http")
    menu(page, "Tokens")
    expect(page.locator("#secret")).to_have_count(0)
    page.get_by_role("button", name="Revoke laptop").click()
    expect(page.get_by_text("revoked", exact=True)).to_be_visible()


def test_times_are_shown_as_local_times(alices_page: Page) -> None:
    alices_page.goto("/tokens")
    alices_page.goto("/apparatus/sim")
    shown = alices_page.locator("time").first
    expect(shown).not_to_contain_text("UTC")
    expect(shown).to_have_attribute("title", re.compile(r"Z$"))


def test_a_user_logs_out(alices_page: Page) -> None:
    alices_page.get_by_role("button", name="Log out").click()
    expect(alices_page.get_by_role("heading", name="Log in")).to_be_visible()
    alices_page.goto("/tokens")
    expect(alices_page.get_by_text("Log in to see that page.")).to_be_visible()


def test_no_page_is_wider_than_a_phone(alices_page: Page) -> None:
    page = alices_page
    page.set_viewport_size({"width": 390, "height": 800})
    for address in ("/", "/submit", FORM, "/apparatus", "/apparatus/sim", "/tokens"):
        page.goto(address)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, address
