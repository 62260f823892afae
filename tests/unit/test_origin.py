"""Where a source is: origins from host and port, and what is none."""

from __future__ import annotations

import pytest

from wattdeck.core.origin import normal_origin, origin_of


@pytest.mark.parametrize(
    ("host", "port", "tls", "origin"),
    [
        ("panel.lan", 80, False, "http://panel.lan"),
        ("PANEL.lan", 8080, False, "http://panel.lan:8080"),
        ("10.0.0.7", 443, True, "https://10.0.0.7"),
        ("fd00::7", 80, False, "http://[fd00::7]"),
        ("[fd00::7]", 8443, True, "https://[fd00::7]:8443"),
        ("::1", 80, False, "http://[::1]"),
    ],
)
def test_origins_bracket_ipv6_and_leave_default_ports_out(host: str, port: int, tls: bool, origin: str) -> None:
    assert origin_of(host, port, tls=tls) == origin


@pytest.mark.parametrize(
    "host", ["", "http://x", "x:80", "a b", "x/y", "u@x", "[x]", "fe80::1%eth0", "x\n", "x?y", "a%41"]
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"host name|zone"):
        origin_of(host, 80)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_what_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match="port"):
        origin_of("panel.lan", port)


@pytest.mark.parametrize("origin", ["panel.lan", "ftp://x", "http://u:sesame@x", "http://x/path", "http://"])
def test_what_is_no_origin_is_refused_without_showing_a_password(origin: str) -> None:
    with pytest.raises(ValueError, match=r"origin|https?") as caught:
        normal_origin(origin)
    assert "sesame" not in str(caught.value)
