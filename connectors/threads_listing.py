"""The two lists of what a Threads account wrote, read page by page: by a code, or to see whether one is there. Pure.

Source: https://developers.facebook.com/docs/threads/retrieve-and-discover-posts/retrieve-posts,
https://developers.facebook.com/docs/threads/retrieve-and-manage-replies/replies-and-conversations
"""

from typing import Any

from connectors.answers import segment, told_at, told_by
from connectors.contract import Answer, Copy, Send, StepKind, WireStep
from connectors.instagram_answers import data_of, id_of
from connectors.instagram_remarks import number_of
from connectors.naming import NO_POST, UNREAD, Address, path_of
from connectors.outcomes import Absent, Found, Sighting
from connectors.standing import Missing, Stand, Standing
from connectors.threads_answers import is_gone
from connectors.threads_hearing import further

LISTED, MOST_PAGES = 50, 5
POSTS, REPLIES = "threads", "replies"
"""Replies stand in a list of their own."""


def named(address: Address, answers: tuple[Answer, ...]) -> Send | Sighting:
    """An address has a code instead of the post's id: the account's posts are read until one has that code, then its
    replies, where the parts of a thread stand."""
    code = _code_in(address.url)
    if not code:
        return NO_POST
    if not answers:
        return Send(listing(POSTS, POSTS, ""))
    posts = posts_of(answers[-1])
    if posts is None:
        return UNREAD
    for post in posts:
        url = str(post.get("permalink") or "")
        if _code_in(url) == code:
            return Found(number_of(post), url, told_at(post.get("timestamp")))
    return _further(answers) or Absent()


def still(copy: Copy, answers: tuple[Answer, ...]) -> Send | Stand | None:
    """The same is said of what is gone and of what this token may not see, so both lists are read to their ends; one
    that is longer than we read, or may not be read, proves nothing."""
    if not answers:
        return Send(asked("look", f"/{segment(copy.native_id)}?fields=id"))
    first, pages = answers[0], answers[1:]
    if not is_gone(first):
        return Standing() if id_of(first) == copy.native_id else None
    posts = posts_of(pages[-1]) if pages else []
    if posts is None:
        return None
    if any(number_of(post) == copy.native_id for post in posts):
        return Standing()
    if (turn := _further(pages)) is not None:
        return turn
    ends = {page.step: goes_on(page) for page in pages}  # where the last page of each went on
    return None if any(ends.values()) else Missing()


def _further(pages: tuple[Answer, ...]) -> Send | None:
    """The request for the page that follows, of the posts and then of the replies; None after the last that is read."""
    if not pages:
        return Send(listing(POSTS, POSTS, ""))
    last = pages[-1]
    after = goes_on(last)
    if after and sum(one.step == last.step for one in pages) < MOST_PAGES:
        return Send(listing(last.step, last.step, after))
    return Send(listing(REPLIES, REPLIES, "")) if last.step == POSTS else None


def posts_of(answer: Answer) -> list[dict[str, Any]] | None:
    """The posts of a page, newest first; None when it is no look."""
    posts = data_of(told_by(answer))
    return posts if posts is not None and all(number_of(post) for post in posts) else None


def goes_on(answer: Answer) -> str:
    """Where a list goes on; "" at its end."""
    return further(told_by(answer))


def asked(name: str, path: str) -> WireStep:
    """A harmless request for what stands somewhere."""
    action = "metrics" if name == "metrics" else "look"
    return WireStep(name, StepKind.CONTROL, "GET", path, action=action)


def listing(name: str, what: str, after: str, shape: str = "") -> WireStep:
    """The request for a page of one of the lists; `shape` is what else to tell of each."""
    cursor, more = f"&after={segment(after)}" if after else "", shape + (",replied_to" if what == REPLIES else "")
    return asked(name, f"/{{account}}/{what}?fields=id,text,timestamp,permalink{more}&limit={LISTED}{cursor}")


def _code_in(url: str) -> str:
    """The code in the address of a post; "" for none."""
    path = path_of(url, "threads.net", "threads.com")
    long = len(path) >= 3 and path[0].startswith("@") and path[1] == "post"
    return path[2] if long else path[1] if len(path) == 2 and path[0] == "t" else ""
