"""The platform listens on this machine alone, or does not start."""

import argparse

import pytest
from infra.local import doctor, exposure
from infra.local import platform as local_platform
from infra.local.exposure import why_exposed
from infra.local.platform import UsageError


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_this_machine_is_fine(host):
    assert why_exposed(host) == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "10.0.0.1", "no-such-host.invalid", "", "a b"])
def test_everything_else_is_refused_with_the_remedy(host):
    why = why_exposed(host)
    assert why.startswith(f"{exposure.BIND_SETTING}={host} is not this machine alone")
    assert "set it to 127.0.0.1" in why


def test_the_doctor_refuses_it(monkeypatch):
    def host_check():
        (check,) = (check for check in doctor.checks() if check.name == "host")
        return check

    monkeypatch.delenv(exposure.BIND_SETTING, raising=False)
    assert host_check().found() == "127.0.0.1"
    monkeypatch.setenv(exposure.BIND_SETTING, "0.0.0.0")
    assert host_check().found() == ""
    assert "ask for no password" in host_check().wrong
    assert host_check().remedy.startswith("Leave")


@pytest.mark.parametrize("action", ["up", "status"])
def test_neither_up_nor_status_goes_on(monkeypatch, configuration, action):
    exposed = configuration(bind_host="192.168.1.7")
    monkeypatch.setattr(local_platform, "load_configuration", lambda: exposed)
    with pytest.raises(UsageError, match=r"192\.168\.1\.7 is not this machine alone"):
        local_platform.run(argparse.Namespace(action=action))
