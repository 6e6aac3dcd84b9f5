"""The agent's page: for admins of the apparatus alone, and only with a fresh proof."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Caller
from tests.integration.web.conftest import prove

Browser = Callable[[str], Client]
PAGE = "/apparatus/sim/agent"


@pytest.fixture
def admin(cast: Cast, browser: Browser) -> Client:
    cast.users["olga"].grants.update(admin=True)
    return browser("olga")


def code_on(page: str) -> str:
    found = re.search(r"shb_enr_\w+", page)
    assert found is not None
    return found[0]


def enrolled(admin: Client) -> str:
    code = code_on(admin.post(PAGE).content.decode())
    return str(Caller()("POST", "/agent/enrol", {"code": code}).ok()["token"])


def test_an_admin_makes_a_code_that_enrols_an_agent(admin: Client) -> None:
    token = enrolled(admin)
    assert Caller(token)("GET", "/agent/token").status == 200
    page = admin.get(PAGE).content.decode()
    assert token.split("_")[2] in page
    assert "shb_" not in page


def test_the_page_with_the_code_is_kept_by_no_cache(admin: Client) -> None:
    assert "no-store" in admin.post(PAGE).headers["Cache-Control"]


@pytest.mark.parametrize("who", ["alice", "bob", "olga"])
def test_nobody_else_opens_the_page(cast: Cast, browser: Browser, who: str) -> None:
    client = browser(who)
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE).status_code == 403
    links = client.get("/apparatus/sim").content.decode()
    assert PAGE not in links


def test_the_apparatus_leads_its_admins_there(admin: Client) -> None:
    assert PAGE in admin.get("/apparatus/sim").content.decode()
    assert admin.get("/apparatus/other/agent").status_code == 403


def test_an_old_proof_makes_no_code_and_revokes_nothing(admin: Client) -> None:
    token = enrolled(admin)
    prove(admin, ago=3600.0)
    for address in (PAGE, f"{PAGE}/{token.split('_')[2]}/revoke"):
        answer = admin.post(address)
        assert answer.status_code in {302, 403}
        assert "shb_enr_" not in answer.content.decode()
    assert Caller(token)("GET", "/agent/token").status == 200


def test_a_revoked_agent_is_out_at_once(admin: Client) -> None:
    token = enrolled(admin)
    admin.post(f"{PAGE}/{token.split('_')[2]}/revoke")
    assert Caller(token)("GET", "/agent/token").status == 401
    assert "revoked" in admin.get(PAGE).content.decode()


def test_no_other_token_is_revoked_there(cast: Cast, admin: Client) -> None:
    users = cast.alice("GET", "/tokens").ok()[0]["id"]
    assert admin.post(f"{PAGE}/{users}/revoke").status_code == 404
    assert cast.alice("GET", "/me").status == 200
