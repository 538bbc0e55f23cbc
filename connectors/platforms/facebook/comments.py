"""Comments on a Facebook Page's posts: reading them and their replies, replying, and moderation.

Not read: comments without an author, as when the token lacks pages_read_user_content, and mentions
elsewhere. Source: https://developers.facebook.com/docs/graph-api/reference/object/comments,
https://developers.facebook.com/docs/graph-api/reference/page/published_posts

A comment of the Page has the native ID `comment:` and its ID, since the ID of a post also consists
of two numbers. Source: https://developers.facebook.com/docs/graph-api/reference/comment,
…/reference/object/likes, https://developers.facebook.com/docs/graph-api/reference/page/blocked
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.contract.capabilities import Capabilities
from connectors.contract.comments import (
    OWN_COMMENT_PREFIX,
    Comment,
    CommentPage,
    CommentTarget,
    ModerationAction,
    moderation_request,
    own_comment_id,
    thread_comment_id,
)
from connectors.contract.connector import (
    LookupQuery,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Published,
    Rejected,
    Unknown,
)
from connectors.platforms.facebook.errors import (
    id_of_entry,
    outcome_of_failure,
    post_id_from_answer,
)
from connectors.platforms.meta import comments as meta_hearing
from connectors.platforms.meta.comments import comment_turn, outcome_unless_present
from connectors.platforms.meta.errors import (
    answer_entries,
    is_missing,
    is_permission_missing,
    next_cursor,
)
from connectors.shared import unit_checks
from connectors.shared.http_responses import (
    clock_lead,
    json_body,
    parse_timestamp,
    quote_segment,
    success_body,
)
from foundation.i18n.translation import Message
from gate.contract.units import Unit

POSTS = 10
COMMENTS = 25
"""Maximum number of comments per request; `POSTS` is the maximum number of posts. Facebook refuses
larger requests because they would return too much data."""

_SAID = "id,message,created_time,from,parent{id}"
_POST = (
    "id,permalink_url,"
    f"comments.filter(stream).order(reverse_chronological).limit({COMMENTS}){{{_SAID}}}"
)


def list_comments(
    account: str, cursor: str, answers: tuple[StepResult, ...]
) -> Send | CommentPage | None:
    """Return the next request, or the comments since `cursor`. Return None if the first answer is
    unusable."""
    return meta_hearing.list_comments(FACEBOOK_COMMENTS, account, cursor, answers)


def _posts_path(after: str) -> str:
    more = f"&after={quote_segment(after)}" if after else ""
    return f"/{{account}}/published_posts?fields={quote_segment(_POST)}&limit={POSTS}{more}"


def _comments_path(post: str, after: str) -> str:
    asked = (
        f"fields={quote_segment(_SAID)}&filter=stream&order=reverse_chronological&limit={COMMENTS}"
    )
    return f"/{quote_segment(post)}/comments?{asked}&after={quote_segment(after)}"


def _parse_comments(post: Mapping[str, Any], account: str, me: str) -> Iterator[Comment]:
    """Yield the comments of other users on a post.

    The ID of a reply includes its parent comment, since an answer to it must be posted below that
    comment.
    """
    under = id_of_entry(post)
    comments = post.get("comments")
    url = post.get("permalink_url")
    for one in answer_entries(comments) or [] if under and isinstance(comments, dict) else ():
        number = id_of_entry(one)
        above = id_of_entry(one.get("parent"))
        author, name = _parse_author(one)
        text = one.get("message")
        if number and author and author != account:
            yield Comment(
                native_id=f"{above}/{number}" if above else number,
                author=author,
                handle=name or author,
                text=text if isinstance(text, str) else "",
                under=under,
                url=url if isinstance(url, str) else "",
                at=parse_timestamp(one.get("created_time")),
            )


def _parse_author(one: Mapping[str, Any]) -> tuple[str, str]:
    """Return the ID and the name of the author, or "" if unknown."""
    sender = one.get("from")
    told = sender if isinstance(sender, dict) else {}
    number = told.get("id")
    name = told.get("name")
    plain = isinstance(number, str) and number.isascii() and number.isdigit() and len(number) <= 30
    return str(number) if plain else "", name if isinstance(name, str) else ""


FACEBOOK_COMMENTS = meta_hearing.CommentNetwork(
    _posts_path, _comments_path, id_of_entry, _parse_comments, lambda post: "", "created_time"
)

PUBLISH = "publish"
LOOK = "look"
MODERATION_ACTIONS = frozenset({"like", "unlike", "hide", "show", "delete", "block"})
"""The supported actions. Facebook has no API for reports."""

MAX_COMMENT_LENGTH = 8000
"""Maximum number of characters of a comment."""

WINDOW = timedelta(seconds=60)
"""A comment older than the attempt by more than this is a different one with the same text."""

LISTED = 50
MAX_PAGES = 5
_REMARK = re.compile(r"(?:\d{1,30}_\d{1,30}/)?\d{1,30}_\d{1,30}", re.ASCII)
_AUTHOR = re.compile(r"\d{1,19}", re.ASCII)
"""An author's ID. Facebook accepts 64-bit numbers."""


def reply_to_comment(
    unit: Unit, answers: tuple[StepResult, ...], can: Capabilities
) -> Send | Outcome:
    """Publish a reply to a comment in one request, or return its outcome."""
    words = unit.text_of("body")
    wrong = unit_checks.unit_problem(unit, can, length=len(words)) or _comment_problem(unit)
    if wrong is not None:
        return Rejected(wrong, permanent=False)
    return comment_turn(
        f"/{thread_comment_id(unit.comment_id)}/comments",
        words,
        answers,
        number=post_id_from_answer,
        refused=_refusal_outcome,
    )


def add_first_comment(
    unit: Unit, answers: tuple[StepResult, ...], can: Capabilities
) -> Send | Outcome:
    """Publish the first comment on the Page's own post.

    Source: https://developers.facebook.com/docs/graph-api/reference/object/comments
    """
    wrong = unit_checks.first_comment_problem(unit, can, most=MAX_COMMENT_LENGTH)
    if wrong is not None:
        return Rejected(wrong, permanent=False)
    path = f"/{quote_segment(unit.reply_to)}/comments"
    return comment_turn(
        path,
        unit.text_of("body"),
        answers,
        number=post_id_from_answer,
        refused=_first_comment_refusal_outcome,
    )


def _first_comment_refusal_outcome(last: StepResult, *, creates: bool) -> Outcome:
    if is_missing(last):
        return Rejected(Message("connectors.comment_post_gone"), permanent=False)
    return _refusal_outcome(last, creates=creates)


def _comment_problem(unit: Unit) -> Message | None:
    words = unit.text_of("body")
    alone = not (unit.media or unit.text_of("title") or unit.buttons or unit.viewer or unit.invoice)
    if not alone or not words.strip():
        return Message("facebook.words_alone")
    if len(words) > MAX_COMMENT_LENGTH:
        return Message(
            "connectors.text_too_long", {"length": len(words), "most": MAX_COMMENT_LENGTH}
        )
    if not _REMARK.fullmatch(unit.comment_id):
        return Message("facebook.remark_gone")
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def _refusal_outcome(last: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of a failure. A token without the permission for comments can still
    publish, so the account need not be reconnected."""
    if is_permission_missing(last):
        return Rejected(Message("facebook.no_comments"), permanent=False)
    if is_missing(last):
        return Rejected(Message("facebook.remark_gone"), permanent=False)
    return outcome_of_failure(last, creates=creates)


def look_up_comment(sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
    """Search the replies of the comment, newest first, by text, time and author."""
    if not answers:
        return Send(_build_replies_step(sought.reply_to, ""))
    last = answers[-1]
    listed = answer_entries(success_body(last))
    if listed is None:
        return Unknown(Message("connectors.lookup_failed"))
    start = sought.armed_at - WINDOW - clock_lead(last, sought.asked_at or sought.armed_at)
    inside = [one for one in listed if (parse_timestamp(one.get("created_time")) or start) >= start]
    same = [one for one in inside if _is_match(one, sought)]
    if same:
        return Found(
            f"{OWN_COMMENT_PREFIX}{id_of_entry(same[-1])}", "", _parse_created_at(same[-1])
        )
    after = next_cursor(success_body(last))
    if len(inside) < len(listed) or not after:
        return Absent()
    more = len(answers) < MAX_PAGES
    return (
        Send(_build_replies_step(sought.reply_to, after))
        if more
        else Unknown(Message("connectors.lookup_failed"))
    )


def _is_match(one: Mapping[str, Any], sought: LookupQuery) -> bool:
    sender = one.get("from")
    number = id_of_entry(one)
    ours = (
        not isinstance(sender, dict) or sender.get("id") == sought.account
    )  # some tokens receive no authors
    said = str(one.get("message") or "").strip() == sought.text.strip()
    return ours and said and number != "" and f"{OWN_COMMENT_PREFIX}{number}" not in sought.known


def _parse_created_at(one: Mapping[str, Any]) -> datetime | None:
    return parse_timestamp(one.get("created_time"))


def _build_replies_step(native_id: str, after: str) -> WireStep:
    cursor = f"&after={quote_segment(after)}" if after else ""
    asked = f"fields=id,message,created_time,from&order=reverse_chronological&limit={LISTED}"
    path = f"/{quote_segment(thread_comment_id(native_id))}/comments?{asked}{cursor}"
    return WireStep(LOOK, StepKind.CONTROL, "GET", path, action=LOOK)


def remove_comment(native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Delete a comment of the Page. A missing one counts as deleted."""
    if not answers:
        return Send(
            WireStep(
                "delete",
                StepKind.RESTRICT,
                "DELETE",
                f"/{quote_segment(own_comment_id(native_id))}",
                action="delete",
            )
        )
    return _action_outcome(native_id, own_comment_id(native_id), answers)


def moderate_comment(
    spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
) -> Send | Outcome:
    """Like, hide, show or delete a comment, or block its author. If Facebook refuses, check that
    the comment still exists, since a missing one counts as success."""
    if act not in MODERATION_ACTIONS or (act == "block" and not _AUTHOR.fullmatch(spot.author)):
        return Rejected(Message("connectors.refused", {"status": 405, "word": act}), permanent=True)
    if answers:
        return (
            _block_outcome(spot, answers[-1])
            if act == "block"
            else _action_outcome(spot.native_id, own_comment_id(spot.native_id), answers)
        )
    path = f"/{quote_segment(own_comment_id(spot.native_id))}"
    if act == "block":
        return moderation_request("POST", "/{account}/blocked", {"psid": [int(spot.author)]})
    if act in ("like", "unlike"):
        return moderation_request("POST" if act == "like" else "DELETE", f"{path}/likes")
    return (
        moderation_request("DELETE", path)
        if act == "delete"
        else moderation_request("POST", path, {"is_hidden": act == "hide"})
    )


def _block_outcome(spot: CommentTarget, acted: StepResult) -> Outcome:
    """Return the outcome of a block. Facebook reports it for each author."""
    if isinstance(acted, Response) and acted.is_success:
        done = json_body(acted).get(spot.author) is True or json_body(acted).get("success") is True
        return (
            Published(spot.native_id)
            if done
            else Rejected(Message("facebook.not_done"), permanent=False)
        )
    if is_missing(acted):
        return Rejected(Message("facebook.not_done"), permanent=False)
    return _refusal_outcome(acted, creates=False)


def _action_outcome(told_as: str, number: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Return the outcome of an action. If the comment may be missing, check that it still
    exists."""
    acted = answers[0]
    refused = Message("facebook.no_comments")
    if isinstance(acted, Response) and acted.is_success:
        done = json_body(acted).get("success") is not False
        return Published(told_as) if done else Rejected(refused, permanent=False)
    if not is_missing(acted):
        return _refusal_outcome(acted, creates=False)
    end = outcome_unless_present(number, answers[1:], answers[-1], refused)
    return Published(told_as) if isinstance(end, Published) else end
