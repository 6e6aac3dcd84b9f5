"""Where webhooks may go: the internet, and hosts that the lab has named."""

from ipaddress import ip_address

import pytest

from shothub.domain.addresses import BadTarget, Target, require_allowed, target_of

PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "10.0.0.1",
    "172.16.5.4",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::7f00:1",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
]
NEVER = [
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "fd00:ec2::254",
    "fe80::1",
    "::ffff:169.254.169.254",
    "64:ff9b::169.254.169.254",
    "2002:a9fe:a9fe::",
    "0.0.0.0",  # noqa: S104
    "::",
    "224.0.0.1",
    "239.255.255.250",
    "ff02::1",
]
PUBLIC = ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"]


@pytest.mark.parametrize("text", PRIVATE)
def test_a_private_address_is_for_named_hosts_only(text: str) -> None:
    with pytest.raises(BadTarget, match="private"):
        require_allowed(ip_address(text), trusted=False)
    require_allowed(ip_address(text), trusted=True)


@pytest.mark.parametrize("text", NEVER)
@pytest.mark.parametrize("trusted", [False, True])
def test_metadata_and_groups_of_hosts_are_never_sent_to(
    text: str, trusted: bool
) -> None:
    with pytest.raises(BadTarget):
        require_allowed(ip_address(text), trusted=trusted)


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_allowed(text: str) -> None:
    require_allowed(ip_address(text), trusted=False)


def read(url: str) -> Target:
    return target_of(url, trusted=["elog.lab", "localhost"])


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "ftp://example.org/hook",
        "https:///hook",
        "https://",
        "example.org/hook",
        "https://alice:secret@example.org/",
        "https://alice@example.org/",
        "https://example.org:22/",
        "https://example.org:99999/",
        "https://example.org:x/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://017700000001/",
        "https://1.2.3.0x4/",
        "https://127.0.0.1/",
        "https://127.0.0.1./",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
        "https://exa mple.org/",
        "https://example.org\\@localhost/",
        "https://example.org/\r\nX: y",
        "https://exämple.org/",
        "https://-bad.example.org/",
        "https://a..b/",
        "https://example.org/" + "x" * 500,
    ],
)
def test_a_bad_address_is_refused_with_its_reason(url: str) -> None:
    with pytest.raises(BadTarget, match=r"\w"):
        read(url)


def test_a_good_address_is_taken_apart() -> None:
    assert read("https://Example.ORG./hook?x=1#part") == Target(
        secure=True, host="example.org", port=443, path="/hook?x=1", trusted=False
    )
    assert read("https://example.org:8443").path == "/"
    assert read("https://93.184.216.34/").host == "93.184.216.34"
    assert read("https://[2606:2800:220:1::1]/").host == "2606:2800:220:1::1"


def test_named_hosts_do_without_https() -> None:
    assert read("http://elog.lab:8080/x") == Target(
        secure=False, host="elog.lab", port=8080, path="/x", trusted=True
    )
    with pytest.raises(BadTarget):
        read("http://other.lab:8080/x")
