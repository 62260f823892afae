"""The doctor as somebody on the phone hears it: plain lines in order, each with what to do next."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from test_shell import Panel, Shell, config, panel, shell, write  # noqa: F401

from wattdeck.core.finding import Finding, Verdict
from wattdeck.shell import machine

TOPICS = ["program", "packages", "terminal", "language", "systems", "config", "source", "state", "disk", "journal"]


def topics(text: str) -> list[str]:
    found = [line.split()[0] for line in text.splitlines() if not line.startswith(" ")]
    return list(dict.fromkeys(found))


def test_a_good_set_up_is_told_in_order(shell: Shell, panel: Panel) -> None:  # noqa: F811
    result = shell("doctor")
    assert (result.code, result.err) == (0, "") and topics(result.out) == TOPICS
    for line in (
        "source      span/home name: ok 127.0.0.1 is an address; nothing to look up",
        f"source      span/home port: ok 127.0.0.1:{panel.port} takes connections",
        "source      span/home clock: ok its clock and ours agree",
        "source      span/home panel: ok live 0 s",
    ):
        assert line in result.out
    assert "PROBLEM" not in result.out and panel.token not in result.out


def test_machines_get_the_same_as_json_in_english(shell: Shell, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("LANG", "pt_BR.UTF-8")
    document = shell("doctor", "--format", "json").document
    assert (document["schema"], document["exit_code"]) == ("wattdeck.doctor/1", 0)
    assert {"topic", "subject", "verdict", "words", "advice"} == set(document["findings"][0])
    found = next(each for each in document["findings"] if each["subject"] == "span/home port")
    assert (found["verdict"], found["words"]) == ("ok", f"127.0.0.1:{panel.port} takes connections")


def test_each_way_a_source_fails_has_its_line_and_its_next_step(shell: Shell, panel: Panel) -> None:  # noqa: F811
    panel.configure(token="wrong-token")
    refused = shell("doctor")
    assert refused.code == 1 and "wattdeck span register --source home" in refused.out
    assert "span/home port: ok" in refused.out and "wrong-token" not in refused.out + refused.err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        panel.port = taken.getsockname()[1]
        panel.configure()
        closed = shell("doctor")
    assert closed.code == 1 and "port: PROBLEM" in closed.out and "the connection was refused" in closed.out
    assert "-> Check the address and the port" in closed.out and "span/home panel" not in closed.out


def test_a_name_that_is_none_and_a_secret_that_is_nowhere(
    shell: Shell,  # noqa: F811
    config: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nowhere(*arguments: Any, **options: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no")

    monkeypatch.setattr("anyio.getaddrinfo", nowhere)
    write(config, '[[span]]\nname = "a"\nhost = "panel.invalid"\n[[span]]\nname = "b"\nhost = "127.0.0.1"\n'
                  'token = { env = "NO_SUCH_TOKEN" }\n')  # fmt: skip
    result = shell("doctor")
    assert result.code == 1
    assert "span/a name: PROBLEM the name panel.invalid was not found" in result.out
    assert "span/b token: PROBLEM environment variable NO_SUCH_TOKEN is not set" in result.out


def test_tls_where_there_is_none_is_said(shell: Shell, panel: Panel) -> None:  # noqa: F811
    write(panel.config, panel.config.read_text() + "use_ssl = true\n")
    result = shell("doctor", "--timeout", "2")
    assert result.code == 1 and "span/home tls: PROBLEM" in result.out and "-> Give the right `ca_file`" in result.out


def test_what_is_kept_is_named_by_its_own_place(shell: Shell, panel: Panel, deck_home: Path) -> None:  # noqa: F811
    kept = deck_home / "wattdeck" / "credentials" / "span" / "nt-1.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{")
    write(panel.config, panel.config.read_text() + 'api = "v2"\n')
    said = [line for line in shell("doctor").out.splitlines() if "span/home panel: PROBLEM" in line]
    assert len(said) == 1 and f"{kept}: the credentials kept there cannot be used" in said[0]


def test_files_that_cannot_be_lent_to_the_look_are_said_so(shell: Shell, panel: Panel, deck_home: Path) -> None:  # noqa: F811
    place = deck_home / "wattdeck" / "credentials" / "span"
    place.mkdir(parents=True)
    (place / "gone.json").symlink_to(place / "nowhere.json")
    result = shell("doctor")
    assert result.code == 1 and f"PROBLEM {deck_home / 'wattdeck'} cannot be read" in result.out
    assert topics(result.out) == TOPICS


def test_a_clock_that_is_off_is_a_note(shell: Shell, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr("wattdeck.core.probe.CLOCK_AGREES_S", -1.0)
    result = shell("doctor")
    assert result.code == 0 and re.search(r"span/home clock: note its clock is \d s (ahead of|behind) ours", result.out)


def test_a_configuration_that_is_none_at_all(shell: Shell, config: Path) -> None:  # noqa: F811
    nothing = shell("doctor")
    assert nothing.code == 2 and "config      PROBLEM there is none at" in nothing.out
    assert "journal     ok none yet" in nothing.out
    config.mkdir(parents=True)
    folder = shell("doctor")
    assert folder.code == 2 and "this is a directory" in folder.out


def test_every_mistake_of_a_configuration_is_told_and_no_secret(shell: Shell, config: Path) -> None:  # noqa: F811
    write(config, '[[span]]\nname = "a"\nhost = 5\ntoken = "very-secret-thing"\nport = 0\npassword = "hush-hush"\n')
    result = shell("doctor")
    assert result.code == 2 and result.out.count("config      PROBLEM") == 3
    assert "wattdeck config check" in result.out
    assert "very-secret" not in result.out and "hush" not in result.out and "journal" in result.out


def test_a_full_disk_is_said(shell: Shell, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = shell("doctor")
    assert result.code == 1 and "state       PROBLEM" in result.out and "No space left on device" in result.out
    assert "source      span/home panel: ok" in result.out


def test_a_plug_in_that_does_not_load_is_named(shell: Shell, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr("wattdeck.cli.plugin_problems", lambda: ["plug-in thermo: ImportError: no \x1b[31mthermo"])
    result = shell("doctor")
    assert result.code == 1 and "systems     PROBLEM plug-in thermo: ImportError: no [31mthermo" in result.out


@pytest.mark.parametrize(
    ("size", "verdict"), [((80, 24), Verdict.OK), ((70, 20), Verdict.NOTE), ((59, 24), Verdict.PROBLEM)]
)
def test_a_window_is_judged_by_what_it_can_show(size: tuple[int, int], verdict: Verdict) -> None:
    assert machine._size(*size).verdict is verdict


def test_a_terminal_is_told_with_what_lies_between(deck_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TMUX", "/tmp/x")
    monkeypatch.setenv("SSH_CONNECTION", "1.2.3.4 5 6.7.8.9 22")
    said = [finding.words for finding in machine.terminal()]
    assert "TERM=xterm-256color, all colours" in said and "reached through SSH, tmux" in said
    assert not [words for words in said if "1.2.3.4" in words]
    monkeypatch.setenv("NO_COLOR", "1")
    assert any("NO_COLOR" in finding.words for finding in machine.terminal())
    assert machine._characters("ANSI_X3.4-1968").verdict is Verdict.PROBLEM
    monkeypatch.delenv("NO_COLOR")
    assert machine._colours("dumb", "").verdict is Verdict.PROBLEM


def test_advice_stands_below_its_finding() -> None:
    found = Finding("source", Verdict.PROBLEM, "no", "span/home port", "Look.")
    assert found.lines() == ["source      span/home port: PROBLEM no", "            -> Look."]
    assert json.dumps(found.as_data())
