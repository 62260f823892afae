"""Registering at the simulated panel, in each protocol it speaks: the same command finds out which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes import ManualClock
from span_panel import BROKER_PASSWORD, PASSPHRASE, authority, own_logging, pem
from wattdeck.cli import run as run_command_line
from wattdeck.core.asgi import SimulatedTransport
from wattdeck.core.http import HttpClients
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span import registering
from wattdeck.systems.span.ebus import credentials as kept
from wattdeck.systems.span.ebus import mqtt, tls
from wattdeck.systems.span.ebus.credentials import Privilege
from wattdeck.systems.span.simulated.identity import BrokerAddress
from wattdeck.systems.span.simulator import SpanSimulator

CA_PEM = pem(authority())
PRINT = tls.fingerprint(CA_PEM)


class Place:
    """A simulated panel at the configured address."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch, api: str, fault: str = "") -> None:
        options = SimulatorOptions(api=api, faults={fault: None} if fault else {})
        self.simulator = SpanSimulator(options)
        if self.simulator.panel is not None and self.simulator.broker is not None:
            self.simulator.panel.address = BrokerAddress("192.0.2.7", 8883, 9001, 9002, CA_PEM)
            patch.setattr(mqtt, "connector", self.simulator.broker.connector)
        transport = SimulatedTransport(self.simulator.app)
        mounts = {"http://192.0.2.7": transport, "https://192.0.2.7": transport}
        patch.setattr(registering, "HttpClients", lambda: HttpClients(mounts=mounts, only_mounted=True))
        patch.setattr(registering, "SYSTEM_CLOCK", ManualClock())
        config = home.parent / "config" / "wattdeck" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text('[[span]]\nname = "home"\nhost = "192.0.2.7"\n')
        config.chmod(0o600)
        self.secret = home.parent / "passphrase"
        self.secret.write_text(PASSPHRASE)
        self.state = home / "wattdeck"

    def credentials(self) -> kept.Credentials | None:
        return kept.find(self.state, "192.0.2.7")


MakePlace = Callable[..., Place]


@pytest.fixture
def place(deck_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakePlace]:
    with own_logging():
        yield lambda *arguments: Place(deck_home, monkeypatch, *arguments)


@pytest.mark.parametrize("api", ["flat", "tree"])
def test_by_passphrase(place: MakePlace, api: str, capsys: pytest.CaptureFixture[str]) -> None:
    panel = place(api)
    code = run_command_line(["span", "register", "--passphrase-file", str(panel.secret), "--fingerprint", PRINT])
    made = panel.credentials()
    assert code == 0 and made is not None, capsys.readouterr().err
    assert (made.privilege, made.data_model, made.broker_password) == (Privilege.FULL, api, BROKER_PASSWORD)
    assert list(panel.simulator.registry.clients) == [made.client_name]


@pytest.mark.parametrize("api", ["flat", "tree"])
def test_at_the_door_and_on_to_a_full_token(place: MakePlace, api: str, capsys: pytest.CaptureFixture[str]) -> None:
    panel = place(api)
    for _ in range(3):
        panel.simulator.press_door()
    code = run_command_line(["span", "register", "--door", "--fingerprint", PRINT, "--full"])
    made = panel.credentials()
    assert code == 0 and made is not None, capsys.readouterr().err
    assert made.privilege is Privilege.FULL and list(panel.simulator.registry.clients) == [made.client_name]


def test_a_panel_that_hides_its_passwords(place: MakePlace, capsys: pytest.CaptureFixture[str]) -> None:
    panel = place("tree", "null-passwords")
    code = run_command_line(["span", "register", "--passphrase-file", str(panel.secret), "--fingerprint", PRINT])
    words = capsys.readouterr().err
    assert code == 1 and "its broker does not take the passphrase" in words and PASSPHRASE not in words


def test_a_v1_panel_is_found_out_and_registered_at_as_ever(place: MakePlace) -> None:
    panel = place("v1")
    for _ in range(3):
        panel.simulator.press_door()
    assert run_command_line(["span", "register"]) == 0
    assert (panel.state / "tokens" / "span" / "home").exists() and panel.credentials() is None
