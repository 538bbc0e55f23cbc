"""Edits of Mastodon posts. An edit removes media that it does not list.

Source: https://docs.joinmastodon.org/methods/statuses/#edit, app/services/update_status_service.rb
"""

from typing import Any

from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.edits import EDIT_LOOKUP_ACTION, EDIT_STEP, EDITED_POST_GONE
from connectors.contract.outcomes import Outcome, Published, Rejected
from connectors.platforms.mastodon.account import outcome_of_failure
from connectors.platforms.mastodon.limits import limit_refusal
from connectors.shared.http_responses import quote_segment, success_body
from foundation.i18n.translation import Message


def edit_post(
    said: dict[str, Any], native_id: str, answers: tuple[StepResult, ...], *, files: bool
) -> Send | Outcome:
    """Return the next request, or the outcome. `said` contains the new fields. With `files`, the
    media are read first."""
    path = f"/api/v1/statuses/{quote_segment(native_id)}"
    last = answers[-1] if answers else None
    if last is None and files:
        return Send(WireStep(EDIT_LOOKUP_ACTION, StepKind.CONTROL, "GET", path, action="look"))
    if isinstance(last, Response) and last.status in {404, 410}:
        return Rejected(Message(EDITED_POST_GONE), permanent=True)
    if last is not None and not success_body(last):
        return limit_refusal(last) or outcome_of_failure(last, creates=False)
    if last is not None and last.step == EDIT_STEP:
        return Published(native_id)
    if last is not None:
        there = success_body(last).get("media_attachments")
        kept = [str(one["id"]) for one in there or () if isinstance(one, dict) and one.get("id")]
        if not kept:
            return Rejected(Message("edit.other_media"), permanent=False)
        said = {**said, "media_ids": kept}
    return Send(WireStep(EDIT_STEP, StepKind.MUTATE, "PUT", path, said))
