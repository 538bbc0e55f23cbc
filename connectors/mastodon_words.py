"""Other words for a post that stands on a Mastodon server; pure. Media that are not named in a change are taken off.

Source: https://docs.joinmastodon.org/methods/statuses/#edit, app/services/update_status_service.rb
"""

from typing import Any

from connectors.answers import segment, told_by
from connectors.contract import Answer, Response, Send, StepKind, WireStep
from connectors.editing import EDIT, GONE, LOOK
from connectors.mastodon_account import meaning
from connectors.mastodon_limits import over
from connectors.outcomes import Outcome, Published, Rejected
from foundation.words import Message


def edit(said: dict[str, Any], native_id: str, answers: tuple[Answer, ...], *, files: bool) -> Send | Outcome:
    """The next request for a post that is to say what is `said`, or what came of it; with `files` they are asked for
    first."""
    path, last = f"/api/v1/statuses/{segment(native_id)}", answers[-1] if answers else None
    if last is None and files:
        return Send(WireStep(LOOK, StepKind.CONTROL, "GET", path, action="look"))
    if isinstance(last, Response) and last.status in {404, 410}:
        return Rejected(Message(GONE), permanent=True)
    if last is not None and not told_by(last):
        return over(last) or meaning(last, creates=False)
    if last is not None and last.step == EDIT:
        return Published(native_id)
    if last is not None:
        there = told_by(last).get("media_attachments")
        kept = [str(one["id"]) for one in there or () if isinstance(one, dict) and one.get("id")]
        if not kept:
            return Rejected(Message("edit.other_media"), permanent=False)
        said = {**said, "media_ids": kept}
    return Send(WireStep(EDIT, StepKind.MUTATE, "PUT", path, said))
