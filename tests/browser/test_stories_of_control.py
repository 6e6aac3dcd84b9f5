"""What users do with jobs that wait, in a real browser: the queue, holds, decisions."""

from typing import Any

from playwright.sync_api import Page, expect
from tests.browser.conftest import OPENING, RunningHub, call

FORM = "/apparatus/sim/procedures/bec_tof"


def compile_next(hub: RunningHub, epoch: int) -> None:
    asked = {"epoch": epoch, "wait": 0, "capacity": {"compile": 1}}
    [task] = call(hub, "/agent/poll", asked)["compile"]
    shots = [{"index": 0, "globals": {"tof": 0.01}, "duration": 1.0}]
    compiled = {"epoch": epoch, "shots": shots}
    call(hub, f"/agent/jobs/{task['job']}/compiled", compiled)


def lease(hub: RunningHub, epoch: int) -> Any:
    asked = {"epoch": epoch, "wait": 0, "capacity": {"shots": 1}}
    asked |= {"status": {"blacs": "idle"}}
    return call(hub, "/agent/poll", asked)["shots"]


def test_a_user_holds_a_job_sees_the_queue_and_decides_about_a_shot(
    alices_page: Page, hub: RunningHub
) -> None:
    page = alices_page
    epoch = call(hub, "/agent/sessions", OPENING)["epoch"]
    page.goto(FORM)
    page.get_by_label("Name").fill("to be held")
    page.get_by_label("Priority").fill("100")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="to be held")).to_be_visible()
    compile_next(hub, epoch)
    lease(
        hub, epoch
    )  # tells that BLACS is idle; what is leased returns when it is held
    address = page.url

    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_text("holds it back")).to_be_visible()
    page.get_by_role("button", name="Release").click()
    expect(page.locator("#live")).to_contain_text("Foreseen to start about")

    page.goto("/apparatus/sim")
    queue = page.locator("#queue")
    expect(queue.locator("strong").first).to_contain_text("next")
    expect(queue.get_by_role("row", name="yours").first).to_be_visible()

    [shot] = lease(hub, epoch)
    begun = {"epoch": epoch, "fence": shot["fence"]}
    attempt = call(hub, f"/agent/shots/{shot['shot']}/start", begun)["attempt"]
    lost = {"epoch": epoch, "outcome": "unknown", "reason": "BLACS is gone"}
    call(hub, f"/agent/attempts/{attempt}/finish", lost)
    page.goto(address)
    expect(page.locator("#unknown")).to_contain_text("BLACS is gone")
    page.get_by_role("button", name="Run shot 0 again").click()
    expect(page.locator("#unknown")).to_have_count(0)
    expect(page.locator("#live .chip").first).to_have_text("queued")
    page.get_by_role("button", name="Cancel job").click()
    expect(page.get_by_text("It was cancelled.")).to_be_visible()
