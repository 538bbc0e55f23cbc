"""Rules of shape: sizes, names, money, and words that belong to nobody's product."""

import ast
import re
from collections.abc import Iterator

from tests.house.rules.rule import EVERYWHERE, PRODUCT, rule
from tests.house.tree import Source

Found = Iterator[tuple[ast.AST | int, str]]

LONGEST_FUNCTION = 60
LONGEST_FILE = 400
MONEY_NAME = re.compile(r"(^|_)(minor|amount|price|fee|tip|cents)(_|$)")
BAD_FILE = re.compile(r"(^|_)(utils?|helpers?|common|misc|manager)\.py$")
BAD_CLASS = re.compile(r"(Manager|Helpers?|Utils?)$")
UNFINISHED = re.compile(r"\b(TODO|FIXME)\b")


@rule(
    why="no code base that was read keeps functions short without a lint",
    only=(*PRODUCT, "tests/*", "migrations/*"),
    but=("migrations/versions/*",),
    breach="def plan():\n" + "    x = 1\n" * LONGEST_FUNCTION,
    twin="def plan():\n" + "    x = 1\n" * (LONGEST_FUNCTION - 1),
)
def functions_fit_on_a_page(source: Source) -> Found:
    """At most 60 lines."""
    for function in source.functions():
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > LONGEST_FUNCTION:
            yield function, f"{function.name} has {length} lines, at most {LONGEST_FUNCTION}"


@rule(
    why="a file of 4,000 lines is three rooms without walls; split by act",
    only=(*PRODUCT, "tests/*", "migrations/*"),
    but=("migrations/versions/*",),
    breach="X = 1\n" * LONGEST_FILE,
    twin="X = 1\n" * (LONGEST_FILE - 1),
)
def files_stay_short(source: Source) -> Found:
    """Fewer than 400 lines."""
    if len(source.lines) >= LONGEST_FILE:
        yield 1, f"{len(source.lines)} lines, fewer than {LONGEST_FILE}"


@rule(
    why="nouns for nothing collect what nobody could name",
    only=(*PRODUCT, "tests/*"),
    breach="class QueueManager:\n    pass\n",
    twin="class Relay:\n    pass\n",
)
def names_say_something(source: Source) -> Found:
    """No utils, helpers, common; no *Manager, *Helper, *Utils."""
    if BAD_FILE.search(source.path):
        yield 1, "a file named after nothing : name it after its act"
    for node in source.nodes(ast.ClassDef):
        if BAD_CLASS.search(node.name):
            yield node, f"class {node.name} : say what it is"


def _names_money(node: ast.AST) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return bool(MONEY_NAME.search(name))


def _is_float(annotation: ast.AST | None) -> bool:
    return annotation is not None and any(
        isinstance(part, ast.Name) and part.id == "float" for part in ast.walk(annotation)
    )


@rule(
    why="0.1 + 0.2: a ledger in floats did not balance after one day",
    only=(*PRODUCT, "tests/*", "migrations/*"),
    breach="def half(amount_minor: int) -> int:\n    return int(amount_minor / 2)\n",
    twin="def half(amount_minor: int) -> int:\n    return amount_minor // 2\n",
)
def money_is_counted(source: Source) -> Found:
    """No float for money: annotations, `float(`, true division."""
    for node in source.nodes(ast.AnnAssign, ast.arg):
        target = node.target if isinstance(node, ast.AnnAssign) else ast.Name(node.arg)
        if _names_money(target) and _is_float(node.annotation):
            yield node, "money as a float : minor units, an int"
    for division in source.nodes(ast.BinOp):
        if isinstance(division.op, ast.Div) and (_names_money(division.left) or _names_money(division.right)):
            yield division, "true division of money : // or foundation.money.split_amount"
    for call, name in source.calls():
        if name == "float" and call.args and _names_money(call.args[0]):
            yield call, "money as a float : minor units, an int"


@rule(
    why="a note to oneself is not done by anybody: an issue is",
    only=EVERYWHERE,
    but=("tests/house/rules/*",),
    breach="X = 1  # TODO later\n",
    twin="X = 1  # the platform counts from one\n",
)
def nothing_is_left_for_later(source: Source) -> Found:
    """No such notes."""
    for number, line in enumerate(source.lines, start=1):
        if UNFINISHED.search(line):
            yield number, "a note to oneself"


@rule(
    why="import-linter reads no `__init__.py`: one that imported SQLAlchemy broke a contract that stayed green",
    only=(*PRODUCT, "tests/*", "migrations/*"),
    at="connectors/__init__.py",
    breach="import sqlalchemy\n",
    twin="",
)
def packages_are_empty(source: Source) -> Found:
    """Every `__init__.py` is empty."""
    if source.path.endswith("__init__.py") and source.text.strip():
        yield 1, "an __init__.py with code"
