"""What an HTTP answer says: its JSON, its details, the error of its status."""

from __future__ import annotations

import json

import pytest

from wattdeck.core.answers import Answer, detail_of, json_body, status_error
from wattdeck.core.errors import AuthError, BadAnswer, Busy, CutShort, ServerFailure, StatusError, ValidationRefused


def test_json_bodies_are_read_and_numbers_that_are_none_become_none() -> None:
    answer = Answer(200, b'\xef\xbb\xbf{"a": NaN, "b": [Infinity, -Infinity], "c": -0.0}', {})
    assert json_body(answer, "x") == {"a": None, "b": [None, None], "c": 0.0}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty body"),
        (b"<!DOCTYPE html><html><b>502</b>", r"a web page \(HTML\) where JSON was due: “<!DOCTYPE"),
        (b'{"circuits":{"a":{"id":"a"', "JSON cut short"),
        (b'{"a": "b', "JSON cut short"),
        (b'{"a": tru', "JSON cut short"),
        (b'{"a": true xyz}', "not JSON"),
        (b"hello \x1b[31mred", "not JSON: “hello"),
        (b"{'a': 1}", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 10_000, "impossible number"),
        (b"\xff\xfe\x00", "not JSON"),
    ],
)
def test_what_is_not_json_is_told_in_words(body: bytes, words: str) -> None:
    with pytest.raises(BadAnswer, match=f"^panel: answered with .*{words}|^panel: .*{words}") as caught:
        json_body(Answer(200, body, {}), "panel:")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


def test_wherever_json_is_cut_it_is_told_from_what_is_none() -> None:
    whole = json.dumps({'a\u00e9"': {"on": True, "off": False, "none": None, "p": -12.5e3, "t": [1, {"x": "\\é \n"}]}})
    for end in range(1, len(whole)):
        with pytest.raises(CutShort):
            json_body(Answer(200, whole[:end].encode(), {}), "panel:")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"detail": "press the door switch"}, "press the door switch"),
        ({"detail": [{"loc": ["body", "name"], "msg": "too long", "type": "x"}]}, "body.name: too long"),
        ({"detail": [1, {"loc": 3}]}, "1; :"),
        ({"detail": {"a": 1}}, ""),
        ([], ""),
        ({"detail": "token=sesame-open \x1b[31m"}, "token=*** [31m"),
    ],
)
def test_details_of_error_answers(body: object, detail: str) -> None:
    assert detail_of(Answer(422, json.dumps(body).encode(), {})) == detail


def test_an_unreadable_error_answer_has_no_detail() -> None:
    assert detail_of(Answer(502, b"<html>", {})) == ""
    assert detail_of(Answer(502, b"[" * 20_000, {})) == ""


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (201, StatusError),
        (204, StatusError),
        (301, StatusError),
        (401, AuthError),
        (403, AuthError),
        (404, StatusError),
        (422, ValidationRefused),
        (429, Busy),
        (500, ServerFailure),
        (501, ServerFailure),
        (502, Busy),
        (503, Busy),
        (504, Busy),
    ],
)
def test_statuses_become_errors(status: int, kind: type[Exception]) -> None:
    error = status_error(Answer(status, b'{"detail":"because"}', {}), "panel (GET /x)")
    assert type(error) is kind
    assert str(status) in str(error)
    assert str(error).startswith("panel (GET /x): ")
