"""Attacks by parts of a thread: each part is harmless, and all together are not."""

from dataclasses import replace
from uuid import UUID

from foundation.db.database import Scope
from gate.contract.units import Text, Unit, UnitPart
from gate.copies import live_copies
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from tests.attacks.harness import CLEAN, SCENARIOS, Result, Stage, register_attack
from tests.attacks.texts import text_unit
from tests.gate.builders import KEY, Step

__all__ = ["SCENARIOS"]


def quarters(word: str) -> list[str]:
    """Split a word into four hashtags. Without whole words the language check finds no unsupported
    language."""
    letters = word.replace("-", "")
    size = -(-len(letters) // 4)
    return [f"#{letters[start : start + size]}" for start in range(0, len(letters), size)]


def parts(whole: Unit, bodies: list[str]) -> list[Unit]:
    """Return the parts of a thread in order, as the packages compose them."""
    above: tuple[UnitPart, ...] = ()
    found = []
    for body in bodies:
        one = replace(whole, texts=(Text("body", body),), before=above, parts=len(bodies))
        found.append(one)
        above = (*above, UnitPart(one.texts))
    return found


def publish_part(stage: Stage, unit: Unit, under: str) -> Result:
    """Publish one part as a reply to the part before it and record its live copy, or return the
    denial."""
    whole = replace(stage.marked(unit), reply_to=under)

    def mint(scope: Scope) -> None:
        permit = issuance.mint_permit(
            scope, whole, Step(), key=KEY, author=stage.author, bundle=stage.rules
        )
        stands.append(permit.jti)

    stands: list[UUID] = []
    try:
        stage.do(mint)
    except PermitDenied as denied:
        why = denied
        stage.do(lambda scope: issuance.record_denial(scope, why))
        return Result(str(why.decision.verdict), frozenset(map(str, why.decision.reasons)), 0)
    stage.do(
        lambda scope: live_copies.record_copy(scope, stands[0], f"x{len(unit.before)}", scope.now)
    )
    return Result("A", frozenset(), 1)


@register_attack("T-03")
def word_over_four_parts(stage: Stage) -> Result:
    bodies = quarters(stage.tokens["EXPLICIT-MARKER-A"] if stage.harm else CLEAN)
    units = parts(text_unit(stage, "X1"), bodies)
    whole = stage.do(
        lambda scope: issuance.judge_unit(
            scope, stage.marked(units[-1]), author=stage.author, bundle=stage.rules
        )
    )
    assert whole.is_allowed is not stage.harm, (
        "the term is found before the first part is published"
    )
    sent = [
        publish_part(stage, one, f"x{place - 1}" if place else "")
        for place, one in enumerate(units)
    ]
    assert [one.sent for one in sent[:3]] == [1, 1, 1], sent
    assert stage.sent(units[0]) == (3 if stage.harm else 4)
    return sent[-1]
