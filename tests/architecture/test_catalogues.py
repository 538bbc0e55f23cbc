"""Texts on screen: two catalogues with the same codes and parameters, without internal terms."""

import ast
import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from demo.tour import browser
from foundation.command_lines import is_command
from foundation.i18n.translation import LANGUAGES, Message, load_catalogue, render_message
from tests.architecture.tree import PACKAGES, ROOT, Source, product

BANNED = [
    line.strip()
    for line in browser.WORDS.read_text("utf-8").splitlines()
    if line.strip() and not line.startswith("#")
]
LONGEST_FIRST = "|".join(map(re.escape, sorted(BANNED, key=len, reverse=True)))
BANNED_WORD = re.compile(rf"(?<![\w-])({LONGEST_FIRST})(?![\w-])", re.IGNORECASE)
MARKUP = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<(style|script).*?</\1>|<[^>]*>", re.DOTALL)
SYSTEM = ("system.", "doctor.", "cli.")
"""Prefixes of codes of the System page, the doctor and commands: operators read internal terms."""

ERRORS = {
    "GreenroomError",
    "NotFound",
    "Refused",
    "Conflict",
    "BadInput",
    "Unavailable",
    "LeaseLost",
}
CODE = re.compile(r"[a-z][a-z0-9_]*(\.[A-Za-z0-9_]+)+")


READERS = {"text", "word"}
"""Functions that look up a code: `page.text("…")` in code, `word("…")` in a template."""

BEGUN = re.compile(r"\"([a-z][a-z0-9_.]*[._])\" ~ ")


def parameters(sentence: str) -> set[str]:
    return {
        name.split(":")[0]
        for _, name, _, _ in string.Formatter().parse(sentence)
        if name is not None and not is_command(name)
    }


def subclasses_of_errors() -> set[str]:
    """Return the names of all error classes, including those that packages define."""
    names = set(ERRORS)
    for _ in range(3):
        for source in product():
            for node in source.nodes(ast.ClassDef):
                if any(
                    isinstance(base, ast.Name | ast.Attribute) and _last(base) in names
                    for base in node.bases
                ):
                    names.add(node.name)
    return names


def _last(node: ast.expr) -> str:
    return (
        node.attr
        if isinstance(node, ast.Attribute)
        else node.id
        if isinstance(node, ast.Name)
        else ""
    )


def message_codes(files: Iterable[Source]) -> Iterator[tuple[str, set[str] | None, str]]:
    """Yield every code literal passed to `Message(` or an error, the parameters given (None when
    not literal) and the position."""
    errors = subclasses_of_errors()
    for source in files:
        for call in source.nodes(ast.Call):
            name, first = _last(call.func), call.args[0] if call.args else None
            if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
                continue
            where = f"{source.path}:{call.lineno}"
            if name in errors:
                given = (
                    None
                    if any(k.arg is None for k in call.keywords)
                    else {str(k.arg) for k in call.keywords}
                )
                yield first.value, given, where
            elif name == "Message":
                yield first.value, _keys(call.args[1] if len(call.args) > 1 else None), where


def looked_up_codes(
    files: Iterable[Source], templates: Iterable[tuple[str, str]]
) -> Iterator[tuple[str, set[str] | None, str]]:
    """Yield every code literal that code or a template looks up, the parameters given (None when
    they are not literal) and the position. A template is a pair of name and text."""
    for source in files:
        for call in source.nodes(ast.Call):
            given = (
                None
                if any(one.arg is None for one in call.keywords)
                else {str(one.arg) for one in call.keywords}
            )
            for code in _either(call.args[0]) if _last(call.func) in READERS and call.args else ():
                if CODE.fullmatch(code):
                    yield code, given, f"{source.path}:{call.lineno}"
    for name, text in templates:
        for asked in Environment().parse(text).find_all(nodes.Call):
            reader = getattr(
                asked.node, "attr", getattr(asked.node, "name", "")
            )  # voice.text("…"), word("…")
            given = None if asked.dyn_kwargs else {one.key for one in asked.kwargs}
            for code in _either(asked.args[0]) if reader in READERS and asked.args else ():
                if CODE.fullmatch(code):
                    yield code, given, f"{name}:{asked.lineno}"


def _either(code: ast.expr | nodes.Expr | None) -> Iterator[str]:
    """Yield the literals of a code expression: one literal, or both branches of a conditional."""
    if isinstance(code, ast.IfExp):
        yield from (*_either(code.body), *_either(code.orelse))
    elif isinstance(code, nodes.CondExpr):
        yield from (*_either(code.expr1), *_either(code.expr2))
    elif isinstance(code, ast.Constant | nodes.Const) and isinstance(code.value, str):
        yield code.value


def templates() -> Iterator[tuple[str, str]]:
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.html")):
        yield str(path.relative_to(ROOT)), path.read_text("utf-8")


def _keys(params: ast.expr | None) -> set[str] | None:
    if params is None:
        return set()
    if isinstance(params, ast.Dict) and all(isinstance(key, ast.Constant) for key in params.keys):
        return {str(key.value) for key in params.keys if isinstance(key, ast.Constant)}
    return None


@cache
def literals() -> frozenset[str]:
    """Return every string literal of the packages, and every word of a template or data file that
    looks like a code."""
    found = {str(node.value) for source in product() for node in source.strings()}
    for package in PACKAGES:
        for kind in ("*.html", "*.xml", "*.yaml", "*.js"):
            for path in (ROOT / package).rglob(kind):
                found |= {match[0] for match in CODE.finditer(path.read_text("utf-8"))}
    return frozenset(found)


@cache
def prefixes() -> tuple[str, ...]:
    """Return the beginnings of codes that f-strings complete: `f"reason.{name}"` uses every code
    under `reason.`."""
    begins = (
        node.values[0]
        for source in product()
        for node in source.nodes(ast.JoinedStr)
        if node.values
    )
    texts = {str(begin.value) for begin in begins if isinstance(begin, ast.Constant)}
    texts |= {
        text for text in literals() if text.endswith(("_", "."))
    }  # a beginning that another function completes
    for path in (
        path for package in PACKAGES for path in (ROOT / package).rglob("*.html")
    ):  # word("reason." ~ name) in templates
        texts |= {match[1] for match in BEGUN.finditer(path.read_text("utf-8"))}
    return tuple(
        text for text in texts if re.fullmatch(r"[a-z][a-z0-9_]*\.([a-z0-9_]+\.)*[a-z0-9_]*", text)
    )


def breaches(code: str, sentence: str) -> list[str]:
    if code.startswith(SYSTEM):
        return []
    visible = re.sub(r"\{[^}]*\}", " ", sentence)
    return [f"{code}: {match[0]!r} in {sentence!r}" for match in BANNED_WORD.finditer(visible)]


def test_both_languages_have_every_sentence_with_the_same_parameters() -> None:
    french, english = load_catalogue("fr"), load_catalogue("en")
    assert set(french) == set(english), set(french) ^ set(english)
    differ = [code for code in french if parameters(french[code]) != parameters(english[code])]
    assert not differ, differ


def test_catalogue_has_each_code_once() -> None:
    """Of two texts under one code only one would be used."""
    twice = []
    for path in sorted((ROOT / "foundation" / "locale").glob("*.po")):
        codes = Counter(re.findall(r'^msgid "(.+)"$', path.read_text("utf-8"), re.MULTILINE))
        twice += [f"{path.name}: {code}" for code, many in codes.items() if many > 1]
    assert twice == []


def test_every_catalogue_exists_in_both_languages() -> None:
    names = {path.name for path in (ROOT / "foundation/locale").glob("*.po")}
    owners = {name.split(".")[0] for name in names}
    assert names == {f"{owner}.{language}.po" for owner in owners for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_empty_or_fuzzy(language: str) -> None:
    for path in (ROOT / "foundation/locale").glob(f"*.{language}.po"):
        with path.open("rb") as file:
            entries = [entry for entry in read_po(file, locale=language) if entry.id]
        broken = [entry.id for entry in entries if not entry.string or entry.fuzzy]
        assert not broken, f"{path.name}: {broken}"


def test_every_code_in_the_tree_has_a_text() -> None:
    known = load_catalogue("en")
    missing = [
        f"{where}: {code}" for code, _, where in message_codes(product()) if code not in known
    ]
    assert not missing, "\n" + "\n".join(sorted(missing))


def test_messages_have_every_parameter_of_their_text() -> None:
    known = load_catalogue("en")
    lacking = [
        f"{where}: {code} needs {sorted(parameters(known[code]) - given)}"
        for code, given, where in message_codes(product())
        if given is not None and code in known and parameters(known[code]) - given
    ]
    assert not lacking, "\n" + "\n".join(lacking)


def test_looked_up_texts_have_every_parameter() -> None:
    """A page raises an error if it looks up a text without one of its parameters."""
    known = load_catalogue("en")
    wrong = [
        f"{where}: {code} needs {sorted(parameters(known.get(code, '{code}')) - given)}"
        for code, given, where in looked_up_codes(product(), templates())
        if given is not None and parameters(known.get(code, "{code}")) - given
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_every_code_prefix_in_a_template_matches_a_code() -> None:
    """`word("state.task." ~ name)` finds no text if no code has this prefix."""
    known = tuple(load_catalogue("en"))
    begun = [
        (name, match[1])
        for name, text in templates()
        for match in BEGUN.finditer(text)
        if "." in match[1]
    ]
    assert begun
    assert not [
        (name, begin) for name, begin in begun if not any(code.startswith(begin) for code in known)
    ]


def test_no_sentence_is_unused() -> None:
    unused = [
        code
        for code in load_catalogue("en")
        if code not in literals()
        and not code.startswith(("state.", "role."))
        and not code.startswith(prefixes())
    ]
    assert not unused, "\n" + "\n".join(unused)


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_use_no_internal_terms(language: str) -> None:
    found = [
        breach
        for code, sentence in load_catalogue(language).items()
        for breach in breaches(code, sentence)
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(("language", "wrong"), [("en", r"[\d}]\s%"), ("fr", r"[\d}]%")])
def test_percent_signs_follow_the_language(language: str, wrong: str) -> None:
    """English pages showed 80 % and 80% side by side."""
    found = [code for code, text in load_catalogue(language).items() if re.search(wrong, text)]
    assert not found, found


RAW_CURRENCY = re.compile(r"\{\{\s*(?:\w+\.)*\w*currency\s*\}\}")


def test_templates_show_the_name_of_a_currency() -> None:
    assert RAW_CURRENCY.search("<th>{{ section.currency }}</th>")
    raw = [
        f"{name}: {found[0]}" for name, text in templates() if (found := RAW_CURRENCY.search(text))
    ]
    assert not raw, raw


def test_templates_use_no_internal_terms() -> None:
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.html")):
            text = MARKUP.sub(" ", path.read_text("utf-8"))
            found += [
                f"{path.relative_to(ROOT)}: {match[0]!r}" for match in BANNED_WORD.finditer(text)
            ]
    assert not found, "\n" + "\n".join(found)


def test_planted_internal_term_is_found() -> None:
    assert breaches("planted.code", "Your Delivery waits in its lane.")
    assert breaches("planted.code", "Permits: {count}")
    assert not breaches("planted.code", "We are delivered: {delivery}.")
    assert not breaches("system.lanes", "Lanes: {count}")


def test_planted_code_is_found() -> None:
    source = Source(
        "gate/reviews/content_reviews.py",
        'raise Refused("planted.code", who="x")\nMessage("other.code", {"a": 1})\n',
    )
    assert list(message_codes([source])) == [
        ("planted.code", {"who"}, "gate/reviews/content_reviews.py:1"),
        ("other.code", {"a"}, "gate/reviews/content_reviews.py:2"),
    ]


def test_planted_lookup_is_found() -> None:
    source = Source("dashboard/desk.py", 'page.text("one.code" if x else "two.code", who="x")\n')
    template = (
        "desk.html",
        "<p>{{ word('three.code' if x else x, a=1) }}{{ voice.text('four.code') }}</p>",
    )
    assert list(looked_up_codes([source], [template])) == [
        ("one.code", {"who"}, "dashboard/desk.py:1"),
        ("two.code", {"who"}, "dashboard/desk.py:1"),
        ("three.code", {"a"}, "desk.html:1"),
        ("four.code", set(), "desk.html:1"),
    ]


def test_text_is_rendered_in_both_languages() -> None:
    message = Message("storage.unwritable", {"detail": "ENOSPC"})
    assert "ENOSPC" in render_message(message, "fr")
    assert render_message(message, "fr") != render_message(message, "en")


def test_missing_text_raises_key_error() -> None:
    for code in ("gate.planted", "connect.x.planted"):
        with pytest.raises(KeyError):
            render_message(Message(code), "fr")


def test_code_of_a_removed_package_is_rendered_from_its_name() -> None:
    assert (
        render_message(Message("planted.no_such_thing", {"status": 404}), "fr")
        == "Planted: no such thing (404)"
    )
