"""The timeline without an app: order, filter, rows, files."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from wattdeck.core import language
from wattdeck.core.alarm import AlarmRule, Priority
from wattdeck.core.alarm_events import AlarmEvent, What
from wattdeck.core.chain import Record
from wattdeck.core.dates import date_text
from wattdeck.core.lines import arrange, cell_width, cells_line, line_width, plain
from wattdeck.core.timeline import Kind, documents, matching, merged, of_alarms, of_command
from wattdeck.core.timeline_lines import COLUMNS, detail_lines, row_of, title_of

NOW = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
RULE = AlarmRule("span.door", Priority.LOW, "Door open", "Anybody can reach in. " * 6, "Close it.")
HOSTILE = "[b]x[/b]\x1b[31m\n=cmd\N{HIRAGANA LETTER A}" * 9


def event(minutes: int, words: str = "Door open", what: What = What.RAISED) -> AlarmEvent:
    return AlarmEvent(NOW + timedelta(minutes=minutes), what, "span/home:span.door:", "span/home", "span.door",
                      Priority.LOW, words=words)  # fmt: skip


def record(minutes: int, **fields: object) -> Record:
    body = {"source": "span/shop", "name": "Heat Pump", "from_state": "closed", "to_state": "open", "user": "ana"}
    return Record(1, NOW + timedelta(minutes=minutes), "confirm", body | fields, "", 100 + minutes)


def test_both_kinds_stand_newest_first_and_no_more_than_asked_for() -> None:
    found = merged(of_alarms([event(-9), event(-3)]), [of_command(record(-5))])
    assert [(each.kind, each.what) for each in found] == [
        (Kind.ALARM, "raised"), (Kind.COMMAND, "confirm"), (Kind.ALARM, "raised"),
    ]  # fmt: skip
    assert len(merged(of_alarms([event(-at) for at in range(50)]), [], 10)) == 10


def test_every_word_has_to_be_said() -> None:
    found = merged(of_alarms([event(-9)]), [of_command(record(-5))])

    def kinds(words: str, kind: Kind | None = None) -> list[str]:
        return [each.kind for each in matching(found, words, kind)]

    assert kinds("") == ["command", "alarm"]
    assert kinds("LOW alarm") == ["alarm"]
    assert kinds("shop heat") == ["command"]
    assert kinds("span ana") == ["command"]
    assert kinds("span", Kind.ALARM) == ["alarm"]
    assert kinds("nobody") == []


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_rows_and_details_fit_and_nothing_of_others_steers_the_terminal(width: int) -> None:
    hostile = of_command(record(-1, name=HOSTILE, sentence=HOSTILE, outcome=HOSTILE, user=HOSTILE))
    places = arrange(COLUMNS, width)
    for each in (hostile, of_alarms([event(-2)])[0]):
        row = row_of(each, None, blink=True)
        assert line_width(cells_line(row.cells, places)) <= width
        lines = detail_lines(each, None, {RULE.name: RULE}, NOW, width)
        assert all(line_width(line) <= width for line in lines)
        assert "\x1b" not in plain(lines) + title_of(each) + "".join(text for text, _ in row.cells)


def test_files_hold_what_is_shown_and_no_formula() -> None:
    found = merged(of_alarms([event(-9, "=cmd|calc")]), [of_command(record(-5))])
    made = documents(found)
    rows = json.loads(made[".json"])
    assert [row["kind"] for row in rows] == ["command", "alarm"] and rows[1]["at"] == "2026-11-20T11:21:00Z"
    assert "'=cmd|calc" in made[".csv"] and made[".csv"].startswith("at,kind,what,priority,source,object,words,who")
    assert made[".txt"].count("\n") == 2


def test_a_command_is_read_in_the_language_and_exported_in_english() -> None:
    asked = of_command(record(-1, kind="relay", power_w=50.3, outcome="confirmed", sentence="", cause="none"))
    language.use("pt_BR")
    cells = [text for text, _ in row_of(asked, None, blink=False).cells]
    row = dict(zip([column.key for column in COLUMNS], cells, strict=True))
    assert (row["what"], row["words"]) == ("confirmado", "fechado -> aberto: confirmed")
    assert row["time"].startswith("20/11 ")
    said = plain(detail_lines(asked, None, {}, NOW, 78))
    assert (
        "Potência      50 W" in said
        and "Resultado     confirmado" in said
        and "power_w" not in said
        and "Causa" not in said
    )
    assert matching([asked], "confirmado fechado") == matching([asked], "confirm closed") == [asked]
    (exported,) = json.loads(documents([asked])[".json"])
    assert (exported["what"], exported["words"]) == ("confirm", "closed -> open: confirmed")


def test_a_commands_object_is_said_where_its_column_has_no_room() -> None:
    asked = of_command(record(-1, outcome="confirmed"))
    assert "object" not in [column.key for _, column, _, _ in arrange(COLUMNS, 80)]
    with_room, without = (row_of(asked, None, blink=False, objects=objects).cells[5][0] for objects in (True, False))
    assert without == f"Heat Pump: {with_room}"


def test_a_day_of_answers_fits_the_column_of_objects() -> None:
    width = next(column.width for column in COLUMNS if column.key == "object")
    for code in ("en", "pt_BR", "ms"):
        language.use(code)
        day = date_text(NOW.date())
        assert cell_width(language.tr("answers of {day}", day=day)) <= width
