"""The portal's HTML taken apart, without meaning: elements with the tolerant parser, ordinary pages by pattern.

An *ordinary* page is one that every HTML parser splits into tags in the same way: quoted attributes, no angle
bracket inside a value, scripts and comments that end where they seem to. Only such a page is read by pattern; the
rest goes to BeautifulSoup. Tests hold the two together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from wattdeck.core.errors import BadAnswer
from wattdeck.core.language import tr
from wattdeck.core.text import clean

if TYPE_CHECKING:
    from bs4 import BeautifulSoup
    from bs4.element import PageElement, Tag

PAGE_CHARS_MAX = 1_000_000
"""No page of the portal is longer; the tolerant parser takes seconds for more."""
CELLS_MAX = 64
NODES_MAX = 200
"""A cell of more parts is read up to here."""
TEXT_CHARS_MAX = 200
COMPLAINT_ID = "pcErr_lblErrMsg"

_REFERENCES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&nbsp;": "\xa0", "&#160;": "\xa0"}
_REFERENCES |= {"&sup3;": "³", "&#179;": "³", "&#xB3;": "³"}
_REFERENCE = re.compile("|".join(_REFERENCES))

_ATTRIBUTES = r"""(?:\s++[a-zA-Z_][-\w:.]*+(?:="[^"<>]*+"|='[^'"<>]*+'|=[^\s"'<>=`&/]++(?=[\s>]))?+)*+\s*+"""
_SPECIAL = "textarea|title|xmp|iframe|noembed|noframes|noscript|plaintext|svg|math|template|rt|rp"
_ASIDE = (
    r"<!--(?!-?>)(?:[^-]++|-(?!-))*+-->"
    rf"|<(script|style){_ATTRIBUTES}>(?:[^<]++|<(?!/?\s*+(?i:script|style)|!--))*+</\1>"
    r"|<title>[^<]*+</title>"
)
_ORDINARY = re.compile(
    rf"(?:\s*+<!(?i:doctype) [^<>\[\]]*+>)?+"
    rf"(?:[^<\0]++|</?(?!(?:script|style|{_SPECIAL})\b)[a-z][a-z0-9]*+{_ATTRIBUTES}/?>|{_ASIDE})*+",
    re.ASCII,
)
_ASIDES = re.compile(_ASIDE, re.ASCII)
_ATTRIBUTE = re.compile(r"""\s([a-zA-Z_][-\w:.]*+)(?:=(?:"([^"]*+)"|'([^']*+)'|([^\s"']++)))?+""", re.ASCII)
_COMPLAINT = re.compile(rf'<span(?=[^<>]*\sid="{COMPLAINT_ID}")[^<>]*+>([^<]*+)</span>')
_COMMENT_END = re.compile(r"--\s*>")
_NO_REFERENCE = re.compile(r"&(?!(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});)", re.ASCII)


def ordinary(html: str) -> str | None:
    """The page with `<!>` for scripts and comments, if every parser would agree on its tags; else None."""
    return _ASIDES.sub("<!>", html) if _ORDINARY.fullmatch(html) else None


def attributes(inside: str) -> dict[str, str] | None:
    """The attributes of an ordinary tag; None if a value holds a reference that parsers may read differently."""
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(inside):
        value = unescaped(double or single or bare)
        if value is None:
            return None
        found[name.lower()] = value
    return found


def unescaped(text: str) -> str | None:
    """Text of an ordinary page with its references resolved; None if it holds an unusual one."""
    if "&" not in text:
        return text
    if text.count("&") != len(_REFERENCE.findall(text)):
        return None
    return _REFERENCE.sub(lambda match: _REFERENCES[match[0]], text)


def tags(html: str, name: str) -> list[dict[str, str]]:
    """The attributes of every element of that name, which has no content, in order; names in lower case."""
    plain = ordinary(html)
    if plain is not None:
        found = [attributes(inside) for inside in re.findall(rf"<{name}(?![a-z0-9])([^<>]*)>", plain)]
        if all(one is not None for one in found):
            return [one for one in found if one is not None]
    return [attributes_of(tag) for tag in soup(html, name).find_all(name)]


def complaint(html: str) -> str:
    """The text inside the element that holds the page's error message; empty if there is none (usms.md 2.2)."""
    if COMPLAINT_ID not in html:
        return ""
    plain = ordinary(html)
    found = None if plain is None else ordinary_complaint(plain)
    if found is None:
        element = soup(html, id=COMPLAINT_ID).find(id=COMPLAINT_ID)
        found = "" if element is None else text(pieces(strings(element)))
    return found


def ordinary_complaint(plain: str) -> str | None:
    """The same of an ordinary page; None if the element is not as documented."""
    if COMPLAINT_ID not in plain:
        return ""
    match = _COMPLAINT.search(plain)
    said = unescaped(match[1]) if match is not None and plain.count(COMPLAINT_ID) == 1 else None
    return None if said is None else text(pieces((said,)))


def soup(html: str, *names: str, id: str | None = None) -> BeautifulSoup:  # noqa: A002 - the attribute's name
    """Everything inside the elements of these names, or with that id, read tolerantly.

    Raises:
        BadAnswer: nobody can read that page.
    """
    from bs4 import BeautifulSoup, SoupStrainer  # type: ignore[attr-defined]
    from bs4.exceptions import ParserRejectedMarkup

    try:
        # The element in front keeps the parser from guessing that the text is a file name or XML.
        page = f"<html>{_bounded(html)}"
        wanted = SoupStrainer(list(names)) if id is None else SoupStrainer(attrs={"id": id})
        return BeautifulSoup(page, "html.parser", parse_only=wanted, multi_valued_attributes=None)
    except (ParserRejectedMarkup, ValueError) as error:
        raise BadAnswer(tr("the portal sent a page that is not readable as HTML; try again later")) from error


def _bounded(html: str) -> str:
    """The page without what makes a parser give up or look through the rest again and again.

    That is: unfinished tags, comments and references, and marked sections.
    """
    html = html[: html.rfind(">", 0, PAGE_CHARS_MAX) + 1].replace("<![", "&lt;![")
    end = 0
    for match in _COMMENT_END.finditer(html):
        end = match.end()
    return _NO_REFERENCE.sub("&amp;", html[:end] + html[end:].replace("<!--", "&lt;!--"))


def attributes_of(tag: Tag) -> dict[str, str]:
    """The attributes of an element."""
    return {name: str(value) for name, value in tag.attrs.items()}


def attribute(tag: Tag, name: str) -> str:
    """One attribute; empty if it is not there."""
    value = tag.get(name)
    return value if isinstance(value, str) else ""


def has_class(tag: Tag, name: str) -> bool:
    """The element's classes include that one."""
    return name in attribute(tag, "class").split()


def strings(tag: Tag) -> Iterator[str]:
    """The texts inside an element, without comments and scripts; those of its first `NODES_MAX` parts."""
    from bs4.element import NavigableString

    for node in islice(_inside(tag), NODES_MAX):
        if type(node) is NavigableString:
            yield str(node)


def _inside(tag: Tag) -> Iterator[PageElement]:
    """Everything inside an element, in the page's order; the parser's own walk goes to the end before it begins."""
    from bs4.element import Tag

    waiting = [iter(tag.contents)]
    while waiting:
        node = next(waiting[-1], None)
        if node is None:
            waiting.pop()
            continue
        yield node
        if isinstance(node, Tag):
            waiting.append(iter(node.contents))


def pieces(texts: Iterable[str]) -> tuple[str, ...]:
    """The texts that say something, blanks made one, harmless and bounded."""
    stripped = (" ".join(text[: 10 * TEXT_CHARS_MAX].split()) for text in texts)
    return tuple(clean(text, TEXT_CHARS_MAX) for text in stripped if text)


def text(parts: Iterable[str]) -> str:
    """The pieces as one text."""
    return clean(" ".join(parts), TEXT_CHARS_MAX)


def cells(row: Tag) -> list[tuple[str, ...]]:
    """The texts of a row's cells, whether or not the page closes them; what is in a table within is its cell's."""
    from bs4.element import Tag

    found: list[tuple[str, ...]] = []
    waiting = [iter(row.contents)]
    while waiting and len(found) < CELLS_MAX:
        node = next(waiting[-1], None)
        if node is None:
            waiting.pop()
        elif isinstance(node, Tag) and node.name in ("td", "th"):
            found.append(pieces(own_strings(node)))
            # A cell right inside a cell is the next one of a page that does not close them.
            waiting.append(iter(node.contents))
    return found


def own_strings(cell: Tag) -> Iterator[str]:
    """The texts of a cell without those of cells right inside it: these follow it in a page without end tags."""
    from bs4.element import NavigableString, Tag

    for node in islice(cell.contents, NODES_MAX):
        if isinstance(node, Tag):
            if node.name not in ("td", "th", "tr"):
                yield from strings(node)
        elif type(node) is NavigableString:
            yield str(node)
