"""The stage of the attacks: a tenant, its members, and one way to send, with the steps of
`conventions.send`."""

import random
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from foundation.db.database import OpenScope
from foundation.errors import GreenroomError
from foundation.ids import INSTALLATION_ID, uuid7
from gate.contract.reasons import Reason
from gate.contract.units import Unit
from gate.log import decision_log
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.policy import bundle
from gate.policy.bundle import Bundle
from gate.reviews import content_reviews
from gate.text import lexicon
from tests.gate.builders import KEY, Step, World, world

CLEAN = "GOOD-EVENING-ALL"


@dataclass(frozen=True)
class Result:
    """The result of a unit: its last verdict, the reasons, and the number of requests that may have
    been sent."""

    verdict: str
    reasons: frozenset[str]
    sent: int


class Tokens:
    """The marker tokens, renamed at random so that no code can recognize the strings of the corpus."""

    KINDS: Mapping[str, str] = {
        "EXPLICIT-MARKER-A": "explicit",
        "NUDITY-MARKER-A": "nudity",
        "SUGGESTIVE-MARKER-A": "suggestive",
        "MINOR-P-A": "minor",
        "MINOR-C-A": "minor_context",
        "PROHIBITED-MARKER-A": "prohibited",
        "GERMAN-EXPLICIT": "explicit",
        "FRENCH-PROHIBITED": "prohibited",
    }

    def __init__(self) -> None:
        spell = random.SystemRandom()
        # letters only, without Q and J, like the tokens of the corpus
        letters = [letter for letter in string.ascii_uppercase if letter not in "QJ"]
        last = [
            letter for letter in letters if letter != "A"
        ]  # repeated letters are read as one, which would shorten the word
        words = [
            "".join(
                [
                    *spell.choices(letters, k=8),
                    "-",
                    *spell.choices(letters, k=5),
                    *spell.choices(last),
                    "-A",
                ]
            )
            for _ in self.KINDS
        ]
        self.names = dict(zip(self.KINDS, words, strict=True))

    def __getitem__(self, name: str) -> str:
        return self.names[name]

    def bundle(self) -> Bundle:
        """Return the shipped rules with the renamed terms."""
        shipped = bundle.shipped_bundle()
        terms = tuple(
            lexicon.fold_term(kind, self.names[name]) for name, kind in self.KINDS.items()
        )
        return replace(shipped, lexicon=replace(shipped.lexicon, terms=terms))


@dataclass
class Stage:
    """An attack or its benign twin. `harm` adds the offending step."""

    world: World
    tokens: Tokens
    harm: bool
    rules: Bundle
    solo: bool = False
    results: list[Result] = field(default_factory=list)

    @classmethod
    def build(cls, tenant: OpenScope, *, harm: bool, solo: bool = False) -> "Stage":
        tokens = Tokens()
        return cls(world(tenant, uuid7(), solo=solo), tokens, harm, tokens.bundle(), solo)

    @property
    def author(self) -> str:
        return f"member:{self.world.ann}"

    def word(self, name: str = "EXPLICIT-MARKER-A") -> str:
        """Return the offending word, or a clean one of the same shape."""
        return self.tokens[name] if self.harm else CLEAN

    def do(self, act: Callable[[Any], Any], *, actor: str = "system:test") -> Any:
        """Run an action in one transaction."""
        with self.world.scope(actor) as scope:
            return act(scope)

    def marked(self, unit: Unit) -> Unit:
        """Return the unit with the flags that its surface requires, as the packages set them."""
        return self.do(
            lambda scope: replace(
                unit, flags=issuance.required_flags_of_unit(scope, unit, bundle=self.rules)
            )
        )

    def review(self, unit: Unit) -> None:
        """Approve the exact unit as rob; in a tenant of one member, as gus, a guest reviewer in his
        role."""
        self.do(
            lambda scope: content_reviews.review_unit(scope, unit.digest(), verdict="approve"),
            actor=f"member:{self.world.rob}",
        )

    def send(
        self, unit: Unit, *, review: bool = True, author: str | None = None, mark: bool = True
    ) -> Result:
        """Submit the unit, review it if a review is missing, and mint a permit. A refusal on the
        way is the result."""
        whole = self.marked(unit) if mark else unit
        by = author or self.author
        judged = self.do(
            lambda scope: issuance.judge_unit(scope, whole, author=by, bundle=self.rules)
        )
        if review and Reason.REVIEW_MISSING in judged.reasons:
            self.review(whole)
        try:
            self.do(
                lambda scope: issuance.mint_permit(
                    scope, whole, Step(), key=KEY, author=by, bundle=self.rules
                )
            )
        except PermitDenied as denied:
            why = denied
            self.do(lambda scope: issuance.record_denial(scope, why))
            return Result(
                str(denied.decision.verdict),
                frozenset(map(str, denied.decision.reasons)),
                self.sent(whole),
            )
        return Result("F" if whole.flags else "A", frozenset(), self.sent(whole))

    def by_the_house(self, unit: Unit) -> Result:
        """Send with the installed policy instead of this stage's rules."""
        try:
            self.do(
                lambda scope: issuance.mint_permit(scope, unit, Step(), key=KEY, author=self.author)
            )
        except PermitDenied as denied:
            return Result(
                str(denied.decision.verdict),
                frozenset(map(str, denied.decision.reasons)),
                self.sent(unit),
            )
        return Result("A", frozenset(), self.sent(unit))

    def refused(self, act: Callable[[Any], Any], *, actor: str = "system:test") -> Result:
        """Run an action that the gate or the database should refuse; an error counts as blocked."""
        try:
            self.do(act, actor=actor)
        except GreenroomError as error:
            return Result("B", frozenset({error.message.code.removeprefix("gate.")}), 0)
        return Result("A", frozenset(), 1)

    def pass_time(self, by: timedelta) -> None:
        """Advance the clock of the database."""
        with self.world.open(INSTALLATION_ID, "system:test", role="relay") as scope:
            scope.run("SELECT house_shift(:by)", by=by)

    def sent(self, unit: Unit) -> int:
        """Return the number of requests that may have been sent for a unit."""
        return self.do(
            lambda scope: scope.run(
                "SELECT count(*) FROM permits WHERE subject_id = :id", id=unit.subject.id
            ).scalar()
        )

    def verifies(self) -> bool:
        """Return True if the decision log is intact."""
        return isinstance(self.do(decision_log.verify_chain), decision_log.ChainIntact)


Scenario = Callable[[Stage], Result]
SCENARIOS: dict[str, Scenario] = {}


def register_attack(*names: str) -> Callable[[Scenario], Scenario]:
    """Register a scenario under IDs of the corpus."""

    def register(scenario: Scenario) -> Scenario:
        SCENARIOS.update(dict.fromkeys(names, scenario))
        return scenario

    return register


def ids(entries: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the IDs of the corpus."""
    return {str(entry["id"]) for entry in entries}
