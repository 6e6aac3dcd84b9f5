"""What users do with the calendar, in a real browser of another zone than the hub's."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import OPENING, PASSWORD, RunningHub, call
from tests.integration.server.scripted_agent import DESCRIPTION

PAGE = "/apparatus/sim/calendar"
POLICY = {"reservations": {"hours_per_week": 20.0}}


@pytest.fixture
def in_tokyo(chromium: Browser, hub: RunningHub) -> Iterator[Page]:
    """Alice's page on a phone in Tokyo, where no clock ever changes."""
    described = DESCRIPTION | POLICY
    call(hub, "/agent/sessions", OPENING | {"description": described})
    context = chromium.new_context(
        base_url=hub.address,
        timezone_id="Asia/Tokyo",
        viewport={"width": 390, "height": 844},
    )
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    yield page
    context.close()


def test_a_user_books_in_his_own_time_and_gives_it_up(in_tokyo: Page) -> None:
    page = in_tokyo
    page.goto("/apparatus/sim")
    page.get_by_role("link", name="Calendar", exact=True).click()
    expect(page.get_by_text("Asia/Tokyo")).to_be_visible()

    # At ten of his day, as what passes midnight is two slots.
    in_two_days = datetime.now(UTC) + timedelta(days=2, hours=9)
    starts = in_two_days.replace(hour=10, minute=30)
    page.get_by_label("From").fill(f"{starts:%Y-%m-%dT%H:%M}")
    page.get_by_label("To", exact=True).fill(
        f"{starts + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    )
    page.get_by_label("What for").fill("Rabi oscillations")
    page.get_by_role("button", name="Book").click()
    row = page.locator("tbody tr", has_text="Rabi oscillations")
    expect(row).to_contain_text(f"{starts:%H:%M} –")
    expect(page.locator("svg.slot.mine")).to_have_count(1)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390

    page.get_by_label("From").fill(f"{starts:%Y-%m-%dT%H:%M}")
    page.get_by_label("To", exact=True).fill(
        f"{starts + timedelta(hours=2):%Y-%m-%dT%H:%M}"
    )
    page.get_by_role("button", name="Book").click()
    expect(page.get_by_role("alert")).to_contain_text("it is reserved for alice")

    page.goto(f"{PAGE}?week={starts:%G-W%V}")
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_have_count(0)
