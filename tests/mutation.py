"""Mutation score of the gate: the share of small changes of its code that the quick tests find.

`make mutation` tries every mutant, which takes hours; `make mutation MUTANTS=300` tries a sample
that is the same for the same code. Results remain valid, also after Ctrl-C, until the function
changes; `AGAIN=1` retries survivors after a test was written for them. A mutant counts as found
when a test that reaches its function fails or does not end. Survivors are checked by two other
stages of `make test`: mypy, and the rule that every code has a text; these count too, in separate
columns. SQL that differs only in the case of its keywords is the same statement and is not counted.
mutmut creates and runs the mutants; their PostgreSQL servers are started once and their database is
copied for each.
"""

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, replace
from hashlib import sha256
from io import StringIO
from itertools import groupby
from math import sqrt
from pathlib import Path

from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants
from mutmut.mutation.data import MutantLineSpans, SourceFileMutationData
from mutmut.mutation.diff_apply import generated_function_names, get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

from foundation.i18n.translation import load_catalogue
from tests.architecture.test_catalogues import message_codes, parameters
from tests.architecture.tree import Source
from tests.conftest import RUNNING, UNTOUCHED, started

ROOT = Path(__file__).resolve().parents[1]
FATES = ("killed", "timeout", "types", "words", "survived", "no tests", "same")
NEW = "not checked"
FOUND = frozenset({"killed", "timeout", "types", "words"})
SAME = "same"
SEEN = Path("mutants/read.json")
"""Verdicts of mypy and of the catalogue rule, by the digest of the mutated file."""

BESIDE = os.cpu_count() or 1
"""Number of mutants that are tried in parallel."""

CONFIDENCE = 1.96
"""Standard deviations on each side of an interval of 95 % confidence."""


@dataclass(frozen=True)
class Mutant:
    """A small change of the code and its result."""

    file: str
    name: str
    fate: str

    @property
    def found(self) -> bool:
        return self.fate in FOUND


def mutants() -> list[Mutant]:
    """Return every mutant of the gate from `mutants/`."""
    return list(_read())


def _read() -> Iterator[Mutant]:
    for path in sorted(walk_mutatable_files()):
        data = SourceFileMutationData(path=path)
        data.load()
        for name, code in data.exit_code_by_key.items():
            yield Mutant(str(path), name, status_by_exit_code[code])


def sample(everything: list[Mutant], size: int, seed: str) -> list[Mutant]:
    """Return the first `size` mutants in an order by seed and name, so that a larger sample
    contains a smaller one."""
    return sorted(everything, key=lambda one: sha256(f"{seed}{one.name}".encode()).digest())[:size]


def interval(found: int, tried: int) -> tuple[float, float]:
    """Return the interval of 95 % confidence for a share (Wilson, 1927: valid near one too)."""
    share, squared = found / tried, CONFIDENCE**2
    middle, scale = share + squared / (2 * tried), 1 + squared / tried
    reach = CONFIDENCE * sqrt(share * (1 - share) / tried + squared / (4 * tried**2))
    return (middle - reach) / scale, (middle + reach) / scale


def read(some: list[Mutant]) -> list[Mutant]:
    """Return the mutants; those that no test finds get the verdict of the types or of the
    catalogues."""
    seen: dict[str, str] = json.loads(SEEN.read_text("utf-8")) if SEEN.exists() else {}
    judged = [
        one if one.found or one.fate == NEW else replace(one, fate=_judged(one, seen) or one.fate)
        for one in some
    ]
    SEEN.write_text(json.dumps(seen), "utf-8")
    return judged


def _judged(one: Mutant, seen: dict[str, str]) -> str:
    changed = _changed(one)
    key = sha256(f"{one.file}\n{changed}".encode()).hexdigest()
    if key not in seen:
        same = folded(changed) == folded(Path(one.file).read_text("utf-8"))
        unsaid = not same and _unsaid(one.file, changed)
        seen[key] = (
            SAME if same else "words" if unsaid else "types" if _mistyped(one.file, changed) else ""
        )
    return seen[key]


_KEPT_OR_NOT = re.compile(r"""('[^']*'|"[^"]*"|:\w+)|([A-Z]+)""")
"""Matches quoted text and parameters, which are case-sensitive, and keywords and names, which are
not:

https://www.postgresql.org/docs/16/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
"""


class _Folding(ast.NodeTransformer):
    """Convert every statement passed to `run` to lower case where that does not change it."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        said = (
            node.args[0]
            if isinstance(node.func, ast.Attribute) and node.func.attr == "run" and node.args
            else None
        )
        if isinstance(said, ast.Constant) and isinstance(said.value, str):
            said.value = _KEPT_OR_NOT.sub(lambda found: found[1] or found[2].lower(), said.value)
        return self.generic_visit(node)


def folded(code: str) -> str:
    """Return a form of the code that ignores its layout and the case of SQL keywords."""
    return ast.dump(_Folding().visit(ast.parse(code)))


def _changed(one: Mutant) -> str:
    """Return the file with the mutant in place of the original function."""
    spans = MutantLineSpans.load(one.file)
    if spans is None:
        raise SystemExit(f"mutants/{one.file} is incomplete: delete mutants/ and start again")
    name = orig_function_and_class_names_from_key(one.name)[0].rpartition(".")[-1]
    texts = spans.read_function_sources(generated_function_names(one.name))
    before, after = (
        re.sub(r"def \S+?__mutmut_(?:orig|\d+)\(", f"def {name}(", text, count=1) for text in texts
    )
    whole = Path(one.file).read_text("utf-8")
    return whole.replace(before.strip("\n"), after.strip("\n"), 1)


def _unsaid(file: str, code: str) -> bool:
    known = load_catalogue("en")
    return any(
        said not in known or (given is not None and parameters(known[said]) - given)
        for said, given, _ in message_codes([Source(file, code)])
    )


def _mistyped(file: str, code: str) -> bool:
    with tempfile.NamedTemporaryFile("w", suffix=".py", encoding="utf-8") as shadow:
        shadow.write(code)
        shadow.flush()
        command = [
            sys.executable,
            "-m",
            "mypy",
            "--cache-dir",
            "mutants/.mypy_cache",
            "--shadow-file",
            file,
        ]
        found = subprocess.run(
            [*command, shadow.name, file], stdout=subprocess.DEVNULL, check=False
        )
    return found.returncode != 0


def table(tried: Iterable[Mutant], whole: int) -> Iterator[str]:
    """Yield the figures as Markdown, a line for each file and one for all."""
    rows = sorted(tried, key=lambda one: one.file)
    yield f"| file | mutants | {' | '.join(FATES)} | score |"
    yield "|---|" + "---|" * (len(FATES) + 2)
    for file, group in groupby(rows, key=lambda one: one.file):
        yield _row(f"`{file}`", list(group))
    yield _row("**all**", rows)
    changed = [one for one in rows if one.fate != SAME]
    low, high = interval(sum(one.found for one in changed), len(changed))
    yield ""
    yield (
        f"{len(changed)} of {whole} mutants; the score of all lies between {low:.1%} and {high:.1%} with "
        "95 % confidence."
    )


def _row(title: str, some: list[Mutant]) -> str:
    fates = Counter(one.fate if one.fate in FATES else "survived" for one in some)
    score = sum(one.found for one in some) / max(1, len(some) - fates[SAME])
    return (
        f"| {title} | {len(some)} | {' | '.join(str(fates[fate]) for fate in FATES)} | "
        f"{score:.1%} |"
    )


def run(names: list[str]) -> None:
    """Try these mutants in parallel, each with a copy on one of the PostgreSQL servers that run for
    the whole call."""
    with ExitStack() as open_ones:
        folders = [
            Path(open_ones.enter_context(tempfile.TemporaryDirectory())) for _ in range(BESIDE)
        ]
        ports = [open_ones.enter_context(started(folder, UNTOUCHED)).port for folder in folders]
        environment = {**os.environ, RUNNING: ",".join(str(port) for port in ports)}
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(BESIDE), *names]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)


def main() -> None:
    """Create the mutants, try the requested ones without a result, and print the results."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--mutants", type=int, default=0, help="size of the sample; 0 means all")
    asked.add_argument("--seed", default="greenroom")
    asked.add_argument("--again", action="store_true", help="try survivors again")
    asked.add_argument("--show", action="store_true", help="only print the results so far")
    options = asked.parse_args()
    os.chdir(ROOT)
    (ROOT / "mutants").mkdir(exist_ok=True)
    with redirect_stdout(StringIO()):
        copy_src_dir()
        copy_also_copy_files()
        create_mutants(1)
    size = options.mutants or len(mutants())

    def chosen() -> list[Mutant]:
        return read(sample(mutants(), size, options.seed))

    again = {one.name for one in chosen() if not one.found} if options.again else set()
    while not options.show and (
        wanted := {one.name for one in chosen() if one.fate == NEW} | again
    ):
        run(
            sorted(wanted)
        )  # mutmut drops its results when its settings change: then there is another round
        again = set()
    tried = [one for one in chosen() if one.fate != NEW]
    for one in tried:
        if not one.found:
            sys.stdout.write(
                f"\n{one.fate}: {one.name}\n{get_diff_for_mutant(one.name, path=one.file)}\n"
            )
    if tried:
        sys.stdout.write("\n".join(table(tried, len(mutants()))) + "\n")


if __name__ == "__main__":
    main()
