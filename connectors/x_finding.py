"""Looking for a post on X whose answer was lost, in the account's own timeline: by its words or, where there are none,
by its media. Pure.

Source: https://docs.x.com/x-api/posts/timelines/introduction
"""

from collections.abc import Mapping, Set
from datetime import timedelta
from functools import partial
from typing import Any

from connectors import wordless
from connectors.answers import ahead, body_of, segment, told_at
from connectors.contract import Answer, Response, Send, Sought, StepKind, WireStep
from connectors.outcomes import Absent, Found, Sighting, Unknown
from connectors.x_account import id_of
from connectors.x_films import OPEN
from connectors.x_reading import above, fields, is_unknown_name, meta_of, shown, unnamed, url_of, written
from connectors.x_text import plain
from foundation.words import Message
from gate.units import Medium

STAGE = "stage:"
WINDOW = timedelta(seconds=60)
"""A post older than this before the attempt is another one with the same words."""

LISTED, MOST_PAGES = 20, 5
"""Posts of one page of the timeline, each of which costs, and how many pages a look reads at most."""


def find(sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
    """Page back through the timeline to a minute before the attempt."""
    silent = not sought.text.strip()
    files = wordless.files_of(sought, partial(_uploaded, sought)) if silent else frozenset[str]()
    if silent and not files:
        return Unknown(Message("connectors.no_lookup"))
    asked = fields(answers, "created_at,entities,attachments", "referenced_tweets", "referenced_posts")
    if not answers or (len(answers) == 1 and is_unknown_name(answers[0])):
        return Send(_listing(sought, asked))
    posts = _listed(answers[-1])
    if posts is None:
        return Unknown(Message("connectors.lookup_failed"))
    start = sought.armed_at - WINDOW - ahead(answers[-1], sought.asked_at or sought.armed_at)
    recent = [post for post in posts if (told_at(post.get("created_at")) or start) >= start]
    here = [post for post in recent if above(post) == sought.reply_to]
    seen = _by_files(here, sought, files) if silent else _by_words(here, sought)
    if seen is not None:
        return seen
    more = meta_of(answers[-1]).get("next_token")
    if not more or len(recent) < len(posts):
        return Absent()
    pages = sum(_listed(answer) is not None for answer in answers)
    whole = pages < MOST_PAGES and isinstance(more, str)
    return Send(_listing(sought, asked, more)) if whole else Unknown(Message("connectors.lookup_failed"))


def step_of(kind: str, medium: Medium) -> str:
    """The name of the step that does something with a file."""
    return f"{kind}{medium.sha256[:24]}"


def _by_words(posts: list[dict[str, Any]], sought: Sought) -> Found | None:
    words = unnamed if sought.reply_to else str
    same = (post for post in reversed(posts) if plain(words(written(post))) == plain(words(sought.text)))
    return next((_found(post) for post in same if str(post["id"]) not in sought.known), None)


def _by_files(posts: list[dict[str, Any]], sought: Sought, files: Set[str]) -> Found | Unknown | None:
    seen = wordless.among(posts, sought, files, number=lambda post: str(post["id"]), shows=shown, says=_said)
    return seen if seen is None or isinstance(seen, Unknown) else _found(seen)


def _said(post: Mapping[str, Any]) -> str:
    return unnamed(written(post))


def _found(post: Mapping[str, Any]) -> Found:
    number = str(post["id"])
    return Found(number, url_of(number), told_at(post.get("created_at")))


def _uploaded(sought: Sought, medium: Medium) -> set[str]:
    """Every id that X gave a file of it."""
    names = (step_of(STAGE, medium), step_of(OPEN, medium))
    return {id_of(answer) for answer in sought.told if answer.step in names} - {""}


def _listing(sought: Sought, named: str, page: str = "") -> WireStep:
    """A page of the timeline. It begins at no time: a clock of ours that is ahead would hide what was posted."""
    asked = f"max_results={LISTED}&exclude=retweets&{named}" + (f"&pagination_token={segment(page)}" if page else "")
    path = f"/2/users/{segment(sought.account)}/tweets?{asked}"
    return WireStep("look", StepKind.CONTROL, "GET", path, action="look")


def _listed(answer: Answer) -> list[dict[str, Any]] | None:
    """The posts of a listing, newest first; None when it is no look. One without posts has no `data`."""
    if not isinstance(answer, Response) or not answer.ok or "result_count" not in meta_of(answer):
        return None
    posts = body_of(answer).get("data", [])
    whole = isinstance(posts, list) and all(isinstance(post, dict) and post.get("id") for post in posts)
    return posts if whole and len(posts) == meta_of(answer)["result_count"] else None
