"""A post or a message on Mastodon whose answer was lost, among the account's own: by its words as they were sent, or
where there are none by its pictures, which keep the ids that the server gave them when they were uploaded. Pure.

Source: https://docs.joinmastodon.org/methods/accounts/#statuses, https://docs.joinmastodon.org/entities/MediaAttachment/
"""

from collections.abc import Mapping, Set
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from connectors import wordless
from connectors.answers import ahead, segment, told_at, told_by
from connectors.contract import Answer, Response, Send, Sought, StepKind, WireStep
from connectors.mastodon_account import id_of, number_of, url_of
from connectors.mastodon_chats import DIRECT, named
from connectors.outcomes import Absent, Found, Sighting, Unknown
from foundation.words import Message
from gate.units import Medium

STAGE, SOURCE = "stage:", "source:"
WINDOW = timedelta(seconds=60)
"""A post older than this before the attempt is another one with the same words."""

LISTED, MOST_READ = 40, 5
"""Posts of one listing, and how many of them are read word for word."""

USUAL = 20
"""So many a server gives that was asked for none, or does not give as many as it was asked for."""

_FAILED = Unknown(Message("connectors.lookup_failed"))


def find(sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
    """List the account's posts since the attempt; those that may be it are read as they were written, since markup
    differs by server."""
    silent = not sought.text.strip()
    files = wordless.files_of(sought, partial(_ids, sought)) if silent else set()
    if silent and not files:
        return Unknown(Message("connectors.no_lookup"))
    if not answers:
        path = f"/api/v1/accounts/{number_of(sought.account)}/statuses?limit={LISTED}&exclude_reblogs=true"
        return Send(_asked("look", path))
    posts = _listed(answers[0])
    if posts is None:
        return _FAILED
    start = sought.armed_at - WINDOW - ahead(answers[0], sought.asked_at or sought.armed_at)
    recent = [post for post in posts if (told_at(post.get("created_at")) or start) >= start]
    here = [post for post in recent if _may_be(post, sought)]
    whole = len(recent) < len(posts) or len(posts) < USUAL  # it reaches back before the attempt, or to the first post
    if silent:
        return _by_files(here, sought, files, whole=whole)
    return _by_words(here, sought, answers, whole=whole)


def _by_files(here: list[dict[str, Any]], sought: Sought, files: Set[str], *, whole: bool) -> Sighting:
    seen = wordless.among(here, sought, files, number=_number, shows=_shown, says=_says)
    if isinstance(seen, Unknown):
        return seen
    return _found(seen) if seen is not None else Absent() if whole else _FAILED


def _by_words(
    here: list[dict[str, Any]], sought: Sought, answers: tuple[Answer, ...], *, whole: bool
) -> Send | Sighting:
    for post in reversed(here[-MOST_READ:]):
        name = SOURCE + _number(post)
        read = next((answer for answer in answers if answer.step == name), None)
        if read is None:
            return Send(_asked(name, f"/api/v1/statuses/{segment(_number(post))}/source"))
        text = told_by(read).get("text")
        if not isinstance(text, str):
            return _FAILED
        if _said(text, sought) == sought.text.strip():
            found = _found(post)
            return replace(found, url="") if sought.chat else found
    reworded = any(post.get("edited_at") for post in here)  # by its owner, on the server: it may have been it
    return Absent() if whole and len(here) <= MOST_READ and not reworded else _FAILED


def _found(post: Mapping[str, Any]) -> Found:
    return Found(_number(post), url_of(post), told_at(post.get("created_at")))


def _ids(sought: Sought, medium: Medium) -> set[str]:
    return {id_of(answer) for answer in sought.told if answer.step == f"{STAGE}{medium.sha256[:24]}"} - {""}


def _number(post: Mapping[str, Any]) -> str:
    return str(post["id"])


def _shown(post: Mapping[str, Any]) -> set[str]:
    files = post.get("media_attachments")
    return {str(one.get("id")) for one in files if isinstance(one, dict)} if isinstance(files, list) else set()


def _says(post: Mapping[str, Any]) -> object:
    """Its markup: of no words it is none, or an empty paragraph."""
    return str(post.get("content") or "").removeprefix("<p>").removesuffix("</p>")


def _asked(name: str, path: str) -> WireStep:
    return WireStep(name, StepKind.CONTROL, "GET", path, action="look")


def _listed(answer: Answer) -> list[dict[str, Any]] | None:
    """The posts of a listing, newest first; None when it is no look."""
    posts = answer.body if isinstance(answer, Response) and answer.ok else None
    whole = isinstance(posts, list) and all(isinstance(post, dict) and post.get("id") for post in posts)
    return posts if whole else None


def _may_be(post: Mapping[str, Any], sought: Sought) -> bool:
    """Whether a post stands where the one sought would, and is nobody else's copy; of messages, who reads it."""
    if str(post["id"]) in sought.known or (post.get("visibility") == DIRECT) != bool(sought.chat):
        return False
    if sought.chat:
        return named(post) == {sought.chat}
    return str(post.get("in_reply_to_id") or "") == sought.reply_to


def _said(text: str, sought: Sought) -> str:
    """The words of a post as it was written; of a message, without its reader's name before them."""
    return text.strip().partition(" ")[2].strip() if sought.chat else text.strip()
