import pytest
from starlette.requests import Request

from patternalarm.api.access.caller import is_from_another_site, is_local

HERE = "127.0.0.1:18000"


def request(peer: str = "127.0.0.1", **headers: str) -> Request:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "client": (peer, 50_000), "headers": named})


@pytest.mark.parametrize(
    ("peer", "host", "local"),
    [
        ("127.0.0.1", HERE, True),
        ("127.0.0.1", "localhost:18000", True),
        ("127.0.0.1", "LOCALHOST", True),
        ("::1", "[::1]:18000", True),
        ("127.8.9.1", "127.8.9.1", True),
        # A name of somebody else's that resolves to this machine.
        ("127.0.0.1", "rebound.example:18000", False),
        ("127.0.0.1", "127.0.0.1.evil.example", False),
        ("127.0.0.1", "localhost.evil.example", False),
        ("127.0.0.1", "evil.example@127.0.0.1.evil.example", False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "[::1", False),
        ("10.0.0.7", HERE, False),
        ("172.17.0.1", HERE, False),
        ("::ffff:10.0.0.7", HERE, False),
    ],
)
def test_local_is_who_calls_the_loopback_from_it(peer, host, local):
    assert is_local(request(peer, host=host)) is local


@pytest.mark.parametrize("header", ["forwarded", "via", "x_forwarded_for", "x_forwarded_host", "x_real_ip"])
def test_what_a_proxy_of_this_machine_passes_on_is_not_local(header):
    assert not is_local(request(host=HERE, **{header: "10.0.0.7"}))


@pytest.mark.parametrize(
    ("headers", "another"),
    [
        ({}, False),
        ({"origin": f"http://{HERE}"}, False),
        ({"origin": f"http://{HERE}", "sec_fetch_site": "same-origin"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"origin": "http://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": ""}, True),
        ({"origin": "http://[x"}, True),
        ({"origin": "http://127.0.0.1:8088"}, True),
        ({"origin": f"http://{HERE}.evil.example"}, True),
        ({"sec_fetch_site": "cross-site"}, True),
        ({"sec_fetch_site": "Cross-Site"}, True),
        ({"origin": f"http://{HERE}", "sec_fetch_site": "cross-site"}, True),
    ],
)
def test_another_site_is_told_by_what_browsers_say(headers, another):
    assert is_from_another_site(request(host=HERE, **headers)) is another
