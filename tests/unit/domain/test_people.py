"""Who may sign up, who enters at once, and under which key."""

import random
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shothub.domain.names import is_slug
from shothub.domain.people import (
    SignUp,
    enters_at_once,
    is_in_domain,
    keys_for,
    make_code,
    may_sign_up,
    plain_code,
)

DOMAINS = ["lab.example.org", "*.uni.example"]


@pytest.mark.parametrize(
    ("mode", "email", "invited", "signs_up", "enters"),
    [
        ("closed", "a@lab.example.org", False, False, False),
        ("closed", "a@lab.example.org", True, False, True),
        ("invited", "a@lab.example.org", False, False, False),
        ("invited", "a@else.example", True, True, True),
        ("domain", "a@lab.example.org", False, True, True),
        ("domain", "a@else.example", False, False, False),
        ("domain", "a@else.example", True, True, True),
        ("approval", "a@lab.example.org", False, True, False),
        ("approval", "a@else.example", True, True, True),
        ("open", "a@else.example", False, True, True),
    ],
)
def test_who_signs_up_and_who_enters(
    mode: str, email: str, invited: bool, signs_up: bool, enters: bool
) -> None:
    asked = {"email": email, "domains": DOMAINS, "invited": invited}
    assert may_sign_up(SignUp(mode), **asked) is signs_up  # type: ignore[arg-type]
    assert enters_at_once(SignUp(mode), **asked) is enters  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("email", "inside"),
    [
        ("a@lab.example.org", True),
        ("a@LAB.Example.org", True),
        ("a@evil-lab.example.org", False),
        ("a@lab.example.org.evil.example", False),
        ("a@below.lab.example.org", False),
        ("a@stud.uni.example", True),
        ("a@uni.example", False),
        ("a@eviluni.example", False),
        ("lab.example.org@evil.example", False),
        ("nobody", False),
        ("", False),
    ],
)
def test_only_addresses_of_the_domain_are_in_it(email: str, inside: bool) -> None:
    assert is_in_domain(email, DOMAINS) is inside


@given(st.text(max_size=150))
def test_every_name_gets_keys_that_may_name_folders(username: str) -> None:
    keys = list(islice(keys_for(username), 12))
    assert all(is_slug(key) for key in keys)
    assert len(set(keys)) == 12


@pytest.mark.parametrize(
    ("username", "key"),
    [("alice", "alice"), ("Bob.Smith", "bob-smith"), ("9lives", "u-9lives"), ("", "u")],
)
def test_a_key_resembles_the_name(username: str, key: str) -> None:
    assert next(keys_for(username)) == key


def test_a_code_is_read_however_it_is_typed() -> None:
    code = make_code(random.Random(1).choice)
    assert plain_code(code) == code
    assert plain_code(f"  {code.upper().replace('-', ' ')}\n") == code


@given(st.text(max_size=60))
def test_what_is_no_code_is_told(typed: str) -> None:
    found = plain_code(typed)
    assert found == "" or len(found) == 23
