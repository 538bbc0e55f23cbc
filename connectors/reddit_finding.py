"""A post on Reddit whose answer was lost, or that is made later, among those of the account; pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors import answers as http
from connectors import fitting
from connectors.contract import Answer, Send, Sought, StepKind, WireStep
from connectors.outcomes import Absent, Found, Sighting, Unknown
from connectors.reddit_account import NSFW, agent, spot
from connectors.reddit_answers import LISTED, listed, made_at, page_of, plain, reworded, url_of
from connectors.reddit_pictures import FILM
from foundation.words import Message
from gate.units import Medium

LOOK = "look"
WINDOW = timedelta(seconds=60)
"""A post older than this before the attempt is another one with the same words."""

PICTURE_MADE, FILM_MADE = timedelta(minutes=5), timedelta(minutes=30)
"""How long after it was sent a post of one picture or film may still be on its way. Reddit says so nowhere: 44 seconds
were recorded of a film of 13."""

MOST_PAGES = 5


def find(sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
    """Page through what the account posted, newest first."""
    if not answers:
        return Send(_listing(sought.account))
    posts = listed(answers[-1])
    if posts is None:
        return Unknown(Message("connectors.lookup_failed"))
    start = sought.armed_at - WINDOW - http.ahead(answers[-1], sought.asked_at or sought.armed_at)
    recent = [post for post in posts if (made_at(post) or start) >= start]
    for post in reversed(recent):
        number = str(post["name"])
        if number not in sought.known and _is_it(post, sought):
            return Found(number, url_of(post.get("permalink")), made_at(post))
    after = page_of(answers[-1]).get("after")
    if not after or len(recent) < len(posts):
        return _absent(sought, answers, start)
    whole = len(answers) < MOST_PAGES and isinstance(after, str)
    return Send(_listing(sought.account, after)) if whole else Unknown(Message("connectors.lookup_failed"))


def _listing(account: str, after: str = "") -> WireStep:
    more = f"&after={http.segment(after)}" if after else ""
    path = f"/user/{http.segment(spot(account).user)}/submitted?sort=new&raw_json=1&limit={LISTED}{more}"
    return WireStep(LOOK, StepKind.CONTROL, "GET", path, headers=agent(account), action=LOOK)


def _absent(sought: Sought, answers: tuple[Answer, ...], start: datetime) -> Sighting:
    """Reddit keeps what is for adults from some applications: a list that shows nothing of it proves nothing. Nor does
    one of a time when a film may still be on its way into it, nor one with a post of this title whose words changed."""
    shown = [post for answer in answers for post in listed(answer) or ()]
    if any(_may_be(post, sought) and (made_at(post) or start) >= start for post in shown):
        return Unknown(Message("connectors.other_text_there"))
    blind = NSFW in sought.flags and not any(post.get("over_18") is True for post in shown)
    early = (sought.asked_at or sought.armed_at) - (sought.sent_at or sought.armed_at) < _made_within(sought.media)
    return Unknown(Message("connectors.lookup_failed")) if blind or early else Absent()


def _made_within(media: tuple[Medium, ...]) -> timedelta:
    if any(medium.mime == FILM for medium in media):
        return FILM_MADE
    return PICTURE_MADE if len(media) == 1 else timedelta()


def _is_it(post: Mapping[str, Any], sought: Sought) -> bool:
    """Whether a listed post is what was sent: where a picture or a film is, the text under it may not be told."""
    _, body = fitting.titled(sought.title, sought.text)
    told = plain(post.get("selftext"))
    return _is_titled(post, sought) and (told == plain(body) or (post.get("is_self") is False and not told))


def _may_be(post: Mapping[str, Any], sought: Sought) -> bool:
    return _is_titled(post, sought) and str(post["name"]) not in sought.known and reworded(post, "selftext")


def _is_titled(post: Mapping[str, Any], sought: Sought) -> bool:
    title, _ = fitting.titled(sought.title, sought.text)
    there = str(post.get("subreddit", "")).lower() == spot(sought.account).community.lower()
    return there and plain(post.get("title")) == plain(title)
