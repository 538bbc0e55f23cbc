"""Edits of the text of a sandbox post. Its media and its key do not change."""

from collections.abc import Mapping
from typing import Any

from connectors.contract import edits
from connectors.contract.capabilities import Capabilities
from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Rejected
from connectors.shared import unit_checks
from connectors.shared.http_responses import (
    edit_outcome,
    outcome_of_status,
    platform_error_code,
    quote_segment,
)
from gate.contract.units import Unit

_STAYS = ("key", "media")


def edit_post(
    unit: Unit,
    native_id: str,
    content: Mapping[str, Any],
    answers: tuple[StepResult, ...],
    *,
    can: Capabilities,
    account_gone: frozenset[str],
) -> Send | Outcome:
    """Return the next request or the outcome. `content` is the body of a new post of this unit."""
    if not answers:
        unfit = unit_checks.unit_problem(unit, can, length=len(unit.text_of("body")))
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        words = {name: value for name, value in content.items() if name not in _STAYS}
        path = f"/api/{{account}}/posts/{quote_segment(native_id)}"
        return Send(
            WireStep(
                edits.EDIT_STEP,
                StepKind.MUTATE,
                "PUT",
                path,
                {**words, "title": unit.text_of("title")},
            )
        )
    last = answers[-1]
    if (
        isinstance(last, Response)
        and not last.is_success
        and platform_error_code(last) in account_gone
    ):
        return outcome_of_status(last, creates=False, account_gone=account_gone)
    return edit_outcome(last, native_id)
