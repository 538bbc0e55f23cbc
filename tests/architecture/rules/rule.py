"""A rule of the architecture: a check, its reason, a breach that it must find and a twin that it
must accept."""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch

from tests.architecture.tree import PACKAGES, Source

Check = Callable[[Source], Iterable[tuple[ast.AST | int, str]]]

PRODUCT = tuple(f"{package}/*" for package in PACKAGES)
EVERYWHERE = (*PRODUCT, "tests/*", "migrations/*", "tools/*")


@dataclass(frozen=True)
class Rule:
    """A rule. `only` and `but` are path patterns; the breach is planted at `at` and the twin at
    `twin_at`."""

    name: str
    why: str
    check: Check
    breach: str
    twin: str
    only: tuple[str, ...]
    but: tuple[str, ...]
    at: str
    twin_at: str

    def covers(self, path: str) -> bool:
        """Return True if the rule applies to the file at `path`."""
        return any(fnmatch(path, pattern) for pattern in self.only) and not any(
            fnmatch(path, pattern) for pattern in self.but
        )

    def findings(self, source: Source) -> Iterator[str]:
        """Yield every breach in a file as `path:line: breach [rule: reason]`."""
        if not self.covers(source.path):
            return
        for place, what in self.check(source):
            line = place if isinstance(place, int) else getattr(place, "lineno", 1)
            yield f"{source.path}:{line}: {what} [{self.name}: {self.why}]"


RULES: list[Rule] = []


def rule(
    *,
    why: str,
    breach: str,
    twin: str,
    only: tuple[str, ...] = PRODUCT,
    but: tuple[str, ...] = (),
    at: str = "schedules/posts/deliveries.py",
    twin_at: str = "",
) -> Callable[[Check], Check]:
    """Register the decorated check as a rule, named after the function."""

    def register(check: Check) -> Check:
        RULES.append(Rule(check.__name__, why, check, breach, twin, only, but, at, twin_at or at))
        return check

    return register
