"""Changing values in a TOML text and leaving the rest of it as it is: comments, order, blank lines.

Whoever edits compares what the new text means with what was meant; a text too unusual for this module is written anew.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattdeck.core.toml_lines import Place, dotted_key, parts

LINES_OF_A_VALUE_MAX = 2000
"""A longer one is not worth finding the end of."""
INLINE_CHARS_MAX = 80
REMOVED = object()
"""In place of a value: the key is to go."""


class UnusualTextError(Exception):
    """The text is TOML, but not in a form that can be edited line by line."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A header or a key with its value."""

    place: Place
    table: Place
    """The table it stands in; a header's own place."""
    first: int
    last: int
    """Lines, from 0, both counted in."""
    header: bool
    comment: str
    """What follows the value or the header, with its `#`."""


def edited(text: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The text with the values of `new`, where `old` is what the text means now.

    Raises:
        UnusualTextError: it cannot be done line by line, or would not mean what was meant.
    """
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").split("\n")
    for place, value in _changes((), old, new):
        lines = _changed(lines, place, value, new)
    result = "\n".join(lines)
    try:
        reached = tomllib.loads(result)
    except (ValueError, RecursionError):
        raise UnusualTextError from None
    if not same(reached, new):
        raise UnusualTextError
    return result.replace("\n", ending)


def comments(text: str) -> list[str]:
    """Every comment in the text, in order.

    Raises:
        UnusualTextError: the text cannot be read line by line.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    statements = list(scan(lines))
    inside = {number for each in statements for number in range(each.first, each.last + 1)}
    own = [line.strip() for number, line in enumerate(lines) if number not in inside and line.strip()]
    return [*own, *(each.comment for each in statements if each.comment)]


def same(one: Any, other: Any) -> bool:
    """Whether two TOML values are the same, type and all: 1 is neither 1.0 nor true."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def value_text(value: Any) -> str:
    """A value on one line, as it stands after the `=`."""
    import tomli_w

    if isinstance(value, Mapping):
        inner = ", ".join(f"{key_text(str(key))} = {value_text(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(value_text, value))}]"
    return tomli_w.dumps({"x": value})[4:].rstrip("\n")


def key_text(key: str) -> str:
    """A key as TOML wants it: quoted where it has to be."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else value_text(key)


def scan(lines: Sequence[str]) -> Iterator[Statement]:
    """The statements of a text that is TOML.

    Raises:
        UnusualTextError: one of them cannot be told apart.
    """
    table: Place = ()
    counts: dict[Place, int] = {}
    number = 0
    while number < len(lines):
        line = lines[number].strip()
        if not line or line.startswith("#"):
            number += 1
        elif line.startswith("["):
            table = _entered(line, counts)
            yield Statement(table, table, number, number, True, _comment(lines[number]))
            number += 1
        else:
            key = dotted_key(lines[number])
            if key is None:
                raise UnusualTextError
            last = _end(lines, number)
            comment = _comment(lines[number]) if last == number else "".join(_inner_comments(lines, number, last))
            yield Statement((*table, *parts(key)), table, number, last, False, comment)
            number = last + 1


def _entered(line: str, counts: dict[Place, int]) -> Place:
    """The place a header opens; lists it passes through mean their newest entry."""
    try:
        inside: Any = tomllib.loads(line)
    except ValueError:
        raise UnusualTextError from None
    place: Place = ()
    while inside:
        key, inside = next(iter(inside.items()))
        place = (*place, key)
        if isinstance(inside, list):
            counts[place] = counts.get(place, -1) + 1
            inside = inside[0]
        if place in counts:
            place = (*place, counts[place])
    return place


def _end(lines: Sequence[str], first: int) -> int:
    """The last line of the value that begins on a line."""
    for last in range(first, min(len(lines), first + LINES_OF_A_VALUE_MAX)):
        try:
            tomllib.loads("\n".join(lines[first : last + 1]))
        except ValueError:
            continue
        except RecursionError:
            break
        return last
    raise UnusualTextError


def _comment(line: str) -> str:
    """The comment at the end of a line that is whole."""
    whole = tomllib.loads(line)
    for at in (found.start() for found in re.finditer("#", line)):
        try:
            if tomllib.loads(line[:at]) == whole:
                return line[at:].rstrip()
        except ValueError:
            continue
    return ""


def _inner_comments(lines: Sequence[str], first: int, last: int) -> Iterator[str]:
    """Signs of comments between the lines of a long value; too many rather than too few."""
    for line in lines[first : last + 1]:
        if "#" in line:
            yield line[line.index("#") :].strip()


def _changes(place: Place, old: Any, new: Any) -> Iterator[tuple[Place, Any]]:
    """What differs, one key or list at a time."""
    for key in [*old, *(key for key in new if key not in old)]:
        here = (*place, key)
        if key not in new:
            yield here, REMOVED
        elif key not in old:
            yield from _added(here, new[key])
        elif isinstance(old[key], dict) and isinstance(new[key], dict):
            yield from _changes(here, old[key], new[key])
        elif _is_tables(old[key]) and _is_tables(new[key]):
            yield from _entries(here, old[key], new[key])
        elif not same(old[key], new[key]):
            yield here, new[key]


def _added(place: Place, value: Any) -> Iterator[tuple[Place, Any]]:
    """A key that was not there. Tables and lists of them at the top get headers of their own."""
    if len(place) == 1 and _is_tables(value):
        yield from (((*place, index), item) for index, item in enumerate(value))
    elif len(place) == 1 and isinstance(value, dict) and value:
        yield from (((*place, key), item) for key, item in value.items())
    else:
        yield place, value


def _entries(place: Place, old: list[Any], new: list[Any]) -> Iterator[tuple[Place, Any]]:
    """What differs between two lists of tables: entries changed, one taken out, some put at the end."""
    if len(new) < len(old):
        gone = next((index for index, item in enumerate(new) if not same(item, old[index])), len(new))
        for _ in range(len(old) - len(new)):
            yield (*place, gone), REMOVED
        old = [*old[:gone], *old[gone + len(old) - len(new) :]]
    for index, item in enumerate(old):
        yield from _changes((*place, index), item, new[index])
    for index in range(len(old), len(new)):
        yield (*place, index), new[index]


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _changed(lines: list[str], place: Place, value: Any, new: Mapping[str, Any]) -> list[str]:
    """The lines with one change made."""
    statements = list(scan(lines))
    around = next((each for each in statements if not each.header and place[: len(each.place)] == each.place), None)
    if around is not None:
        if around.place != place:
            # Part of a value that is written on one line: the whole of it is written again.
            value = _at(new, around.place)
        return _replaced(lines, around, value)
    if value is REMOVED:
        return _without(lines, statements, place)
    if place and isinstance(place[-1], int):
        return _with_entry(lines, place, value)
    return _with_key(lines, place, value)


def _at(data: Any, place: Place) -> Any:
    try:
        for part in place:
            data = data[part]
    except (KeyError, IndexError):
        return REMOVED
    return data


def _replaced(lines: list[str], of: Statement, value: Any) -> list[str]:
    if value is REMOVED:
        return [*lines[: of.first], *lines[of.last + 1 :]]
    key = re.match(r"\s*", lines[of.first])[0] + (dotted_key(lines[of.first]) or "")  # type: ignore[index]
    comment = f"  {of.comment}" if of.comment and of.first == of.last else ""
    return [*lines[: of.first], f"{key} = {value_text(value)}{comment}", *lines[of.last + 1 :]]


def _without(lines: list[str], statements: Sequence[Statement], place: Place) -> list[str]:
    """The lines without a table and what is below it. A comment that leads to what comes next stays."""
    gone = [each for each in statements if each.place[: len(place)] == place]
    if not gone:
        raise UnusualTextError
    keep = list(lines)
    for run in _runs(statements, gone):
        for number in range(run[0].first, run[-1].last + 1):
            keep[number] = "\0"
    return [line for line in keep if line != "\0"]


def _runs(statements: Sequence[Statement], chosen: Sequence[Statement]) -> Iterator[list[Statement]]:
    """Neighbours among the chosen statements."""
    run: list[Statement] = []
    for each in statements:
        if each in chosen:
            run.append(each)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _with_key(lines: list[str], place: Place, value: Any) -> list[str]:
    """The lines with one more key: after the line where it is commented out, else after the keys of its table."""
    if isinstance(value, dict) and value and len(place) > 1:
        for key, item in value.items():
            lines = _with_key(lines, (*place, key), item)
        return lines
    statements = list(scan(lines))
    tables = {each.table for each in statements}
    table = next((place[:depth] for depth in range(len(place) - 1, 0, -1) if place[:depth] in tables), ())
    name = ".".join(key_text(str(part)) for part in place[len(table) :])
    written = f"{name} = {value_text(value)}"
    if not table:
        if len(place) == 1:
            return [written, *lines]
        return _appended(lines, [f"[{key_text(str(place[0]))}]", _relative(place, value)])
    own = [each for each in statements if each.table == table]
    last = max(each.last for each in own)
    end = min((each.first for each in statements if each.first > last), default=len(lines))
    offered = re.compile(rf"\s*#+\s*{re.escape(name)}\s*=")
    at = next((number for number in range(own[0].first, end) if offered.match(lines[number])), last)
    return [*lines[: at + 1], written, *lines[at + 1 :]]


def _relative(place: Place, value: Any) -> str:
    return f"{'.'.join(key_text(str(part)) for part in place[1:])} = {value_text(value)}"


def _with_entry(lines: list[str], place: Place, value: Mapping[str, Any]) -> list[str]:
    """The lines with one more entry of a list of tables: at the end, or after those of a list inside a table."""
    name = ".".join(key_text(part) for part in place if isinstance(part, str))
    written = table_lines(name, value)
    if len(place) == 2:
        return _appended(lines, written)
    before = [each for each in scan(lines) if each.place[: len(place) - 1] == place[:-1]]
    if not before:
        raise UnusualTextError
    at = max(each.last for each in before)
    return [*lines[: at + 1], "", *written, *lines[at + 1 :]]


def table_lines(name: str, value: Mapping[str, Any]) -> list[str]:
    """A `[[name]]` with what is in it, its tables last. The name is written as it is."""
    plain = {key: item for key, item in value.items() if not isinstance(item, dict)}
    lines = [f"[[{name}]]", *_body(plain)]
    for key, item in value.items():
        if isinstance(item, dict):
            short = f"{key_text(key)} = {value_text(item)}"
            if len(item) == 1 and len(short) <= INLINE_CHARS_MAX:
                lines.insert(1 + len(_body(plain)), short)
            else:
                lines += ["", f"[{name}.{key_text(key)}]", *_body(item)]
    return lines


def _body(value: Mapping[str, Any]) -> list[str]:
    return [f"{key_text(key)} = {value_text(item)}" for key, item in value.items()]


def _appended(lines: list[str], more: Sequence[str]) -> list[str]:
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    return [*kept, *([""] if kept else []), *more, ""]
