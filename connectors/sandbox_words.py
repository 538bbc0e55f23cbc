"""Other words for a post that stands on the sandbox; pure. Its media and its place stay as they are."""

from collections.abc import Mapping
from typing import Any

from connectors import editing, fitting
from connectors.answers import error_word, meaning, segment
from connectors.capabilities import Capabilities
from connectors.contract import Answer, Response, Send, StepKind, WireStep
from connectors.outcomes import Outcome, Rejected
from gate.units import Unit

_STAYS = ("key", "media")


def edit(
    unit: Unit,
    native_id: str,
    content: Mapping[str, Any],
    answers: tuple[Answer, ...],
    *,
    can: Capabilities,
    account_gone: frozenset[str],
) -> Send | Outcome:
    """The one request, or what came of it; `content` is what a post of this unit would say."""
    if not answers:
        unfit = fitting.unfit(unit, can, length=len(unit.text("body")))
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        words = {name: value for name, value in content.items() if name not in _STAYS}
        path = f"/api/{{account}}/posts/{segment(native_id)}"
        return Send(WireStep(editing.EDIT, StepKind.MUTATE, "PUT", path, {**words, "title": unit.text("title")}))
    last = answers[-1]
    if isinstance(last, Response) and not last.ok and error_word(last) in account_gone:
        return meaning(last, creates=False, account_gone=account_gone)
    return editing.changed(last, native_id)
