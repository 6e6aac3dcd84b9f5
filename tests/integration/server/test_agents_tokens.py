"""Tokens of agents: enrolled once, rotated by themselves, dead at once when revoked."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.integration.server.hub_cast import Cast
from tests.integration.server.scripted_agent import Caller, ScriptedAgent

from shothub.runtime import clock
from shothub.server.accounts import agents
from shothub.server.accounts.models import Code, Token
from shothub.server.accounts.queries import principal_of_session
from shothub.server.accounts.services import authenticate, mint_token
from shothub.server.apparatus.credentials import agent_code, agent_code_of_the_hub
from shothub.server.apparatus.queries import NoSuchApparatus
from shothub.server.audit.models import Entry
from shothub.server.refusals import Conflict, Forbidden, Invalid, Unauthorized


def code(minutes: float = 10) -> str:
    return agent_code_of_the_hub("sim", minutes=minutes, now=clock.now()).code


def enrolled(cast: Cast) -> str:
    made = cast.stranger("POST", "/agent/enrol", {"code": code()}).ok()
    return str(made["token"])


def test_an_agent_enrols_by_a_code_and_works(cast: Cast) -> None:
    agent = ScriptedAgent(Caller(enrolled(cast)))
    agent.open()
    assert agent.call("GET", "/me").ok()["scopes"] == ["agent:run"]


def test_it_is_bound_to_its_apparatus_and_lives_thirty_days(cast: Cast) -> None:
    enrolled(cast)
    token = Token.objects.latest("id")
    assert (token.kind, token.apparatus) == ("agt", "sim")
    assert token.expires - token.created == timedelta(days=30)
    other = {"apparatus": "other", "agent_version": "1", "description": {}}
    raw = enrolled(cast)
    answer = Caller(raw)("POST", "/agent/sessions", other)
    assert (answer.status, answer.body["code"]) == (403, "wrong_apparatus")


def test_a_code_is_good_once(cast: Cast) -> None:
    once = {"code": code()}
    assert cast.stranger("POST", "/agent/enrol", once).status == 201
    answer = cast.stranger("POST", "/agent/enrol", once)
    assert (answer.status, answer.body["code"]) == (401, "bad_code")


def test_a_code_is_good_for_ten_minutes(cast: Cast) -> None:
    raw = code()
    later = clock.now() + timedelta(minutes=11)
    with pytest.raises(Unauthorized, match="expired"):
        agents.enrol(raw, now=later)
    assert agents.enrol(raw, now=clock.now())  # the control: in time it is good


@pytest.mark.parametrize("raw", ["", "shb_enr_x", "shb_pat_" + "a" * 60, "²"])
def test_what_is_no_code_enrols_nobody(cast: Cast, raw: str) -> None:
    answer = cast.stranger("POST", "/agent/enrol", {"code": raw})
    assert (answer.status, answer.body["code"]) == (401, "bad_code")


def test_a_code_is_for_an_apparatus_that_there_is(cast: Cast) -> None:
    with pytest.raises(NoSuchApparatus):
        agent_code_of_the_hub("nowhere", minutes=10, now=clock.now())
    with pytest.raises(Invalid):
        code(minutes=0)


def test_only_an_admin_of_the_apparatus_makes_a_code(cast: Cast) -> None:
    answer = cast.olga("POST", "/apparatus/sim/agent-code")
    assert (answer.status, answer.body["code"]) == (403, "admin_not_granted")
    cast.users["olga"].grants.update(admin=True)
    person = replace(principal_of_session(cast.users["olga"]), proved=clock.now())
    made = agent_code(person, "sim", now=clock.now())
    assert cast.stranger("POST", "/agent/enrol", {"code": made.code}).status == 201
    with pytest.raises(Forbidden):
        agent_code(person, "other", now=clock.now())


def test_no_token_makes_a_code_which_is_more_than_it_has(cast: Cast) -> None:
    cast.users["olga"].grants.update(admin=True)
    answer = cast.olga("POST", "/apparatus/sim/agent-code")
    assert (answer.status, answer.body["code"]) == (403, "not_by_token")
    assert not Code.objects.exists()


def test_the_database_holds_no_code(cast: Cast) -> None:
    secret = code().split("_")[3]
    row = Code.objects.get()
    assert all(secret not in str(value) for value in vars(row).values())


def test_a_rotated_token_works_on_for_a_day(cast: Cast) -> None:
    old, now = enrolled(cast), clock.now()
    new = Caller(old)("POST", "/agent/token").ok()["token"]
    assert Caller(old)("GET", "/agent/token").status == 200
    assert Caller(new)("GET", "/agent/token").status == 200
    with pytest.raises(Unauthorized):
        authenticate(old, now=now + timedelta(hours=25))
    assert authenticate(new, now=now + timedelta(days=29)).apparatus == "sim"


def test_an_agent_that_lost_the_answer_asks_again(cast: Cast) -> None:
    old = Caller(enrolled(cast))
    lost = old("POST", "/agent/token").ok()["token"]
    found = old("POST", "/agent/token").ok()["token"]
    assert Caller(lost)("GET", "/agent/token").status == 401
    assert Caller(found)("GET", "/agent/token").status == 200
    kept = Token.objects.get(ident=found.split("_")[2])
    assert kept.expires - kept.created == timedelta(days=30)


def test_a_token_is_not_rotated_again_once_the_new_one_is_in_use(cast: Cast) -> None:
    old = Caller(enrolled(cast))
    new = Caller(old("POST", "/agent/token").ok()["token"])
    new("GET", "/agent/token").ok()
    answer = old("POST", "/agent/token")
    assert (answer.status, answer.body["code"]) == (409, "already_rotated")
    assert new("POST", "/agent/token").status == 201


@pytest.mark.parametrize("which", [0, 1, 2])
def test_revoking_one_of_a_line_of_tokens_ends_them_all(cast: Cast, which: int) -> None:
    line = [enrolled(cast)]
    for _ in range(2):
        line.append(Caller(line[-1])("POST", "/agent/token").ok()["token"])
    agents.revoke_any(line[which].split("_")[2], now=clock.now())
    assert [Caller(raw)("GET", "/agent/token").status for raw in line] == [401] * 3
    assert cast.agent.call("GET", "/agent/token").status == 200  # another line


def test_a_revoked_token_is_not_rotated(cast: Cast) -> None:
    raw = enrolled(cast)
    principal = authenticate(raw, now=clock.now())
    agents.revoke_any(raw.split("_")[2], now=clock.now())
    with pytest.raises(Unauthorized):
        agents.rotate(principal, now=clock.now())


def test_a_users_token_is_not_rotated(cast: Cast) -> None:
    assert cast.alice("POST", "/agent/token").status == 403


def test_rotation_keeps_the_life_that_the_token_was_made_with(cast: Cast) -> None:
    now = clock.now()
    raw = mint_token(user=cast.users["robot"], now=now, apparatus="sim", days=7)
    principal = authenticate(raw, now=now)
    later = now + timedelta(days=5)
    made = agents.rotate(principal, now=later)
    assert made.expires == later + timedelta(days=7)
    principal = authenticate(made.token, now=later)
    with pytest.raises(Conflict):
        agents.rotate(authenticate(raw, now=later), now=later)


def test_what_is_done_with_agents_tokens_is_on_the_record(cast: Cast) -> None:
    raw = enrolled(cast)
    Caller(raw)("POST", "/agent/token").ok()
    agents.revoke_any(raw.split("_")[2], now=clock.now())
    acts = [*Entry.objects.values_list("what", flat=True)]
    for act in ("code_made", "enrolled"):
        assert f"agent.{act}" in acts
    assert "token.rotated" in acts
    assert acts.count("token.revoked") == 2


def test_the_hub_lists_the_agents_tokens_without_secrets(cast: Cast) -> None:
    raw = enrolled(cast)
    [first, *_] = agents.agents_tokens("sim")
    assert first.id == raw.split("_")[2]
    assert raw.split("_")[3] not in first.model_dump_json()
    assert agents.agents_tokens("other") == []


Configured = Callable[..., None]


def test_no_agents_token_outlives_what_the_hub_allows(
    cast: Cast, configured: Configured
) -> None:
    configured(max_token_days=3)
    enrolled(cast)
    token = Token.objects.latest("id")
    assert token.expires - token.created == timedelta(days=3)
