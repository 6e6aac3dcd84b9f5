"""A user adds a passkey, and then gets in with it, without his password."""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import PASSWORD, RunningHub, admin

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def authenticator(page: Page) -> None:
    """Give the browser a device that always says yes."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})


def at_its_name(hub: RunningHub) -> str:
    """Return the hub's address by name: passkeys are made for names, not for numbers."""
    return hub.address.replace("127.0.0.1", "localhost")


def log_in(page: Page, hub: RunningHub, name: str) -> None:
    page.goto(f"{at_its_name(hub)}/login")
    page.get_by_label("Name or e-mail").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def add_a_key(page: Page, *, passwordless: bool) -> None:
    page.get_by_title("your account").click()
    page.get_by_role("link", name="Add one").click()
    page.get_by_role("link", name="Add a key").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Name").fill("my laptop")
    page.get_by_label("A passkey").set_checked(passwordless)
    page.get_by_role("button", name="Add the key").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()


def test_a_passkey_logs_in_without_a_password(
    page: Page, hub: RunningHub, data: Path
) -> None:
    admin(data, "user", "create", "petra", "--password", PASSWORD)
    authenticator(page)
    log_in(page, hub, "petra")
    add_a_key(page, passwordless=True)
    page.get_by_role("button", name="Log out").click()

    page.get_by_role("button", name="With a passkey").click()
    expect(page.get_by_title("your account")).to_have_text("petra")


def test_a_device_without_the_passkey_gets_nobody_in(
    chromium: Browser, hub: RunningHub
) -> None:
    page = chromium.new_page()
    authenticator(page)
    page.goto(f"{at_its_name(hub)}/login")
    with page.expect_event("console", lambda said: "NotAllowed" in said.text):
        page.get_by_role("button", name="With a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was confirmed")
    page.goto(f"{at_its_name(hub)}/submit")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.close()


def test_a_hub_opened_by_a_number_says_why_no_passkey_works(
    chromium: Browser, hub: RunningHub
) -> None:
    page = chromium.new_page()
    authenticator(page)
    page.goto(f"{hub.address}/login")
    page.get_by_role("button", name="With a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("opened by its name and HTTPS")
    page.close()


def test_a_security_key_is_a_second_factor(
    page: Page, hub: RunningHub, data: Path
) -> None:
    admin(data, "user", "create", "paul", "--password", PASSWORD)
    authenticator(page)
    log_in(page, hub, "paul")
    add_a_key(page, passwordless=False)
    page.get_by_role("button", name="Log out").click()

    log_in(page, hub, "paul")
    asked = page.get_by_role("heading", name="Your second factor")
    expect(asked).to_be_visible()
    page.goto(f"{at_its_name(hub)}/submit")
    expect(asked).to_be_visible()
    page.get_by_role("button", name="With a security key").click()
    expect(page.get_by_title("your account")).to_have_text("paul")


def test_a_key_proves_for_a_dangerous_act_that_it_is_still_the_same_user(
    page: Page, hub: RunningHub, data: Path
) -> None:
    admin(data, "user", "create", "pia", "--password", PASSWORD)
    authenticator(page)
    log_in(page, hub, "pia")
    add_a_key(page, passwordless=True)
    page.get_by_role("button", name="Log out").click()
    log_in(page, hub, "pia")
    page.get_by_role("button", name="With a security key").click()
    expect(page.get_by_title("your account")).to_have_text("pia")

    page.goto(f"{at_its_name(hub)}/account/second-factor/codes/make")
    expect(page.get_by_role("heading", name="Prove that it is you")).to_be_visible()
    page.get_by_role("link", name="Use a security key").click()
    page.get_by_role("button", name="With your key").click()
    expect(page.get_by_role("heading", name="New recovery codes?")).to_be_visible()
    page.goto(f"{at_its_name(hub)}/record")
    proofs = page.get_by_role("row", name="proved again who it is")
    expect(proofs.filter(has_text="method: mfa")).to_have_count(1)
