"""Other words under the title of a post on Reddit; pure. Titles stay for ever, and so does all of what shows pictures.

The post is asked after before it is changed: one without a title of its own has its first line for one.
Source: https://www.reddit.com/dev/api#POST_api_editusertext
"""

from connectors import answers as http
from connectors.contract import Answer, Response, Send, StepKind, WireStep
from connectors.editing import EDIT, GONE
from connectors.outcomes import Outcome, Published, Rejected, Retry
from connectors.reddit_account import agent, meaning
from connectors.reddit_answers import DELETED, info, listed, plain, refused
from foundation.words import Message
from gate.units import Unit

LOOK = "look"
NOT_THERE = Rejected(Message("edit.not_there"), permanent=True)


def edit(unit: Unit, title: str, body: str, native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
    """The next request for a post that is to say `body` under its `title`, or what came of it."""
    if unit.media:
        return NOT_THERE
    if not answers:
        return Send(info(unit.account, native_id, LOOK))
    last = answers[-1]
    if last.step == EDIT:
        return _changed(last, native_id)
    posts = listed(last)
    if posts is None:
        good = isinstance(last, Response) and last.ok
        later = Retry(http.SHORT_WAIT, "account", Message("connectors.lookup_failed"))
        return later if good else meaning(last, creates=False)
    found = next((post for post in posts if post["name"] == native_id and post.get("author") != DELETED), None)
    if found is None:
        return Rejected(Message(GONE), permanent=True)
    if found.get("is_self") is False:
        return NOT_THERE
    if plain(found.get("title")) != plain(title):
        return Rejected(Message("reddit.title_stays"), permanent=False)
    said = {"thing_id": native_id, "text": body, "api_type": "json"}
    path = "/api/editusertext"
    return Send(WireStep(EDIT, StepKind.MUTATE, "POST", path, said, headers=agent(unit.account), encoding="form"))


def _changed(answer: Answer, native_id: str) -> Outcome:
    said = http.told_by(answer).get("json")
    if not isinstance(said, dict):
        return meaning(answer, creates=False)
    errors = said.get("errors")
    if isinstance(errors, list) and errors:
        return refused(errors[0], said.get("ratelimit"))
    return Published(native_id)
