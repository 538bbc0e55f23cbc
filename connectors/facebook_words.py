"""Other words for a post of a Page; pure. An application changes what it posted itself, and pictures stay as they are.

Source: https://developers.facebook.com/docs/graph-api/reference/pagepost#updating
"""

from connectors.answers import body_of, segment
from connectors.contract import Answer, Response, Send, StepKind, WireStep
from connectors.editing import EDIT, GONE
from connectors.facebook_answers import meaning
from connectors.outcomes import Outcome, Published, Rejected
from connectors.threads_answers import is_gone, lacks_right
from foundation.words import Message


def edit(words: str, native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
    """The one request, or what came of it; "it does not exist" is said as well of what this token may not touch."""
    if not answers:
        return Send(WireStep(EDIT, StepKind.MUTATE, "POST", f"/{segment(native_id)}", {"message": words}))
    last = answers[-1]
    if isinstance(last, Response) and last.ok and body_of(last).get("success") is not False:
        return Published(native_id)
    if lacks_right(last):  # it may still post: no reason to connect it anew at once
        return Rejected(Message("facebook.no_edit"), permanent=False)
    return Rejected(Message(GONE), permanent=True) if is_gone(last) else meaning(last, creates=False)
