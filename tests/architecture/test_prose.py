"""Prose of the code and the catalogues: how docstrings begin, and words that are not used."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator

import pytest

from foundation.i18n.translation import load_catalogue
from tests.architecture.rules.vocabulary import BANNED_NAME, OPENINGS, banned_words
from tests.architecture.tree import Function, Source, product

PARAMETER = re.compile(r"\{[^}]*\}")

Found = Iterator[tuple[int, str]]


def docstrings(source: Source) -> Found:
    """Yield the line and the text of every docstring, those of constants and fields included."""
    for statement in source.nodes(ast.Expr):
        value = statement.value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield statement.lineno, value.value


def comments(source: Source) -> Found:
    """Yield the line and the text of every comment."""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def bad_openings(source: Source) -> Found:
    """Yield the docstrings that begin with What, Whether, Who and the like."""
    for line, text in docstrings(source):
        first = re.search(r"\w+", text)
        if first is not None and first[0].lower() in OPENINGS:
            yield line, first[0]


def banned_prose(source: Source) -> Found:
    """Yield the banned words of docstrings and comments."""
    for line, text in [*docstrings(source), *comments(source)]:
        for word in banned_words(text):
            yield line, word


def banned_names(source: Source) -> Found:
    """Yield the functions and classes whose name has a banned word."""
    for node in source.nodes(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef):
        name = (
            node.name if isinstance(node, Function) else re.sub(r"(?<!^)(?=[A-Z])", "_", node.name)
        )
        if BANNED_NAME.search(name.lower()):
            yield node.lineno, node.name


CHECKS = (bad_openings, banned_prose, banned_names)


def breaches(sources: Iterable[Source]) -> list[str]:
    """Return what every check finds, as `path:line word`."""
    return [
        f"{source.path}:{line} {word}"
        for source in sources
        for check in CHECKS
        for line, word in check(source)
    ]


def test_code_is_documented_in_plain_words() -> None:
    found = breaches(product())
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(("planted", "plain"), [
    ('"""What a rule knows of an account."""', '"""A rule of an account."""'),
    ('def count(rows):\n    """Whether rows count."""', 'def count(rows):\n    """Count rows."""'),
    ('LIMIT = 3\n"""How many posts wait."""', 'LIMIT = 3\n"""Posts that may wait."""'),
    ('"""Rules that nobody reads."""', '"""Rules without a reader."""'),
    ('"""Work that is under\nway."""', '"""Work in progress."""'),
    ("# the house forgets it\nlimit = 3", "# the installation drops it\nlimit = 3"),
    ("def count_anew():\n    pass", "def recount():\n    pass"),
    ("class RowHeard:\n    pass", "class ReceivedRow:\n    pass"),
])  # fmt: skip
def test_planted_breach_of_prose_is_found(planted: str, plain: str) -> None:
    assert len(breaches([Source("schedules/planted.py", planted)])) == 1
    assert breaches([Source("schedules/planted.py", plain)]) == []


def test_catalogue_has_no_banned_words() -> None:
    found = [
        f"{code}: {word}"
        for code, text in load_catalogue("en").items()
        for word in banned_words(PARAMETER.sub(" ", text))
    ]
    assert not found, "\n" + "\n".join(found)


def test_banned_word_in_a_text_is_found() -> None:
    assert banned_words("One post waits for a yes.") == ["a yes"]
    assert banned_words("1 post is pending approval.") == []
