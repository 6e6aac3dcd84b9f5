"""Profiles of the labscript suite, and the labconfig with the plugin in it."""

import configparser
import socket
from pathlib import Path

from shothub.suite.install import with_plugin, without_plugin
from shothub.suite.profile import (
    PORTS,
    labconfig_file,
    make_profile,
    refresh_ports,
    suite_environment,
)

LABCONFIG = """\
[DEFAULT]
; the lab's own words
apparatus_name = bec

[BLACS/plugins]
connection_table = True

[security]
allow_insecure = False
"""


def make(home: Path, name: str = "bec") -> configparser.ConfigParser:
    make_profile(
        home,
        apparatus_name=name,
        connection_table=home / "lab" / "connection_table.py",
        shots=home / "100% shots",
        user_devices=["shothub.sim.devices"],
    )
    return read(home)


def read(home: Path) -> configparser.ConfigParser:
    config = configparser.ConfigParser()
    assert config.read(labconfig_file(home))
    return config


def test_it_speaks_to_this_machine_alone(tmp_path: Path) -> None:
    config = make(tmp_path)
    assert config["security"]["allow_insecure"] == "False"
    assert "shared_secret" not in config["security"]
    assert config["DEFAULT"]["user_devices"] == "user_devices,shothub.sim.devices"
    assert config["DEFAULT"]["experiment_shot_storage"].endswith("100% shots")


def test_two_profiles_share_no_port(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one"), make(tmp_path / "two")
    ports = [config["ports"][name] for config in (one, two) for name in PORTS]
    assert len(set(ports)) == len(ports)


def test_it_keeps_its_ports_until_somebody_takes_one(tmp_path: Path) -> None:
    first = make(tmp_path)
    assert dict(make(tmp_path)["ports"]) == dict(first["ports"])
    with socket.socket() as other:
        other.bind(("", int(first["ports"]["BLACS"])))
        refresh_ports(labconfig_file(tmp_path))
    assert read(tmp_path)["ports"]["BLACS"] != first["ports"]["BLACS"]


def test_the_suite_learns_no_token_and_no_proxy(tmp_path: Path) -> None:
    base = {"SHOTHUB_TOKEN": "x", "https_proxy": "x", "PATH": "/bin", "HOME": "/h"}
    own = suite_environment(tmp_path, base=base, offscreen=True)
    assert own["HOME"] == str(tmp_path)
    assert own["LOGNAME"] == "/"
    assert own["QT_QPA_PLATFORM"] == "offscreen"
    assert suite_environment(None, base=base) == {"PATH": "/bin", "HOME": "/h"}
    assert not {"SHOTHUB_TOKEN", "https_proxy"} & set(own)


def test_a_labconfig_gets_the_plugin_and_loses_it_again() -> None:
    text = with_plugin(LABCONFIG, Path("/lab/100% state"))
    config = configparser.ConfigParser()
    config.read_string(text)
    assert config["BLACS/plugins"].getboolean("shothub")
    assert config["shothub"]["state"] == "/lab/100% state"
    assert "; the lab's own words" in text
    assert with_plugin(text, Path("/lab/100% state")) == text
    assert without_plugin(text).split() == LABCONFIG.split()
