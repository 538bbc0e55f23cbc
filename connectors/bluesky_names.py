"""Whose the names in a Bluesky post are: a harmless question for each, ahead of the post. Pure.

Source: https://docs.bsky.app/docs/advanced-guides/post-richtext#mentions-and-facets, lexicon
com.atproto.identity.resolveHandle
"""

from collections.abc import Mapping

from connectors.answers import error_word, segment, told_by
from connectors.bluesky_account import DID, meaning
from connectors.bluesky_text import names
from connectors.contract import Answer, Response, Send, StepKind, WireStep
from connectors.outcomes import Outcome

NAME = "name:"
_NOBODY = frozenset({"invalidrequest", "handlenotfound"})
"""Words for a name that is nobody's. Source: packages/pds/src/api/com/atproto/identity/resolveHandle.ts of atproto."""


def people(text: str, answers: tuple[Answer, ...]) -> Send | Mapping[str, str] | Outcome:
    """The next question, the accounts by the names in a text, or why nobody can tell now: a post that left with a name
    as words would stand otherwise than its repeat."""
    found: dict[str, str] = {}
    for name in names(text):
        answer = next((one for one in reversed(answers) if one.step == NAME + name), None)
        if answer is None:
            path = f"/xrpc/com.atproto.identity.resolveHandle?handle={segment(name)}"
            return Send(WireStep(NAME + name, StepKind.CONTROL, "GET", path, action="look"))
        did = told_by(answer).get("did")
        if isinstance(did, str) and DID.fullmatch(did):
            found[name] = did
        elif not (isinstance(answer, Response) and answer.status == 400 and error_word(answer) in _NOBODY):
            return meaning(answer, creates=False)
    return found
