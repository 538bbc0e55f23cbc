"""Rules of names: modules and public functions."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.architecture.rules.rule import rule
from tests.architecture.tree import ROOT, Function, Source

Found = Iterator[tuple[ast.AST | int, str]]

PARTICIPLE = re.compile(r"[a-z]{2,}ing")
NOUNS_IN_ING = frozenset(
    (  # noqa: SIM905 easier to read
        "accounting billing booking branding counting drawing embedding encoding engineering"
        " fitting heading lettering lighting listing logging mailing mapping marketing morning"
        " onboarding opening pairing polling posting pricing publishing rating reading rescheduling"
        " ring routing setting sharing spacing string thing timing tracking training warning wiring"
    ).split()
)
"""Words in -ing that name a thing and may end the name of a module."""

ONE_WORD_FUNCTIONS = frozenset(
    (ROOT / "tests/architecture/one_word_functions.txt").read_text("utf-8").split()
)
"""Public functions of one word, as `module:name`. Their module is the object of the verb:
`outbox.put`."""


@rule(
    why="handing.py, seeing.py: a participle does not describe what the module contains",
    at="channels/sending/step_carrying.py",
    twin_at="gate/reviews/link_rating.py",
    breach="",
    twin="",
)
def modules_are_nouns(source: Source) -> Found:
    """Refuse a module whose name is a participle or ends with one."""
    last = PurePosixPath(source.path).stem.rsplit("_", 1)[-1]
    if PARTICIPLE.fullmatch(last) and last not in NOUNS_IN_ING:
        yield 1, f"a module named with a participle, {last} : use a noun"


def one_word_functions(source: Source) -> Iterator[Function]:
    """Yield every public function of one word. Methods are excluded: their class is the noun."""
    for node in source.tree.body:
        if isinstance(node, Function) and not node.name.startswith("_") and "_" not in node.name:
            yield node


@rule(
    why="four of five functions were one verb: a search for `read` or `settle` found every package",
    breach="def plan(scope):\n    return scope.now\n",
    twin="def plan_post(scope):\n    return scope.now\n",
)
def functions_name_verb_and_object(source: Source) -> Found:
    """Refuse a public function of one word that is not listed in `one_word_functions.txt`."""
    for function in one_word_functions(source):
        if f"{source.module}:{function.name}" not in ONE_WORD_FUNCTIONS:
            yield function, f"{function.name} : use a verb and an object"
