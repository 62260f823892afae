"""Registering at a v2 panel from the shell: fingerprint, passphrase or door, what is stored and what never shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from fakes import ManualClock
from span_panel import (
    BROKER_PASSWORD,
    FIRMWARE,
    NAME_EXISTS,
    PASSPHRASE,
    SERIAL,
    ScriptedPanel,
    authority,
    own_logging,
    pem,
    registration,
)
from wattdeck.cli import run as run_command_line
from wattdeck.core.errors import Unreachable
from wattdeck.core.http import HttpClients
from wattdeck.systems.span import registering
from wattdeck.systems.span.ebus import credentials as kept
from wattdeck.systems.span.ebus import mqtt, tls
from wattdeck.systems.span.ebus.credentials import Credentials, Privilege
from wattdeck.systems.span.ebus.local import LocalBroker
from wattdeck.systems.span.person import Person

CA_PEM, OTHER_PEM = pem(authority()), pem(authority("other"))
PRINT, OTHER_PRINT = tls.fingerprint(CA_PEM), tls.fingerprint(OTHER_PEM)
SECRETS = (PASSPHRASE, BROKER_PASSWORD, "token-passphrase", "token-door", "not-this-one")


class Seat(Person):
    """Somebody at a terminal who answers each kind of question in a fixed way."""

    here = True
    answers: dict[str, str]
    asked: list[str]

    @property
    def there(self) -> bool:
        return self.here

    def text(self, question: str) -> str:
        self.asked.append(question)
        return next((answer for words, answer in self.answers.items() if words in question), "")

    secret = text


@dataclass
class Bench:
    """A scripted panel at the configured address, and whoever sits in front of it."""

    panel: ScriptedPanel
    clock: ManualClock
    state: Path
    capture: pytest.CaptureFixture[str]
    broker: LocalBroker

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code and words."""
        code = run_command_line(["span", *arguments])
        captured = self.capture.readouterr()
        assert captured.out == ""
        assert not [secret for secret in SECRETS if secret in captured.err]
        return code, captured.err

    def seat(self, **answers: str) -> None:
        words = {"trust": "Trust", "door": "Use the door", "full": "full one", "keep": "Keep", "again": "again?"}
        Seat.here, Seat.asked = True, []
        Seat.answers = {words.get(key, key): answer for key, answer in answers.items()}

    @property
    def credentials(self) -> Credentials | None:
        return kept.load(self.state, SERIAL)


@pytest.fixture
def bench(deck_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    panel, clock = ScriptedPanel(CA_PEM), ManualClock()
    transport = httpx.MockTransport(panel.handle)
    mounts = {"http://192.0.2.7": transport, "https://192.0.2.7": transport}
    monkeypatch.setattr(registering, "HttpClients", lambda: HttpClients(mounts=mounts, only_mounted=True, clock=clock))
    monkeypatch.setattr(registering, "SYSTEM_CLOCK", clock)
    monkeypatch.setattr(registering, "Person", Seat)
    broker = LocalBroker(clock)
    broker.passwords = {SERIAL: BROKER_PASSWORD}
    monkeypatch.setattr(mqtt, "connector", broker.connector)
    Seat.here, Seat.answers, Seat.asked = False, {}, []
    config = deck_home.parent / "config" / "wattdeck" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[[span]]\nname = "home"\nhost = "192.0.2.7"\n')
    config.chmod(0o600)
    with own_logging():
        yield Bench(panel, clock, deck_home / "wattdeck", capsys, broker)


@pytest.fixture
def secret_file(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str = PASSPHRASE) -> str:
        path = tmp_path / "passphrase"
        path.write_text(text + "\n")
        return str(path)

    return write


SecretFile = Callable[[str], str]


def test_a_passphrase_and_a_fingerprint_register_without_a_question(bench: Bench, secret_file: SecretFile) -> None:
    code, words = bench.run("register", "--passphrase-file", secret_file(PASSPHRASE), "--fingerprint", PRINT.upper())
    made = bench.credentials
    assert code == 0 and made is not None, words
    assert (made.token, made.broker_password, made.privilege) == ("token-passphrase", BROKER_PASSWORD, Privilege.FULL)
    assert (made.ca_pem.split(), made.ca_sha256, made.passphrase) == (CA_PEM.split(), PRINT, None)
    assert (made.address, made.firmware, made.data_model) == ("192.0.2.7", FIRMWARE, "flat")
    assert SERIAL in words and FIRMWARE in words and PRINT in words and "a full token" in words
    assert list(bench.panel.registered.values()) == ["passphrase"]
    assert [scheme for scheme, call, _ in bench.panel.requests if "auth" in call] == ["https"]


def test_a_wrong_fingerprint_is_refused_with_both_shown_and_nothing_sent(bench: Bench, secret_file: SecretFile) -> None:
    code, words = bench.run("register", "--passphrase-file", secret_file(PASSPHRASE), "--fingerprint", OTHER_PRINT)
    assert code == 4 and PRINT in words and OTHER_PRINT in words and "nothing was sent" in words
    assert bench.credentials is None
    assert {scheme for scheme, *_ in bench.panel.requests} == {"http"} and not bench.panel.registered


@pytest.mark.parametrize("given", ["", "ab:cd", PRINT[:-1] + "x", "0" * 63], ids=range(4))
def test_a_fingerprint_that_is_none_is_a_usage_error_before_anything(bench: Bench, given: str) -> None:
    code, words = bench.run("register", "--door", "--fingerprint", given)
    assert code == 2 and "64 hexadecimal digits" in words and not bench.panel.requests


@pytest.mark.parametrize(
    "form", [PRINT, PRINT.replace(":", ""), f"SHA256:{PRINT}", f"sha256 Fingerprint={PRINT}"], ids=range(4)
)
def test_a_fingerprint_is_taken_as_people_write_it(bench: Bench, secret_file: SecretFile, form: str) -> None:
    assert bench.run("register", "--passphrase-file", secret_file(PASSPHRASE), "--fingerprint", form)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        ((), "--passphrase-file FILE, or --door"),
        (("--passphrase",), "--passphrase-file"),
        (("--door",), f"--fingerprint {PRINT}"),
    ],
    ids=["nothing", "passphrase", "door"],
)
def test_without_a_terminal_nothing_is_asked_and_the_option_is_named(
    bench: Bench, arguments: tuple[str, ...], missing: str
) -> None:
    bench.panel.proven = True
    code, words = bench.run("register", *arguments)
    assert code == 2 and missing in words
    assert not Seat.asked and not bench.panel.registered and bench.panel.proven


def test_a_person_is_asked_to_trust_the_fingerprint_and_may_say_no(bench: Bench) -> None:
    bench.seat(trust="no", Passphrase=PASSPHRASE)
    code, words = bench.run("register", "--passphrase")
    assert code == 4 and PRINT in words and bench.credentials is None
    assert not [call for call in bench.panel.calls if "register" in call]


def test_a_wrong_passphrase_is_asked_for_once_more_and_then_given_up(bench: Bench) -> None:
    bench.seat(trust="yes", Passphrase="not-this-one")
    code, words = bench.run("register", "--passphrase")
    assert code == 3 and words.count("does not accept this passphrase") == 2
    assert bench.panel.calls.count("POST auth/register") == 2 and bench.credentials is None


def test_a_wrong_passphrase_from_a_file_is_tried_once(bench: Bench, secret_file: SecretFile) -> None:
    code, _ = bench.run("register", "--passphrase-file", secret_file("not-this-one"), "--fingerprint", PRINT)
    assert code == 3 and bench.panel.calls.count("POST auth/register") == 1


def test_the_door_is_waited_for_and_gives_a_reduced_token(bench: Bench) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        bench.clock.advance(seconds)
        bench.panel.proven = len(waits) == 4

    bench.clock.sleep = sleep  # type: ignore[method-assign]
    code, words = bench.run("register", "--door", "--fingerprint", PRINT)
    made = bench.credentials
    assert code == 0 and made is not None and made.privilege is Privilege.REDUCED and "a reduced token" in words
    assert waits == [2.5] * 4 and "counts as the first press" in words
    assert bench.panel.calls.count("POST auth/register") == 1 and made.passphrase is None


def test_a_door_nobody_comes_to_is_given_up_after_the_time(bench: Bench) -> None:
    code, words = bench.run("register", "--door", "--fingerprint", PRINT)
    assert code == 3 and "not seen in time" in words and 900 <= bench.clock.elapsed_s < 903
    assert not [call for call in bench.panel.calls if "register" in call]


def test_firmware_that_does_not_tell_of_its_door_asks_the_person(bench: Bench) -> None:
    bench.panel.proven = None
    assert bench.run("register", "--door", "--fingerprint", PRINT)[0] == 2
    bench.seat(**{"Done?": "no"})
    assert bench.run("register", "--door", "--fingerprint", PRINT)[0] == 4
    assert "POST auth/register" not in bench.panel.calls
    bench.seat(**{"Done?": "yes"})
    bench.panel.scripts["auth/register"] = [httpx.Response(200, json=registration("door"))]
    assert bench.run("register", "--door", "--fingerprint", PRINT)[0] == 0


def test_a_panel_that_is_away_for_a_moment_does_not_end_the_wait(bench: Bench) -> None:
    fine = httpx.Response(200, json={"serialNumber": SERIAL, "firmwareVersion": FIRMWARE})
    bench.panel.proven = True
    bench.panel.scripts["status"] = [fine, fine, httpx.Response(502), httpx.ConnectError("refused")]
    assert bench.run("register", "--door", "--fingerprint", PRINT)[0] == 0


def test_the_door_then_the_passphrase_it_tells_give_a_full_token(bench: Bench) -> None:
    bench.panel.proven = True
    bench.seat(trust="yes", door="yes", full="yes", keep="yes")
    code, words = bench.run("register")
    made = bench.credentials
    assert code == 0 and made is not None, words
    assert (made.privilege, made.token, made.passphrase) == (Privilege.FULL, "token-passphrase", PASSPHRASE)
    assert bench.panel.registered == {made.client_name: "passphrase"}
    assert "DELETE auth" in " ".join(bench.panel.calls)


def test_a_second_registration_that_fails_leaves_the_reduced_token(bench: Bench) -> None:
    bench.panel.proven = True
    bench.panel.scripts["auth/register"] = [httpx.Response(200, json=registration("door")), httpx.Response(500)]
    code, words = bench.run("register", "--door", "--fingerprint", PRINT, "--full")
    made = bench.credentials
    assert code == 0 and made is not None and made.privilege is Privilege.REDUCED and "token stays" in words


def test_a_place_that_cannot_hold_credentials_is_found_before_the_proof_is_spent(bench: Bench) -> None:
    place = bench.state / "credentials"
    place.mkdir(parents=True)
    (place / "span").write_text("in the way")
    bench.panel.proven = True
    code, words = bench.run("register", "--door", "--fingerprint", PRINT)
    assert code == 2 and str(place / "span") in words
    assert bench.panel.proven and not bench.panel.registered


def test_a_name_that_is_taken_gets_a_new_ending_once(bench: Bench, secret_file: SecretFile) -> None:
    bench.panel.registered = {"my-deck": "somebody"}
    code, _ = bench.run(
        "register", "--passphrase-file", secret_file(PASSPHRASE), "--fingerprint", PRINT, "--name", "my-deck"
    )
    made = bench.credentials
    assert code == 0 and made is not None and made.client_name.startswith("my-deck-")
    bench.panel.scripts["auth/register"] = [httpx.Response(422, json=NAME_EXISTS)] * 2
    code, words = bench.run("register", "--again", "--passphrase-file", secret_file(PASSPHRASE), "--name", "x")
    assert code == 3 and "already knows a client" in words


def test_a_taken_name_at_the_door_waits_for_a_new_proof(bench: Bench) -> None:
    bench.panel.proven = True
    bench.panel.registered = {"mine": "somebody"}

    async def sleep(seconds: float) -> None:
        bench.clock.advance(seconds)
        bench.panel.proven = True

    bench.clock.sleep = sleep  # type: ignore[method-assign]
    code, words = bench.run("register", "--door", "--fingerprint", PRINT, "--name", "mine")
    assert code == 0 and "used up the proof" in words and "counts as the first press" in words


@pytest.mark.parametrize("name", ["dashboard", "Dashboard", "a b", "", "x" * 64, "-x", "a/b", "\x1b[1m"])
def test_an_impossible_name_is_refused_before_the_proof_is_spent(bench: Bench, name: str) -> None:
    bench.panel.proven = True
    code, words = bench.run("register", "--door", "--fingerprint", PRINT, "--name", name)
    assert code == 2 and "nothing was sent" in words and bench.panel.proven and "\x1b" not in words


def test_a_name_is_looked_up_first_by_who_may_list_clients(bench: Bench, secret_file: SecretFile) -> None:
    proof = ("--passphrase-file", secret_file(PASSPHRASE))
    assert bench.run("register", *proof, "--fingerprint", PRINT)[0] == 0
    bench.panel.registered["taken"] = "somebody"
    code, words = bench.run("register", *proof, "--again", "--name", "taken")
    assert code == 2 and "already knows a client taken" in words
    assert bench.panel.calls.count("POST auth/register") == 1


def test_registering_again_asks_and_without_a_terminal_names_the_option(bench: Bench, secret_file: SecretFile) -> None:
    proof = ("--passphrase-file", secret_file(PASSPHRASE))
    assert bench.run("register", *proof, "--fingerprint", PRINT)[0] == 0
    code, words = bench.run("register", *proof)
    assert code == 2 and "--again" in words and "registered at the panel already" in words
    bench.seat(again="no")
    assert bench.run("register", *proof)[0] == 4
    bench.seat(again="yes")
    code, words = bench.run("register", *proof)
    assert code == 0 and "has not changed" in words and len(bench.panel.registered) == 2


def test_a_passphrase_that_is_kept_registers_again_without_a_question(bench: Bench, secret_file: SecretFile) -> None:
    proof = ("--passphrase-file", secret_file(PASSPHRASE))
    assert bench.run("register", *proof, "--fingerprint", PRINT, "--keep-passphrase")[0] == 0
    first = bench.credentials
    assert bench.run("register", "--again")[0] == 0
    made = bench.credentials
    assert first is not None and made is not None and made.client_name != first.client_name
    assert made.passphrase == first.passphrase == PASSPHRASE
    assert bench.run("register", "--again", "--forget-passphrase")[0] == 0
    assert bench.credentials is not None and bench.credentials.passphrase is None


@pytest.mark.parametrize("takes_it", [True, False])
def test_a_panel_without_broker_password_is_tried_with_its_passphrase(
    bench: Bench, secret_file: SecretFile, takes_it: bool
) -> None:
    bench.panel.null_passwords = True
    bench.broker.passwords = {SERIAL: PASSPHRASE if takes_it else "another-one"}
    code, words = bench.run("register", "--passphrase-file", secret_file(PASSPHRASE), "--fingerprint", PRINT)
    made = bench.credentials
    assert code == (0 if takes_it else 1)
    assert ("does not take the passphrase" in words) is not takes_it
    assert made is not None and made.broker_password == PASSPHRASE
    assert "did not hand out broker credentials" in words


def test_a_broker_that_cannot_be_reached_is_said_and_the_credentials_stay(
    bench: Bench, secret_file: SecretFile
) -> None:
    bench.broker.refusal = Unreachable("no route to host")
    code, words = bench.run("register", "--passphrase-file", secret_file(PASSPHRASE), "--fingerprint", PRINT)
    assert code == 1 and "no route to host. The credentials are stored" in words and bench.credentials is not None


def test_a_door_without_any_password_says_so(bench: Bench) -> None:
    bench.panel.null_passwords = bench.panel.proven = True
    code, words = bench.run("register", "--door", "--fingerprint", PRINT)
    assert code == 3 and "did not hand out broker credentials" in words and "--passphrase" in words
    assert bench.credentials is None


def test_a_panel_without_its_serial_number_is_asked_again_after_a_while(bench: Bench, secret_file: SecretFile) -> None:
    bench.panel.scripts["auth/register"] = [httpx.Response(503), httpx.Response(503, headers={"Retry-After": "9"})]
    code, _ = bench.run("register", "--passphrase-file", secret_file(PASSPHRASE), "--fingerprint", PRINT)
    assert code == 0 and bench.clock.elapsed_s == 5 + 9


@pytest.mark.parametrize(
    ("answer", "words"),
    [(httpx.Response(502), "starting or being updated"), (httpx.ConnectError("refused"), "no connection")],
)
def test_a_panel_that_cannot_tell_its_api_is_not_registered_at(
    bench: Bench, answer: httpx.Response | Exception, words: str
) -> None:
    bench.panel.scripts["status"] = [answer]
    code, said = bench.run("register", "--door", "--fingerprint", PRINT)
    assert code == 3 and words in said and len(bench.panel.calls) == 1


def test_https_that_another_panel_answers_ends_before_the_proof(bench: Bench) -> None:
    bench.panel.proven = True
    fine = httpx.Response(200, json={"serialNumber": SERIAL, "proximityProven": True})
    bench.panel.scripts["status"] = [fine, httpx.Response(200, json={"serialNumber": "nt-other"})]
    code, words = bench.run("register", "--door", "--fingerprint", PRINT)
    assert code == 3 and "in place of panel" in words and bench.panel.proven and bench.credentials is None


# trust


def registered(bench: Bench, secret_file: SecretFile) -> None:
    proof = ("--passphrase-file", secret_file(PASSPHRASE))
    assert bench.run("register", *proof, "--fingerprint", PRINT)[0] == 0


def test_an_authority_that_did_not_change_is_said_so(bench: Bench, secret_file: SecretFile) -> None:
    registered(bench, secret_file)
    code, words = bench.run("trust")
    assert code == 0 and "has not changed" in words and PRINT in words
    assert bench.run("trust", "--fingerprint", OTHER_PRINT)[0] == 4


def test_a_new_authority_is_shown_beside_the_old_one_and_asked_about(bench: Bench, secret_file: SecretFile) -> None:
    registered(bench, secret_file)
    bench.panel.ca_pem, bench.panel.firmware = OTHER_PEM, "spanos2/r202633/01"
    code, words = bench.run("trust")
    assert code == 2 and f"--fingerprint {OTHER_PRINT}" in words
    bench.seat(trust="no")
    code, words = bench.run("trust")
    assert code == 4 and bench.credentials is not None and bench.credentials.ca_sha256 == PRINT
    assert all(each in words for each in (PRINT, OTHER_PRINT, FIRMWARE, "spanos2/r202633/01"))
    bench.seat(trust="yes")
    assert bench.run("trust")[0] == 0
    made = bench.credentials
    assert (made.ca_sha256, made.firmware, made.token) == (OTHER_PRINT, "spanos2/r202633/01", "token-passphrase")


def test_a_new_authority_under_the_same_firmware_is_called_odd(bench: Bench, secret_file: SecretFile) -> None:
    registered(bench, secret_file)
    bench.panel.ca_pem = OTHER_PEM
    code, _ = bench.run("trust", "--fingerprint", PRINT)
    assert code == 4 and bench.credentials is not None and bench.credentials.ca_sha256 == PRINT
    bench.seat(trust="no")
    assert "hard to explain" in bench.run("trust")[1]
    assert bench.run("trust", "--fingerprint", OTHER_PRINT)[0] == 0


def test_trust_needs_a_registration_and_v2(bench: Bench) -> None:
    code, words = bench.run("trust")
    assert code == 2 and "not registered" in words and "wattdeck span register" in words
    bench.panel.becomes_v1()
    code, words = bench.run("trust")
    assert code == 2 and "only v2" in words


def test_registering_again_does_not_swallow_a_new_authority(bench: Bench, secret_file: SecretFile) -> None:
    registered(bench, secret_file)
    bench.panel.ca_pem = OTHER_PEM
    code, words = bench.run("register", "--again", "--passphrase-file", secret_file(PASSPHRASE))
    assert code == 2 and PRINT in words and OTHER_PRINT in words and len(bench.panel.registered) == 1


def test_the_log_of_a_registration_holds_no_secret(bench: Bench, secret_file: SecretFile, tmp_path: Path) -> None:
    log = tmp_path / "log"
    arguments = ["register", "--passphrase-file", secret_file(PASSPHRASE), "--fingerprint", PRINT]
    echo = {"detail": [{"loc": ["body", "hopPassphrase"], "msg": PASSPHRASE, "input": PASSPHRASE}]}
    bench.panel.scripts["auth/register"] = [httpx.Response(422, json=echo), httpx.Response(500, text=PASSPHRASE)]
    for expected in (3, 3, 0):
        with own_logging():
            code = run_command_line(["--log-level", "debug", "--log-file", str(log), "span", *arguments])
        words = bench.capture.readouterr().err
        assert code == expected and not [secret for secret in SECRETS if secret in words + log.read_text()]
    assert "auth/register" in log.read_text()
