"""Rules of shape: sizes, names, money and unfinished work."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.rules.rule import EVERYWHERE, PRODUCT, rule
from tests.architecture.tree import Function, Source

Found = Iterator[tuple[ast.AST | int, str]]

LONGEST_FUNCTION = 60
LONGEST_TEST = 90
"""Lines of a test. A test may list facts one a line, so it may be longer than other functions."""

MONEY_NAME = re.compile(r"(^|_)(minor|amount|price|fee|tip|cents)(_|$)")
BAD_FILE = re.compile(r"(^|_)(utils?|helpers?|common|misc|manager)\.py$")
BAD_CLASS = re.compile(r"(Manager|Helpers?|Utils?)$")
UNFINISHED = re.compile(r"\b(TODO|FIXME)\b")


def long_functions(source: Source) -> Iterator[Function]:
    """Yield every function that is longer than the limit of its file."""
    for function in source.functions():
        if _length_of(function) > _limit_of(source):
            yield function


def _limit_of(source: Source) -> int:
    return LONGEST_TEST if source.path.startswith("tests/") else LONGEST_FUNCTION


def _length_of(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


@rule(
    why="functions grow beyond a page unless a lint limits them",
    only=(*PRODUCT, "tests/*", "migrations/*"),
    but=("migrations/versions/*",),
    breach="def plan():\n" + "    x = 1\n" * LONGEST_FUNCTION,
    twin="def plan():\n" + "    x = 1\n" * (LONGEST_FUNCTION - 1),
)
def functions_fit_on_a_page(source: Source) -> Found:
    """Limit functions to 60 lines, and tests to 90."""
    for function in long_functions(source):
        yield (
            function,
            f"{function.name} has {_length_of(function)} lines, at most {_limit_of(source)}",
        )


@rule(
    why="a module named utils collects every function without a better place",
    only=(*PRODUCT, "tests/*"),
    but=("dashboard/pages/calendar/label_manager.py",),  # the dialog has this name on screen
    breach="class QueueManager:\n    pass\n",
    twin="class Relay:\n    pass\n",
)
def names_are_specific(source: Source) -> Found:
    """Refuse modules named utils, helpers, common, misc or manager, and classes named *Manager,
    *Helper or *Utils."""
    if BAD_FILE.search(source.path):
        yield 1, "a name without a subject : name the module after its contents"
    for node in source.nodes(ast.ClassDef):
        if BAD_CLASS.search(node.name):
            yield node, f"class {node.name} : use a specific noun"


def _names_money(node: ast.AST) -> bool:
    name = (
        node.id
        if isinstance(node, ast.Name)
        else node.attr
        if isinstance(node, ast.Attribute)
        else ""
    )
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
def money_is_an_integer(source: Source) -> Found:
    """Refuse floats for money: annotations, `float(` and true division."""
    for node in source.nodes(ast.AnnAssign, ast.arg):
        target = node.target if isinstance(node, ast.AnnAssign) else ast.Name(node.arg)
        if _names_money(target) and _is_float(node.annotation):
            yield node, "money as a float : minor units, an int"
    for division in source.nodes(ast.BinOp):
        if isinstance(division.op, ast.Div) and (
            _names_money(division.left) or _names_money(division.right)
        ):
            yield division, "true division of money : // or foundation.money.split_amount"
    for call, name in source.calls():
        if name == "float" and call.args and _names_money(call.args[0]):
            yield call, "money as a float : minor units, an int"


@rule(
    why="a note in the code is never done; an issue is",
    only=EVERYWHERE,
    but=("tests/architecture/rules/*",),
    breach="X = 1  # TODO later\n",
    twin="X = 1  # the platform counts from one\n",
)
def no_unfinished_work(source: Source) -> Found:
    """Refuse comments that announce work to do."""
    for number, line in enumerate(source.lines, start=1):
        if UNFINISHED.search(line):
            yield number, "a comment about work to do : open an issue"


@rule(
    why="an `__init__.py` with imports broke a contract that stayed green and slowed every "
    "command down",
    only=(*PRODUCT, "tests/*", "migrations/*"),
    at="connectors/__init__.py",
    breach='"""Adapters for platforms."""\n\nimport sqlalchemy\n',
    twin='"""Adapters for platforms."""\n',
)
def packages_hold_a_docstring_only(source: Source) -> Found:
    """Require every `__init__.py` to be empty or to contain only a docstring."""
    if source.path.endswith("__init__.py"):
        body = source.tree.body[1:] if ast.get_docstring(source.tree) else source.tree.body
        for statement in body:
            yield statement, "an __init__.py with code"


CURRENCY_CHOICES = {"selectbox", "segmented_control", "radio", "pills", "multiselect"}
"""Widgets that show their options."""


def _names_currency(node: ast.AST) -> bool:
    name = (
        node.id
        if isinstance(node, ast.Name)
        else node.attr
        if isinstance(node, ast.Attribute)
        else ""
    )
    return name == "currency" or name.endswith("_currency")


def _mixes_currency_with_words(text: ast.JoinedStr) -> bool:
    """Return True if a currency stands beside a space or a parenthesis: it is not part of a key."""
    parts = text.values
    for number, part in enumerate(parts):
        if not isinstance(part, ast.FormattedValue) or not _names_currency(part.value):
            continue
        before, after = (
            str(one.value) if isinstance(one, ast.Constant) else ""
            for one in (
                parts[number - 1] if number else None,
                parts[number + 1] if number + 1 < len(parts) else None,
            )
        )
        if before[-1:] in {" ", "(", "\xa0"} or after[:1] in {" ", ")", "\xa0"}:
            return True
    return False


def _offers_currencies(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in CURRENCY_CHOICES:
        return False
    key = next((one.value for one in call.keywords if one.arg == "key"), None)
    return key is not None and "currency" in ast.unparse(key).lower()


@rule(
    why="members read XTR and XTS where they should read Stars and test money",
    but=(
        "foundation/money.py",  # `str(Money)`, which `format_parameter` formats
        "foundation/i18n/translation.py",  # the rule itself
        "subscribers/statements/file_reader.py",  # the key of a line
        "insights/rollups/metric_queries.py",  # SQL
    ),
    at="dashboard/pages/shop/payouts.py",
    breach='name = f"{label} ({one.currency})"\n',
    twin='key = f"{slot}:{one.currency}"\n',
)
def currencies_are_shown_by_name(source: Source) -> Found:
    """Refuse texts that contain the code of a currency, and choices without labels: use
    `currency_name` and `label_currency`."""
    for text in source.nodes(ast.JoinedStr):
        if _mixes_currency_with_words(text):
            yield text, "the code of a currency in a text : use currency_name"
    for call in source.nodes(ast.Call):
        if _offers_currencies(call) and "format_func" not in {one.arg for one in call.keywords}:
            yield call, "a choice of currencies without labels : use format_func"
