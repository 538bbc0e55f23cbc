"""Edits of text posts on Reddit. Titles and media posts cannot be edited.

The post is read before the edit, because the first line of its text became the title if it had no
separate title. Source: https://www.reddit.com/dev/api#POST_api_editusertext
"""

from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.edits import EDIT_STEP, EDITED_POST_GONE
from connectors.contract.outcomes import Outcome, Published, Rejected, Retry
from connectors.platforms.reddit import requests
from connectors.platforms.reddit.account import outcome_of_failure, user_agent_header
from connectors.platforms.reddit.responses import (
    DELETED_AUTHOR,
    info_step,
    listing_entries,
    normalize_markdown,
    refusal_outcome,
)
from connectors.shared import http_responses
from foundation.i18n.translation import Message
from gate.contract.units import Unit

LOOK = "look"
NOT_THERE = Rejected(Message("edit.not_there"), permanent=True)


def edit_post(
    unit: Unit, title: str, body: str, native_id: str, answers: tuple[StepResult, ...]
) -> Send | Outcome:
    """Return the next request that changes the text under `title` to `body`, or the outcome."""
    if unit.media:
        return NOT_THERE
    if not answers:
        return Send(info_step(unit.account, native_id, LOOK))
    last = answers[-1]
    if last.step == EDIT_STEP:
        return _edit_outcome(last, native_id)
    posts = listing_entries(last)
    if posts is None:
        good = isinstance(last, Response) and last.is_success
        later = Retry(http_responses.SHORT_RETRY, "account", Message("connectors.lookup_failed"))
        return later if good else outcome_of_failure(last, creates=False)
    found = next(
        (
            post
            for post in posts
            if post["name"] == native_id and post.get("author") != DELETED_AUTHOR
        ),
        None,
    )
    if found is None:
        return Rejected(Message(EDITED_POST_GONE), permanent=True)
    if found.get("is_self") is False:
        return NOT_THERE
    if normalize_markdown(found.get("title")) != normalize_markdown(title):
        return Rejected(Message("reddit.title_stays"), permanent=False)
    step = WireStep(EDIT_STEP, StepKind.MUTATE, "", "", headers=user_agent_header(unit.account))
    return Send(requests.write_edit(step, native_id, body))


def _edit_outcome(answer: StepResult, native_id: str) -> Outcome:
    said = http_responses.success_body(answer).get("json")
    if not isinstance(said, dict):
        return outcome_of_failure(answer, creates=False)
    errors = said.get("errors")
    if isinstance(errors, list) and errors:
        return refusal_outcome(errors[0], said.get("ratelimit"))
    return Published(native_id)
