"""What the deck does when its terminal is resized, hung, closed, poor in colours or gone."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from pty_deck import SGR, PtyDeck, counted_simulator, cpu_s, directories, process_state, read_all_for, wait_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc and talks to a pty")

Start = Callable[..., PtyDeck]

COLOUR = re.compile(r"(?:3|4|9|10)[0-8](?:;[\d;]*)?")
"""An SGR parameter that sets a colour; 39 and 49 set none."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts decks, and ends those that run on."""
    decks: list[PtyDeck] = []

    def start(*arguments: str, **options: object) -> PtyDeck:
        decks.append(PtyDeck(tmp_path, *arguments, **options))  # type: ignore[arg-type]
        return decks[-1]

    yield start
    for deck in decks:
        deck.close()


def _events(deck: PtyDeck) -> list[str]:
    return [str(record["event"]) for record in deck.journal()]


def _open_panel(deck: PtyDeck) -> None:
    """Go from the overview, on which a deck starts, to the panel."""
    deck.wait_live()
    deck.type("1")
    # The last line is the footer, or what is said over it.
    deck.wait_for(lambda: "Circuit" in deck.text and "Relay" in deck.text and deck.screen.display[-1].strip())


def _ask(deck: PtyDeck) -> None:
    """Ask for the first circuit's other position; refused until the readings are known to be good."""
    _insist(deck, " ", lambda: "Take control?" in deck.text)


def _insist(deck: PtyDeck, key: str, done: Callable[[], bool]) -> None:
    """Press a key until it is taken: a dialog takes none in its first moments."""
    for _ in range(20):
        deck.type(key)
        try:
            deck.wait_for(done, 0.8)
        except AssertionError:
            continue
        return
    raise AssertionError(f"{key} was not taken; the screen is:\n{deck.text}")


def _sgr_parameters(output: bytes | bytearray) -> set[str]:
    """Every colour and weight that was asked for, one by one."""
    found: set[str] = set()
    for match in SGR.finditer(bytes(output)):
        parts = match[1].decode().split(";")
        while parts:
            part = parts.pop(0)
            if part in ("38", "48") and parts:
                count = 4 if parts[0] == "2" else 2
                part, parts = f"{part};{parts[0]}", parts[count:]
            found.add(part)
    return found


def _walk_through(deck: PtyDeck) -> None:
    """See the screen, a dialog, the help, the palette and a toast."""
    deck.wait_live()
    _ask(deck)
    deck.type("\x1b")
    deck.wait_for(lambda: "Take control?" not in deck.text)
    deck.type("?")
    deck.wait_for("esc Back")
    deck.type("\x1b")
    deck.wait_for(lambda: "esc Back" not in deck.text and "live" in deck.text)
    for palette in (":", "\x10"):
        deck.type(palette)
        deck.wait_for("Search")
        deck.type("\x1b")
        deck.wait_for(lambda: "Search" not in deck.text)
    deck.type("t")
    deck.wait_for("Theme ")
    deck.type("q")
    assert deck.wait_end()[0] == 0


# Size


def test_a_terminal_of_one_cell_does_no_harm(start: Start) -> None:
    deck = start("demo", "--screen", "span", size=(100, 30))
    deck.wait_live()
    before = [line[:40] for line in deck.screen.display if "Heat Pump" in line]
    deck.resize(1, 1)
    count = len(deck.output)
    deck.wait_for(lambda: len(deck.output) > count)
    deck.resize(100, 30)
    deck.wait_for(lambda: "Heat Pump" in deck.text and "live" in deck.text and "Relay" in deck.screen.display[-1])
    assert [line[:26] for line in deck.screen.display if "Heat Pump" in line] == [line[:26] for line in before]
    deck.type("q")
    assert deck.wait_end()[0] == 0


# The end of the terminal


def test_without_a_terminal_it_says_so_and_starts_nothing(tmp_path: Path) -> None:
    variables = {**os.environ, **directories(tmp_path)}
    reader, end = os.pipe()
    os.close(end)
    for stdin in (subprocess.DEVNULL, reader):
        done = subprocess.run(
            [sys.executable, "-m", "wattdeck", "demo"],
            env=variables,
            stdin=stdin,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert done.returncode == 2 and "needs a terminal" in done.stderr and not done.stdout
    os.close(reader)


@pytest.mark.parametrize("mode", ["plain", "nohup", "detached"])
def test_a_terminal_that_hangs_up_ends_the_session(start: Start, mode: str) -> None:
    deck = start("demo", "--screen", "span", mode=mode)
    deck.wait_live()
    used_s = cpu_s(deck.process.pid)
    deck.hang_up()
    before_s = time.monotonic()
    while deck.process.poll() is None:
        used_now_s = cpu_s(deck.process.pid)
        assert time.monotonic() - before_s < 6, "it runs on without a terminal"
        assert used_now_s - used_s < 1, "it spins"
        time.sleep(0.02)
    assert deck.process.returncode == 129
    assert time.monotonic() - before_s < 2


@pytest.mark.parametrize("mode", ["plain", "nohup", "detached"])
def test_a_terminal_that_hangs_up_before_the_app_is_there_ends_the_session(start: Start, mode: str) -> None:
    deck = start("demo", "--screen", "span", mode=mode, fresh=True)
    deck.wait_for("live")
    deck.hang_up()
    assert deck.wait_end(5, reading=False)[0] == 129


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_before_the_app_is_there_gives_the_screen_back(start: Start, number: signal.Signals) -> None:
    deck = start("demo", "--screen", "span", fresh=True)
    deck.wait_for("SPAN")
    deck.process.send_signal(number)
    assert deck.wait_end(5)[0] == 128 + number
    assert deck.output.rfind(b"\x1b[?1049l") > deck.output.rfind(b"\x1b[?1049h")
    assert deck.output.rfind(b"\x1b[?25h") > deck.output.rfind(b"\x1b[?25l")
    assert deck.attributes()[:4] == deck.attributes_before[:4]
    assert b"Traceback" not in deck.output


def test_sighup_ends_the_session_and_restores_the_terminal(start: Start) -> None:
    deck = start("demo", "--screen", "span")
    deck.wait_live()
    deck.process.send_signal(signal.SIGHUP)
    code, took_s = deck.wait_end()
    assert code == 129 and took_s < 2
    _assert_restored(deck)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, None], ids=["SIGTERM", "SIGINT", "q"])
def test_leaving_gives_the_terminal_back_as_it_was(start: Start, number: signal.Signals | None) -> None:
    deck = start("demo", "--screen", "span")
    deck.wait_live()
    if number is None:
        deck.type("q")
    else:
        deck.process.send_signal(number)
    code, took_s = deck.wait_end()
    assert code == (0 if number is None else 128 + number) and took_s < 2
    _assert_restored(deck)
    assert b"Traceback" not in deck.output


def _assert_restored(deck: PtyDeck) -> None:
    output = bytes(deck.output)
    for mode in (b"?1049", b"?2004", b"?1004", b"?1000", b"?1003", b"?1006"):
        assert output.rfind(b"\x1b[" + mode + b"l") > output.rfind(b"\x1b[" + mode + b"h"), mode
    for mode in (b"?25", b"?7"):
        assert output.rfind(b"\x1b[" + mode + b"h") > output.rfind(b"\x1b[" + mode + b"l"), mode
    assert output.rfind(b"\x1b[<u") > output.rfind(b"\x1b[>")
    assert deck.attributes()[:4] == deck.attributes_before[:4]


# A link that hangs


def test_polls_commands_and_journal_go_on_while_nobody_reads_the_terminal(start: Start, tmp_path: Path) -> None:
    with counted_simulator(tmp_path) as simulator:
        deck = start(size=(120, 40))
        _open_panel(deck)
        _ask(deck)
        hung_s = time.monotonic()
        for key, event in (("y", "select"), ("y", "send"), ("", "confirm")):
            _press_blind(deck, key, event)
        wait_until(lambda: time.monotonic() - hung_s > 6, "six seconds of silence")
        read_s = time.monotonic()
        before_bytes = len(deck.output)
        deck.wait_for(lambda: "○ open" in deck.text and "Take control?" not in deck.text)
        replayed = len(deck.output) - before_bytes
        deck.wait_for(lambda: _clock_moves(deck))
        polls = [at_s for at_s, _, path in simulator.requests() if path.endswith("/panel") and hung_s < at_s < read_s]
        assert len(polls) >= 5
        pauses = [after - before for before, after in pairwise(polls)]
        assert max(pauses) < 2, "a poll a second, so no pause of more than one"
        deck.read_for(0.5)  # the frame that made it true may not have come whole
        before = list(deck.screen.display)
        deck.type("\x0c")
        deck.read_for(0.5)
        assert _without_figures(before) == _without_figures(deck.screen.display), "a redraw changes nothing"
        assert replayed <= 65536, replayed
        deck.type("q")
        assert deck.wait_end()[0] == 0


def _press_blind(deck: PtyDeck, key: str, event: str) -> None:
    """Press a key without reading until the journal has the event."""
    end_s = time.monotonic() + 20
    pressed_s = 0.0
    while event not in _events(deck):
        assert time.monotonic() < end_s, f"no {event} in the journal: {_events(deck)}"
        if key and time.monotonic() - pressed_s > 0.8:
            deck.type(key)
            pressed_s = time.monotonic()
        time.sleep(0.02)


def _clock_moves(deck: PtyDeck) -> bool:
    """The header shows the time it is, give or take a tick."""
    shown = re.search(r"(\d\d):(\d\d):(\d\d)", deck.screen.display[0])
    return shown is not None and int(time.time()) % 60 - int(shown[3]) in (0, 1, 2, -59, -58)


def _without_figures(lines: list[str]) -> list[str]:
    return [re.sub(r"[\d., +−⠀-⣿▁-▏]+", " ", line) for line in lines[:1] + lines[3:20]]


@pytest.mark.parametrize("number", [signal.SIGTERM, None], ids=["SIGTERM", "q"])
def test_it_leaves_a_terminal_that_does_not_read(start: Start, number: signal.Signals | None) -> None:
    deck = start("demo", "--screen", "span", size=(200, 60))
    deck.wait_live()
    wait_until(lambda: _blocked_in_write(deck), "the pty to be full")
    if number is None:
        deck.type("q")
    else:
        deck.process.send_signal(number)
    code, took_s = deck.wait_end(reading=False)
    assert code == (0 if number is None else 128 + number) and took_s < 3


def _blocked_in_write(deck: PtyDeck) -> bool:
    """Have it draw once more; tells whether the thread that writes to the terminal waits for it."""
    deck.type("\x0c")
    for task in Path(f"/proc/{deck.process.pid}/task").iterdir():
        if (task / "syscall").read_text().startswith("1 ") and (task / "status").read_text().count("State:\tS"):
            return True
    return False


def test_a_terminal_without_utf_8_is_sent_ascii_alone(start: Start) -> None:
    spoken = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    # A time at which somebody is without power whose name has other letters.
    deck = start("demo", "--start", "2026-10-14T18:31:00Z", size=(120, 36), env=spoken, fresh=True)
    deck.wait_live()
    for key, words in (("1", "Circuit"), ("4", "Caracarai"), ("?", "esc Back")):
        deck.type(key)
        deck.wait_for(words)
    assert deck.output.isascii()


# Signals while something is going on


@pytest.mark.parametrize("fault", ["relay-lag=30", "hang@circuit"])
def test_sigterm_during_a_command_writes_its_outcome_before_the_end(start: Start, tmp_path: Path, fault: str) -> None:
    with counted_simulator(tmp_path) as simulator:
        deck = start()
        _open_panel(deck)
        _ask(deck)
        _insist(deck, "y", lambda: "Open the relay" in deck.text)
        simulator.fault(fault)
        _insist(deck, "y", lambda: "send" in _events(deck))
        deck.process.send_signal(signal.SIGTERM)
        code, took_s = deck.wait_end()
        assert code == 143 and took_s < 2
        last = [record for record in deck.journal() if record.get("outcome")][-1]
        assert last["outcome"] == "unknown" and last["to_state"] == "open"
        _assert_restored(deck)


def test_stopping_gives_up_control_and_going_on_draws_everything_again(start: Start, tmp_path: Path) -> None:
    with counted_simulator(tmp_path):
        deck = start()
        _open_panel(deck)
        _ask(deck)
        _insist(deck, "y", lambda: "Open the relay" in deck.text)
        deck.process.send_signal(signal.SIGTSTP)
        deck.wait_for(lambda: process_state(deck.process.pid) == "T")
        deck.read()
        _assert_restored(deck)
        assert "disarm" in _events(deck)
        deck.screen.reset()
        deck.process.send_signal(signal.SIGCONT)
        deck.wait_for(
            lambda: (
                "Circuit" in deck.text
                and "live" in deck.text
                and "Relay" in deck.text
                and deck.screen.display[-1].strip()
            )
        )
        assert "CONTROL" not in deck.text
        deck.type("q")
        deck.wait_for(lambda: "Open the relay" not in deck.text)


def test_a_stop_without_warning_is_survived_too(start: Start) -> None:
    deck = start("demo", "--screen", "span")
    deck.wait_live()
    deck.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: process_state(deck.process.pid) == "T", "the stop")
    deck.read(0)
    deck.screen.reset()
    deck.process.send_signal(signal.SIGCONT)
    deck.wait_for(lambda: "Circuit" in deck.text and "live" in deck.text and "Relay" in deck.screen.display[-1])
    deck.type("q")
    assert deck.wait_end()[0] == 0
    _assert_restored(deck)


# Colours and modes


def test_no_color_means_not_one_colour_code(start: Start) -> None:
    deck = start("demo", "--screen", "span", env={"NO_COLOR": "1"})
    _walk_through(deck)
    assert not [code for code in _sgr_parameters(deck.output) if COLOUR.fullmatch(code)]
    assert "1" in _sgr_parameters(deck.output), "weight is left"


@pytest.mark.parametrize("term", ["xterm", "xterm-16color"])
def test_a_terminal_of_few_colours_is_sent_no_others(start: Start, term: str) -> None:
    deck = start("demo", "--screen", "span", env={"TERM": term}, without=["COLORTERM"])
    _walk_through(deck)
    found = _sgr_parameters(deck.output)
    assert not [code for code in found if code.startswith(("38", "48"))]
    assert [code for code in found if COLOUR.fullmatch(code)]


def test_a_terminal_of_256_colours_is_sent_no_others(start: Start) -> None:
    deck = start("demo", "--screen", "span", env={"TERM": "xterm-256color"}, without=["COLORTERM"])
    _walk_through(deck)
    found = _sgr_parameters(deck.output)
    assert not [code for code in found if code.startswith(("38;2", "48;2"))]
    assert [code for code in found if code.startswith("38;5")]


@pytest.mark.parametrize("remote", [True, False], ids=["over SSH", "at the desk"])
def test_the_mouse_is_left_alone_over_ssh(start: Start, remote: bool) -> None:
    deck = start("demo", "--screen", "span", env={"SSH_CONNECTION": "192.0.2.7 50022 192.0.2.1 22"} if remote else {})
    deck.wait_live()
    for mode in (b"1000", b"1003", b"1006"):
        assert (b"\x1b[?" + mode + b"h" in deck.output) is not remote


# Bytes


def test_paused_hidden_or_on_a_narrow_line_it_sends_next_to_nothing(start: Start) -> None:
    quiet = {
        name: start("demo", "--screen", "span", *more, size=(120, 40))
        for name, more in {"narrow": ["--low-bandwidth"], "paused": [], "hidden": []}.items()
    }
    for deck in quiet.values():
        deck.wait_live()
    quiet["paused"].type("p")
    quiet["paused"].wait_for("PAUSED")
    quiet["hidden"].type("?")
    quiet["hidden"].wait_for(lambda: "span/" not in quiet["hidden"].screen.display[0])
    read_all_for(1.5, *quiet.values())  # A frame that was dropped at the start is drawn at the next tick.
    first_3_s = dict(zip(quiet, read_all_for(3, *quiet.values()), strict=True))
    last_7_s = dict(zip(quiet, read_all_for(7, *quiet.values()), strict=True))
    assert first_3_s["paused"] == last_7_s["paused"] == 0
    assert first_3_s["hidden"] < 300
    assert first_3_s["narrow"] + last_7_s["narrow"] <= 600 * 10
    quiet["paused"].type("p")
    quiet["paused"].wait_for(lambda: "PAUSED" not in quiet["paused"].text)


# Faults of our own


@pytest.mark.anyio
async def test_a_fault_of_our_own_is_one_sentence_and_code_70(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from textual.driver import Driver

    from wattdeck.core.deck import Deck, made_running
    from wattdeck.ui.app import AppOptions, DeckApp

    written: list[str] = []

    class Terminal(Driver):
        """Takes what is written and never types."""

        def write(self, data: str) -> None:
            written.append(data)

        def start_application_mode(self) -> None:
            """Nothing to start."""

        def disable_input(self) -> None:
            """Nothing to disable."""

        def stop_application_mode(self) -> None:
            """Nothing to stop."""

    def make_deck() -> Deck:
        raise ZeroDivisionError("a bug")

    from wattdeck.shell.context import AppContext

    for name, value in directories(tmp_path).items():
        monkeypatch.setenv(name, value)
    app = DeckApp(made_running(make_deck), AppOptions(AppContext().systems, demo=True))
    app.driver_class = Terminal
    await app.run_async(size=(80, 24))
    assert app.return_value == 70
    assert app.exit_message == "internal error (ZeroDivisionError: a bug). --log-file keeps the details."
    assert "Traceback" not in "".join(written)


def test_settings_of_the_terminal_are_compared_as_they_are(start: Start) -> None:
    deck = start("demo", "--screen", "span")
    deck.wait_live()
    assert not deck.attributes()[3] & termios.ECHO, "raw while it runs, so that equality at the end means something"
