"""Edits of the text of a Page's posts. An application can edit only its own posts; pictures do not
change.

Source: https://developers.facebook.com/docs/graph-api/reference/pagepost#updating
"""

from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.edits import EDIT_STEP, EDITED_POST_GONE
from connectors.contract.outcomes import Outcome, Published, Rejected
from connectors.platforms.facebook.errors import outcome_of_failure
from connectors.platforms.meta.errors import is_missing, is_permission_missing
from connectors.shared.http_responses import json_body, quote_segment
from foundation.i18n.translation import Message


def edit_post(words: str, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Return the next request or the outcome. Facebook reports a post as missing if it is deleted
    or if the token has no access to it."""
    if not answers:
        return Send(
            WireStep(
                EDIT_STEP,
                StepKind.MUTATE,
                "POST",
                f"/{quote_segment(native_id)}",
                {"message": words},
            )
        )
    last = answers[-1]
    if (
        isinstance(last, Response)
        and last.is_success
        and json_body(last).get("success") is not False
    ):
        return Published(native_id)
    # the token may still publish, so the account need not be reconnected
    if is_permission_missing(last):
        return Rejected(Message("facebook.no_edit"), permanent=False)
    return (
        Rejected(Message(EDITED_POST_GONE), permanent=True)
        if is_missing(last)
        else outcome_of_failure(last, creates=False)
    )
