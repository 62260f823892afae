"""Settings: what loads, and what each mistake is told."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from wattdeck.core.config import RESERVED_KEYS, Lockout, SafetyConfig, UiConfig
from wattdeck.core.errors import ConfigError
from wattdeck.core.secrets import SecretRef
from wattdeck.core.settings import (
    CONFIG_BYTES_MAX,
    Settings,
    dump_settings,
    load_settings,
    parse_settings,
    write_config,
)
from wattdeck.core.system import System
from wattdeck.shell.config import example_text
from wattdeck.systems.aneel import SYSTEM as ANEEL
from wattdeck.systems.ccee import SYSTEM as CCEE
from wattdeck.systems.span import SYSTEM as SPAN
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.models import leg
from wattdeck.systems.usms import SYSTEM as USMS

SYSTEMS: Mapping[str, System] = {system.name: system for system in (SPAN, USMS, CCEE, ANEEL)}
TABLES = "[ui], [[span]], [[usms]], [[ccee]], [[aneel]]"
HERE = Path("/etc/wattdeck/config.toml")
SPAN_HOME = '[[span]]\nname = "home"\nhost = "192.168.1.100"\n'


@pytest.fixture(autouse=True)
def own_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("WATTDECK_CONFIG", "SPAN_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def parse(text: str, *, exposed: bool = False) -> Settings:
    return parse_settings(text, HERE, SYSTEMS, exposed=exposed)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return [problem.removeprefix(f"{HERE}: ") for problem in caught.value.problems]


def home(text: str) -> SpanConfig:
    source = parse(SPAN_HOME + text).by_id["span/home"]
    assert isinstance(source, SpanConfig)
    return source


def test_no_configuration_at_the_default_place_is_no_error(tmp_path: Path) -> None:
    settings = load_settings(None, SYSTEMS)
    place = tmp_path / "config/wattdeck/config.toml"
    assert settings == Settings(place, exists=False, sources={"span": (), "usms": (), "ccee": (), "aneel": ()})


def test_a_named_configuration_has_to_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.toml"
    with pytest.raises(ConfigError, match=re.escape(f"{path}: there is no such file")):
        load_settings(path, SYSTEMS)
    monkeypatch.setenv("WATTDECK_CONFIG", str(path))
    with pytest.raises(ConfigError, match=re.escape(f"{path}: there is no such file")):
        load_settings(None, SYSTEMS)
    path.write_text(SPAN_HOME)
    assert list(load_settings(None, SYSTEMS).by_id) == ["span/home"]


def test_a_minimal_source_gets_the_defaults() -> None:
    source = home("")
    assert (source.port, source.poll_s, source.control, source.token) == (80, 15.0, False, None)
    assert source.safety == SafetyConfig()
    assert source.safety.select_timeout_s == 10.0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a\xff", "line 1: not UTF-8"),
        (b"\n\n# \xe9", "line 3: not UTF-8"),
        (b"#" * (CONFIG_BYTES_MAX + 1), "larger than"),
    ],
)
def test_a_file_that_is_no_configuration_is_a_sentence(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=re.escape(f"{path}: {problem}")):
        load_settings(path, SYSTEMS)


def test_a_path_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    file = tmp_path / "file"
    file.write_text("")
    for path, problem in (
        (tmp_path, "this is a directory"),
        (file / "below", "cannot be read: Not a directory"),
        (loop, "cannot be read: "),
        (Path("nul\0"), "cannot be read: "),
    ):
        with pytest.raises(ConfigError, match=problem):
            load_settings(path, SYSTEMS)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(SPAN_HOME, encoding="utf-8-sig")
    assert list(load_settings(path, SYSTEMS).by_id) == ["span/home"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[span]]\nname "home"\n', "line 2, column 6: expected '=' after a key in a key/value pair"),
        ("[ui]\npaint_s = ", "line 2: invalid value (the file ends here)"),
        ("[ui]\npaint_s = 1\npaint_s = 2\n", "line 3, column 12: cannot overwrite a value"),
        ("paint_s = " + "9" * 5000, "a number in it is too long"),
        ("x = " + "[" * 20_000, "not TOML: nested too deeply"),
    ],
)
def test_broken_toml_says_where(text: str, problem: str) -> None:
    assert problems(text) == [problem]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('hots = "x"', 'line 4: [[span]] "home": unknown key "hots"; did you mean "host"?'),
        ("zzz = 1", 'line 4: [[span]] "home": unknown key "zzz"'),
        (
            "select_timeout_s = 9",
            'line 4: [[span]] "home": unknown key "select_timeout_s"; it belongs in the table "safety"',
        ),
        (
            "[span.safety]\ncontrol = true",
            'line 5: [[span]] "home": unknown key "safety.control"; it belongs one level up: '
            'move it above the table "safety"',
        ),
        (
            "[span.safety]\nmotor = []",
            'line 5: [[span]] "home": unknown key "safety.motor"; did you mean "motors"?',
        ),
        (
            "[sapn]",
            "line 4: unknown table [sapn]; did you mean [[span]]? "
            "known: [ui], [alarms], [[span]], [[usms]], [[ccee]], [[aneel]]",
        ),
        (
            "[[weather]]",
            "line 4: unknown table [weather]; known: [ui], [alarms], [[span]], [[usms]], [[ccee]], [[aneel]]",
        ),
        ("[ui]\ntheem = 'x'", 'line 5: [ui]: unknown key "theem"; did you mean "theme"?'),
        ("[[ui]]", "line 4: [ui]: expected one table, written with single brackets"),
    ],
)
def test_an_unknown_key_or_table_says_what_was_meant(text: str, problem: str) -> None:
    assert problems(SPAN_HOME + text) == [problem]


def test_keys_outside_tables_and_a_single_bracket_are_explained() -> None:
    assert problems('theme = "x"\nhost = "y"') == [
        'line 1: unknown key "theme"; it belongs in [ui]',
        'line 2: unknown key "host"; keys belong in a table',
    ]
    assert problems('[span]\nname = "home"') == [
        "line 1: [span]: write [[span]], in double brackets, once for each source"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('port = "80"', '"port": expected a whole number, not text'),
        ("port = 80.5", '"port": expected a whole number, not a number'),
        ("port = true", '"port": expected a whole number, not true or false'),
        ("port = 0", '"port": must be at least 1, not 0'),
        ("port = 65536", '"port": must be at most 65535, not 65536'),
        ("timeout_s = 0", '"timeout_s": must be above 0, not 0'),
        ("timeout_s = inf", '"timeout_s": must be a finite number'),
        ("poll_s = nan", '"poll_s": must be a finite number'),
        ("poll_s = true", '"poll_s": expected a number, not true or false'),
        ("control = 1", '"control": expected true or false, not a whole number'),
        ("control = 'yes'", '"control": expected true or false, not text'),
        ("solar_tabs = 30", '"solar_tabs": expected a list, not a whole number'),
        ("solar_tabs = [0]", '"solar_tabs[0]": must be at least 1, not 0'),
        ("solar_tabs = [30, 31, 32]", '"solar_tabs": must hold at most 2 entries'),
        ("ca_file = 5", '"ca_file": expected the path of a file, not a whole number'),
        ("safety = 5", '"safety": expected a table, not a whole number'),
        ("safety.motors = [5]", '"safety.motors[0]": expected text in quotes, not a whole number'),
        ("safety.motors = ['']", '"safety.motors[0]": must not be empty'),
        ("safety.select_timeout_s = 4", '"safety.select_timeout_s": must be at least 5, not 4'),
        ("safety.select_timeout_s = 31", '"safety.select_timeout_s": must be at most 30, not 31'),
        ("token = 5", '"token": expected { env = "NAME" }, '),
        ("token = { env = 'A', file = 'B' }", '"token": expected { env = "NAME" }, '),
        ("token = { env = '$A' }", '"token": env takes the name of an environment variable, without $'),
    ],
)
def test_a_wrong_value_says_what_was_expected(text: str, problem: str) -> None:
    (found,) = problems(SPAN_HOME + text)
    assert found.startswith(f'line 4: [[span]] "home": {problem}')


def test_a_wrong_value_is_not_repeated_when_it_is_text() -> None:
    text = 'port = "hush"\ncontrol = "hush"\ntoken = { hush = "hush-hush" }\nsafety = "hush"\nca_file = ["hush"]'
    found = problems(SPAN_HOME + text)
    assert len(found) == 5
    assert not any("hush" in problem for problem in found)


def test_a_required_key_that_is_missing_is_named() -> None:
    assert problems("[[span]]\n") == [
        'line 1: [[span]] number 1: the key "name" is missing',
        'line 1: [[span]] number 1: the key "host" is missing',
    ]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "-x", "a b", "x" * 65, "é"])
def test_a_name_that_could_be_no_file_name_is_refused(name: str) -> None:
    (found,) = problems(f'[[span]]\nname = "{name}"\nhost = "h"')
    assert '"name": expected at most 64 letters, digits, - _ .' in found


@pytest.mark.parametrize("second", ["home", "Home"])
def test_two_sources_of_one_name_clash(second: str) -> None:
    assert problems(f'{SPAN_HOME}[[span]]\nname = "{second}"\nhost = "h"') == [
        f'line 5: [[span]] "{second}": two sources of one name, the other on line 2; rename one'
    ]


def test_all_problems_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = f'[ui]\nmouse = "yes"\n[sapn]\n{SPAN_HOME}hots = 1\nport = "x"\n{SPAN_HOME}'
    assert [problem.split(": ")[0] for problem in problems(text)] == [
        "line 2",
        "line 3",
        "line 7",
        "line 8",
        "line 10",
    ]


def test_a_hostile_key_reaches_no_terminal() -> None:
    found = problems('[[span]]\nname = "\\u001b[31m"\nhost = "h"\n"\\u001b]0;x\\u202e" = 1\n["\\u009bx"]\n')
    assert not any({"\x1b", "\x9b", "\u202e"} & set(problem) for problem in found)


@pytest.mark.parametrize(
    ("host", "kept"),
    [
        ("192.168.1.100", "192.168.1.100"),
        ("span-nt-2143-c1akc.local", "span-nt-2143-c1akc.local"),
        ("panel", "panel"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("[2001:db8::7]", "2001:db8::7"),
    ],
)
def test_a_host_is_a_name_or_an_address(host: str, kept: str) -> None:
    config = SpanConfig(name="x", host=host)
    assert config.host == kept
    assert config.origin == (f"http://[{kept}]:80" if ":" in kept else f"http://{kept}:80")


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("http://192.168.1.100", "not a URL; give host ="),
        ("192.168.1.100/api", "not a URL; give host ="),
        ("192.168.1.100:8080", "give the port as port ="),
        ("[2001:db8::7]:443", "give the port as port ="),
        ("192.168.1.300", "neither a host name nor"),
        ("192.168.1", "neither a host name nor"),
        ("my panel", "neither a host name nor"),
        ("user@panel", "neither a host name nor"),
        ("panel\\n", "neither a host name nor"),
        ("", "must not be empty"),
    ],
)
def test_what_is_no_host_is_refused_with_what_to_write(host: str, problem: str) -> None:
    (found,) = problems(f'[[span]]\nname = "home"\nhost = "{host}"')
    assert problem in found


def test_the_port_follows_use_ssl_unless_given() -> None:
    assert home("use_ssl = true").origin == "https://192.168.1.100:443"
    assert home("use_ssl = true\nport = 8443").origin == "https://192.168.1.100:8443"


def test_solar_tabs_are_on_opposite_legs() -> None:
    assert home("solar_tabs = [30, 32]").solar_tabs == (30, 32)
    assert home("solar_tabs = [7]").solar_tabs == (7,)
    (found,) = problems(SPAN_HOME + "solar_tabs = [29, 30]")
    assert "spaces 29 and 30 are on the same leg, L1" in found


def test_files_are_relative_to_the_configuration() -> None:
    source = home('ca_file = "ca.pem"\ntoken = { file = "token" }')
    assert source.ca_file == HERE.parent / "ca.pem"
    assert source.token == SecretRef(file=str(HERE.parent / "token"))


def test_a_secret_reference_to_nothing_loads_and_fails_when_used() -> None:
    token = home('token = { env = "SPAN_TOKEN" }').token
    assert token is not None
    with pytest.raises(ConfigError, match="SPAN_TOKEN is not set"):
        token.reveal()


def test_a_plain_secret_in_a_file_others_can_read_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(SPAN_HOME + 'token = "hush-hush"')
    path.chmod(0o644)
    (warning,) = load_settings(path, SYSTEMS).warnings
    assert "span/home" in warning and "`token`" in warning and str(path) in warning and "chmod 600" in warning
    assert "hush-hush" not in warning
    path.chmod(0o600)
    assert load_settings(path, SYSTEMS).warnings == ()
    path.write_text(SPAN_HOME + 'token = { env = "SPAN_TOKEN" }')
    path.chmod(0o644)
    assert load_settings(path, SYSTEMS).warnings == ()


def test_a_secret_file_others_can_read_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x")
    (tmp_path / "token").chmod(0o644)
    path = tmp_path / "config.toml"
    path.write_text(SPAN_HOME + 'token = { file = "token" }')
    (warning,) = load_settings(path, SYSTEMS).warnings
    assert str(tmp_path / "token") in warning and "can be read by other users" in warning


def test_an_obsolete_key_is_still_taken_and_warned_of() -> None:
    settings = parse(SPAN_HOME + "cache_window_s = 1.0")
    assert settings.warnings == ("span/home: cache_window_s is obsolete and does nothing; the line can be taken out",)
    # What was never written is not written by us either.
    assert "cache_window_s" not in dump_settings({"span": list(parse(SPAN_HOME).sources["span"])})


def test_settings_that_are_seldom_meant_are_warned_of() -> None:
    settings = parse(SPAN_HOME + 'poll_s = 1\nca_file = "x"')
    assert settings.warnings == (
        "span/home: poll_s = 1: real panels want 5 s or more",
        "span/home: ca_file does nothing without use_ssl = true",
    )


def test_own_keys_are_checked_at_load() -> None:
    ui = parse('[ui]\nmouse = false\n[ui.keys]\n"span.relay" = "o"\n"usms.login" = "o"').ui
    assert ui.keys == {"span.relay": "o", "usms.login": "o"}
    assert (ui.mouse, ui.low_bandwidth) == (False, "auto")
    for keys, problem in (
        ('"span.relay" = "f5"', '"span.relay" cannot be on f5'),
        ('"span.relay" = "o"\n"span.priority" = "o"', '"span.relay" and "span.priority" are both on o'),
        ('"relay" = "o"', '"relay" is not a binding'),
        ('"span.relay" = "o,p"', '"span.relay" takes one key'),
    ):
        (found,) = problems(f"[ui.keys]\n{keys}")
        assert found.startswith(f'line 1: [ui]: "keys": {problem}')
    assert {"escape", "ctrl+q", "ctrl+s", "ctrl+z", "f1"} <= RESERVED_KEYS


def test_lines_are_found_past_multi_line_text_and_in_inline_tables() -> None:
    text = '[ui]\ntheme = """\nmouse = 1\n[sapn]\n"""\nmouse = 1\n'
    text += '[[span]]\nname="a"\nhost="h"\nsafety={motor=1}\n'
    assert problems(text) == [
        'line 6: [ui]: "mouse": expected true, false or "auto"',
        'line 10: [[span]] "a": unknown key "safety.motor"; did you mean "motors"?',
    ]


def test_a_written_configuration_is_private_and_loads(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    source = SpanConfig(name="home", host="h", token=SecretRef(plain="hush-hush"))
    write_config(path, dump_settings({"span": [source]}, plain_secrets=True))
    settings = load_settings(path, SYSTEMS)
    assert settings.by_id == {"span/home": source}
    assert settings.warnings == ()
    assert "hush-hush" not in dump_settings({"span": [source]})


def number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, exclude_min=low == 0)


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
file_names = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=40)
name_lists = st.lists(words, max_size=3).map(tuple)
secrets = st.one_of(
    st.none(),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True).map(lambda name: SecretRef(env=name)),
    file_names.map(lambda name: SecretRef(file=str(Path("/run", name)))),
    st.from_regex(r"[a-z/]{0,9}[a-z]/[a-z@.]{1,9}", fullmatch=True).map(lambda name: SecretRef(keyring=name)),
    words.map(lambda text: SecretRef(plain=text)),
)
tabs = st.lists(st.integers(1, 32), max_size=2).filter(lambda pair: len(pair) < 2 or leg(pair[0]) != leg(pair[1]))
safeties = st.builds(
    SafetyConfig,
    select_timeout_s=number(5, 30),
    max_operations_per_hour=st.integers(1, 120),
    motor_rest_s=number(0, 3600),
    motors=name_lists,
    feeds_this_session=name_lists,
    open_above_a=number(0, 1000),
    close_threshold_w=st.none() | number(0, 1_000_000),
    type_name_patterns=name_lists,
    grid_off_override=st.booleans(),
    lockouts=st.lists(st.builds(Lockout, circuit=words, reason=words, owner=words, since=st.dates()), max_size=2).map(
        tuple
    ),
)
span_configs = st.builds(
    SpanConfig,
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
    control=st.booleans(),
    poll_s=number(1, 86_400),
    safety=safeties,
    host=st.ip_addresses().map(str) | st.from_regex(r"[a-z][a-z0-9]{0,20}(\.local)?", fullmatch=True),
    port=st.integers(1, 65_535),
    use_ssl=st.booleans(),
    ca_file=st.none() | file_names.map(lambda name: Path("/etc", name)),
    timeout_s=number(0, 300),
    retries=st.integers(0, 10),
    retry_timeout_s=number(0, 60),
    retry_backoff_multiplier=number(1, 10),
    cache_window_s=st.none() | number(0, 60),
    show_unmapped=st.booleans(),
    solar_tabs=tabs.map(tuple),
    battery=st.booleans(),
    token=secrets,
    main_rating_a=st.none() | number(0, 1000),
)


@given(span_configs)
def test_what_is_dumped_loads_as_it_was(config: SpanConfig) -> None:
    text = dump_settings({"span": [config]}, plain_secrets=True)
    assert parse(text).sources["span"] == (config,)


NOT_SET_BY_DEFAULT = {
    "ui.keys",
    "alarms.command",
    "alarms.webhook",
    "alarms.webhook_authorization",
    "span.ca_file",
    "span.cache_window_s",
    "span.main_rating_a",
    "span.mqtt_port",
    "span.token",
    "span.alarms.breaker_a",
    "span.alarms.limits_w",
    "span.safety.close_threshold_w",
    "span.safety.lockouts",
    "usms.password",
    "ccee.cut_off_day",
    "aneel.agent_code",
    "aneel.customers",
    "aneel.profile",
}
"""Keys the example can only show with an example value, because unset is their default."""


def uncommented(text: str) -> str:
    """The example with every setting taken out of its comment: a single `# `, then a table or a key."""
    return re.sub(r'(?m)^# (?=\[|"|[a-z_]+ = )', "", text)


def keys_left_out(settings: BaseModel, written: Mapping[str, Any], place: str) -> set[str]:
    """Keys of a model, and of the models in it, that were not written."""
    missing = {f"{place}.{key}" for key in type(settings).model_fields} - {f"{place}.{key}" for key in written}
    for key in written:
        value = getattr(settings, key)
        inner = value[0] if isinstance(value, tuple) and value else value
        raw = written[key][0] if isinstance(value, tuple) and value else written[key]
        if isinstance(inner, BaseModel):
            missing |= keys_left_out(inner, raw, f"{place}.{key}")
    return missing


def values_changed(settings: BaseModel, place: str) -> set[str]:
    """Keys whose value is not their default; required keys do not count."""
    changed: set[str] = set()
    for key, info in type(settings).model_fields.items():
        value = getattr(settings, key)
        if isinstance(value, BaseModel):
            changed |= values_changed(value, f"{place}.{key}")
        elif not info.is_required() and value != info.get_default(call_default_factory=True):
            changed.add(f"{place}.{key}")
    return changed


def test_the_example_loads_as_it_is_and_needs_no_secret() -> None:
    settings = parse(example_text())
    assert list(settings.by_id) == ["span/home"]
    assert settings.ui == UiConfig()
    assert values_changed(settings.by_id["span/home"], "span") == set()
    assert settings.warnings == ()


def test_the_example_names_every_key_there_is() -> None:
    text = uncommented(example_text())
    settings, written = parse(text), tomllib.loads(text)
    assert keys_left_out(settings.ui, written["ui"], "ui") == set()
    assert keys_left_out(settings.alarms, written["alarms"], "alarms") == set()
    (panel,), (account,), (agent,), (distributor,) = (settings.sources[system] for system in SYSTEMS)
    assert keys_left_out(panel, written["span"][0], "span") == set()
    nothing_to_command = {"usms.control", "usms.safety"}
    assert keys_left_out(distributor, written["aneel"][0], "aneel") == {"aneel.control", "aneel.safety"}
    assert keys_left_out(account, written["usms"][0], "usms") == nothing_to_command
    assert keys_left_out(agent, written["ccee"][0], "ccee") == set()


def test_the_example_shows_defaults_as_they_are() -> None:
    settings = parse(uncommented(example_text()))
    changed = values_changed(settings.ui, "ui") | values_changed(settings.alarms, "alarms")
    for system in SYSTEMS:
        changed |= values_changed(settings.by_id[f"{system}/home"], system)
    assert changed == NOT_SET_BY_DEFAULT
