"""The posts of an Instagram account, read page by page: by their code, or to see whether one is there. Pure."""

from typing import Any

from connectors.answers import body_of, segment, told_at, told_by
from connectors.contract import Answer, Copy, Response, Send, Sought, StepKind, WireStep
from connectors.instagram_answers import READ_BUG, error, goes_on, id_of
from connectors.meta_wordless import SHAPE, Network
from connectors.naming import NO_POST, UNREAD, Address, path_of
from connectors.outcomes import Absent, Found, Sighting
from connectors.standing import Missing, Stand, Standing

LISTED, MOST_PAGES = 50, 5


def named(address: Address, answers: tuple[Answer, ...]) -> Send | Sighting:
    """An address has a code instead of the post's id: the account's own posts are read until one has that code."""
    code = _code_in(address.url)
    if not code:
        return NO_POST
    if not answers:
        return Send(page(""))
    posts = posts_of(answers[-1])
    if posts is None:
        return UNREAD
    for post in posts:
        url = str(post.get("permalink", ""))
        if _code_in(url) == code:
            return Found(str(post["id"]), url, told_at(post.get("timestamp")))
    after = further(answers[-1])
    return Send(page(after)) if after and len(answers) < MOST_PAGES else Absent()


def still(copy: Copy, answers: tuple[Answer, ...]) -> Send | Stand | None:
    """A read of what is there may say that it is not: what is in none of the account's stories or posts is gone."""
    if not answers:
        return Send(looked(f"/{segment(copy.native_id)}?fields=id"))
    if len(answers) == 1:
        return Standing() if id_of(answers[0]) else Send(stories("")) if error(answers[0]) == READ_BUG else None
    shown = posts_of(answers[1])
    if shown is None or further(answers[1]):
        return None
    if any(str(one["id"]) == copy.native_id for one in shown):
        return Standing()
    return listed(copy.native_id, answers[2:])


def listed(native_id: str, pages: tuple[Answer, ...]) -> Send | Stand | None:
    """Whether a post is among the account's own, read page by page; None where nobody can tell."""
    if not pages:
        return Send(page(""))
    posts = posts_of(pages[-1])
    if posts is None:
        return None
    if any(str(post["id"]) == native_id for post in posts):
        return Standing()
    after = further(pages[-1])
    if not after:
        return Missing()
    return Send(page(after)) if len(pages) < MOST_PAGES else None


def page(after: str, more: str = "") -> WireStep:
    """The request for a page of the account's posts, newest first; `more` is what else to tell of each."""
    cursor = f"&after={segment(after)}" if after else ""
    return looked(f"/{{account}}/media?fields=id,caption,timestamp,permalink{more}&limit={LISTED}{cursor}")


def stories(after: str) -> WireStep:
    """The request for a page of the account's stories that are there: they are in no list of posts."""
    cursor = f"&after={segment(after)}" if after else ""
    return looked(f"/{{account}}/stories?fields=id,timestamp,permalink,media_type&limit={LISTED}{cursor}")


def looked(path: str) -> WireStep:
    """A harmless request for what stands somewhere."""
    return WireStep("look", StepKind.CONTROL, "GET", path, action="look")


def posts_of(answer: Answer) -> list[dict[str, Any]] | None:
    """The posts of a page, newest first; None when it is no look."""
    posts = body_of(answer).get("data") if isinstance(answer, Response) and answer.ok else None
    whole = isinstance(posts, list) and all(isinstance(post, dict) and post.get("id") for post in posts)
    return posts if whole else None


def _code_in(url: str) -> str:
    """The code in the address of a post or a reel, with or without its author before it; "" for none."""
    path = path_of(url, "instagram.com")
    kinds = [place for place, one in enumerate(path[:-1]) if one in ("p", "reel", "reels", "tv") and place < 2]
    return path[kinds[0] + 1] if kinds else ""


def further(answer: Answer) -> str:
    """Where the list goes on; "" at its end. A page may hold fewer posts than were asked for, and another follow."""
    return goes_on(told_by(answer))


def _shaped(sought: Sought, after: str) -> WireStep:
    return page(after, f",{SHAPE}")


NETWORK = Network("status_code", "caption", _shaped, posts_of, further, MOST_PAGES)
