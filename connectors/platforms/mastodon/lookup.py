"""Look-up of a lost post or message in the account's own posts: by its text or, without text, by
the IDs of its uploaded pictures.

Source: https://docs.joinmastodon.org/methods/accounts/#statuses,
https://docs.joinmastodon.org/entities/MediaAttachment/
"""

from collections.abc import Mapping, Set
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from connectors.contract.connector import (
    LookupQuery,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import Absent, Found, LookupResult, Unknown
from connectors.platforms.mastodon.account import account_id, id_of, post_url
from connectors.platforms.mastodon.messages import DIRECT_VISIBILITY, mentioned_accounts
from connectors.shared import textless_posts
from connectors.shared.http_responses import (
    clock_lead,
    parse_timestamp,
    quote_segment,
    success_body,
)
from foundation.i18n.translation import Message
from gate.contract.units import Medium

STAGE = "stage:"
SOURCE = "source:"
WINDOW = timedelta(seconds=60)
"""A post older than the attempt by more than this is a different post with the same text."""

LISTED = 40
MAX_READ = 5
"""Maximum number of posts whose source text is read. `LISTED` is the number of posts per list."""

USUAL = 20
"""Number of posts that servers return by default, also if they ignore the requested number."""

_FAILED = Unknown(Message("connectors.lookup_failed"))


def look_up(sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
    """List the account's posts since the attempt and read the source text of possible matches,
    since the HTML differs between servers."""
    silent = not sought.text.strip()
    files = (
        textless_posts.media_ids_of(sought, partial(_uploaded_media_ids, sought))
        if silent
        else set()
    )
    if silent and not files:
        return Unknown(Message("connectors.no_lookup"))
    if not answers:
        path = (
            f"/api/v1/accounts/{account_id(sought.account)}/statuses?limit={LISTED}"
            "&exclude_reblogs=true"
        )
        return Send(_build_read_step("look", path))
    posts = _parse_posts(answers[0])
    if posts is None:
        return _FAILED
    start = sought.armed_at - WINDOW - clock_lead(answers[0], sought.asked_at or sought.armed_at)
    recent = [post for post in posts if (parse_timestamp(post.get("created_at")) or start) >= start]
    here = [post for post in recent if _is_candidate(post, sought)]
    whole = (
        len(recent) < len(posts) or len(posts) < USUAL
    )  # the list reaches back before the attempt, or to the first post
    if silent:
        return _find_by_media(here, sought, files, whole=whole)
    return _find_by_text(here, sought, answers, whole=whole)


def _find_by_media(
    here: list[dict[str, Any]], sought: LookupQuery, files: Set[str], *, whole: bool
) -> LookupResult:
    seen = textless_posts.find_by_media(
        here, sought, files, number=_post_id, shows=_parse_media_ids, says=_parse_content
    )
    if isinstance(seen, Unknown):
        return seen
    if seen is not None:
        return _found_from_post(seen)
    return Absent() if whole else _FAILED


def _find_by_text(
    here: list[dict[str, Any]], sought: LookupQuery, answers: tuple[StepResult, ...], *, whole: bool
) -> Send | LookupResult:
    for post in reversed(here[-MAX_READ:]):
        name = SOURCE + _post_id(post)
        read = next((answer for answer in answers if answer.step == name), None)
        if read is None:
            return Send(
                _build_read_step(name, f"/api/v1/statuses/{quote_segment(_post_id(post))}/source")
            )
        text = success_body(read).get("text")
        if not isinstance(text, str):
            return _FAILED
        if _text_without_mention(text, sought) == sought.text.strip():
            found = _found_from_post(post)
            return replace(found, url="") if sought.chat else found
    reworded = any(
        post.get("edited_at") for post in here
    )  # edited by its owner on the server, so it may be the sought one
    return Absent() if whole and len(here) <= MAX_READ and not reworded else _FAILED


def _found_from_post(post: Mapping[str, Any]) -> Found:
    return Found(_post_id(post), post_url(post), parse_timestamp(post.get("created_at")))


def _uploaded_media_ids(sought: LookupQuery, medium: Medium) -> set[str]:
    return {
        id_of(answer) for answer in sought.told if answer.step == f"{STAGE}{medium.sha256[:24]}"
    } - {""}


def _post_id(post: Mapping[str, Any]) -> str:
    return str(post["id"])


def _parse_media_ids(post: Mapping[str, Any]) -> set[str]:
    files = post.get("media_attachments")
    return (
        {str(one.get("id")) for one in files if isinstance(one, dict)}
        if isinstance(files, list)
        else set()
    )


def _parse_content(post: Mapping[str, Any]) -> object:
    """Return the HTML of a post without the paragraph around it; a post without text has none or an
    empty one."""
    return str(post.get("content") or "").removeprefix("<p>").removesuffix("</p>")


def _build_read_step(name: str, path: str) -> WireStep:
    return WireStep(name, StepKind.CONTROL, "GET", path, action="look")


def _parse_posts(answer: StepResult) -> list[dict[str, Any]] | None:
    """Return the posts of a list, newest first, or None if the answer is unusable."""
    posts = answer.body if isinstance(answer, Response) and answer.is_success else None
    whole = isinstance(posts, list) and all(
        isinstance(post, dict) and post.get("id") for post in posts
    )
    return posts if whole else None


def _is_candidate(post: Mapping[str, Any], sought: LookupQuery) -> bool:
    """Return True if a post has the same parent, or a message the same recipient, and is not
    already known."""
    if str(post["id"]) in sought.known or (post.get("visibility") == DIRECT_VISIBILITY) != bool(
        sought.chat
    ):
        return False
    if sought.chat:
        return mentioned_accounts(post) == {sought.chat}
    return str(post.get("in_reply_to_id") or "") == sought.reply_to


def _text_without_mention(text: str, sought: LookupQuery) -> str:
    """Return the source text of a post. For a message, omit the recipient's handle at its
    beginning."""
    return text.strip().partition(" ")[2].strip() if sought.chat else text.strip()
