"""Comments on an Instagram account's posts: reading, replying, hiding and deleting.

There is no list of new comments, so posts are read with their comments, newest first, and each
comment with its replies. The ID of a reply includes its parent comment, since an answer to it must
be posted below that comment. A comment of the account has the native ID `comment:` and its ID,
since the ID of a post is a number too. Source: `comment-moderation`,
`instagram-graph-api/reference/ig-media/comments` and
`instagram-graph-api/reference/ig-comment/replies` of
https://developers.facebook.com/docs/instagram-platform/

Not read: replies after the first 25 of a comment, replies to comments outside the 25 newest of
their post, mentions elsewhere, and comments on stories and advertisements.
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
    Retry,
    Unknown,
)
from connectors.contract.post_presence import MissingPost
from connectors.platforms.instagram import lookup
from connectors.platforms.meta import comments as meta_hearing
from connectors.platforms.meta.comments import PUBLISH, comment_author, comment_turn, entry_id
from connectors.platforms.meta.errors import (
    NOT_VISIBLE_CODE,
    PERMISSION_CODES,
    answer_entries,
    error_codes,
    id_from_answer,
    next_cursor,
    outcome_of_failure,
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

LOOK = "look"
OPEN = "open"
MODERATION_ACTIONS = frozenset({"hide", "show", "delete"})
"""The supported actions. The API cannot block or report authors."""

WINDOW = timedelta(seconds=60)
"""A comment older than the attempt by more than this is a different one with the same text."""

LISTED = 50
MAX_PAGES = 5
AGAIN = timedelta(seconds=5)
UNREADY = timedelta(seconds=30)
MAX_TEXT = 2200
"""Maximum number of characters of a comment. The reference states none; users observed the limit of
captions."""

_REMARK = re.compile(r"(?:\d{1,30}/)?\d{1,30}", re.ASCII)


def reply_to_comment(
    unit: Unit, answers: tuple[StepResult, ...], can: Capabilities
) -> Send | Outcome:
    """Publish a reply to a comment in one request, or return its outcome."""
    words = unit.text_of("body")
    wrong = unit_checks.unit_problem(unit, can, length=len(words)) or _comment_problem(unit)
    if wrong is not None:
        return Rejected(wrong, permanent=False)
    return comment_turn(
        f"/{thread_comment_id(unit.comment_id)}/replies",
        words,
        answers,
        number=id_from_answer,
        refused=_refusal_outcome,
    )


def add_first_comment(
    unit: Unit, answers: tuple[StepResult, ...], can: Capabilities, marks: frozenset[str]
) -> Send | Outcome:
    """Publish the first comment on the account's own post, after a check that the post allows
    comments.

    For a while Instagram may report a new post as missing although it is listed; the comment is
    then retried. A post that is in no list is deleted, so the comment is rejected. Source:
    https://developers.facebook.com/docs/instagram-platform/comment-moderation, and
    `is_comment_enabled` of
    https://developers.facebook.com/docs/instagram-platform/reference/instagram-media
    """
    wrong = unit_checks.first_comment_problem(unit, can, most=MAX_TEXT, marks=marks)
    if wrong is not None:
        return Rejected(wrong, permanent=False)
    post = quote_segment(unit.reply_to)
    last = answers[-1] if answers else None
    if last is None:
        asked = f"/{post}?fields=is_comment_enabled"
        return Send(WireStep(OPEN, StepKind.CONTROL, "GET", asked, action=LOOK))
    if error_codes(answers[0]) == NOT_VISIBLE_CODE:
        seen = lookup.presence_in_listing(unit.reply_to, answers[1:])
        if isinstance(seen, Send):
            return seen
        if isinstance(seen, MissingPost):
            return Rejected(Message("connectors.comment_post_gone"), permanent=False)
        return _first_comment_refusal_outcome(answers[0], creates=False)
    if last.step == OPEN:
        told = success_body(last)
        if told.get("is_comment_enabled") is False:
            return Rejected(Message("connectors.comments_off"), permanent=False)
        if not told:
            return _first_comment_refusal_outcome(last, creates=False)
    said = tuple(one for one in answers if one.step == PUBLISH)
    return comment_turn(
        f"/{post}/comments",
        unit.text_of("body"),
        said,
        number=id_from_answer,
        refused=_first_comment_refusal_outcome,
    )


def _first_comment_refusal_outcome(last: StepResult, *, creates: bool) -> Outcome:
    if error_codes(last) == NOT_VISIBLE_CODE:
        return Retry(UNREADY, "account", Message("connectors.post_unready"))
    return _refusal_outcome(last, creates=creates)


def _comment_problem(unit: Unit) -> Message | None:
    alone = not (unit.media or unit.text_of("title") or unit.buttons or unit.viewer or unit.invoice)
    if not alone or not unit.text_of("body").strip():
        return Message("instagram.words_alone")
    if not _REMARK.fullmatch(unit.comment_id):
        return Message("instagram.remark_gone")
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def _refusal_outcome(last: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of a failure. An older token without the permission for comments can still
    publish, so the account need not be reconnected.

    Instagram reports a deleted comment and a comment that the token may not access with the same
    error.
    """
    code, sub = error_codes(last)
    if code in PERMISSION_CODES:
        return Rejected(Message("instagram.no_comments"), permanent=False)
    if (code, sub) == NOT_VISIBLE_CODE:
        return Rejected(Message("instagram.remark_gone"), permanent=False)
    return outcome_of_failure(last, creates=creates)


def look_up_comment(sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
    """Read the account's name, then search the replies of the comment by text, time and author."""
    if not answers:
        return Send(_build_lookup_step("/me?fields=username"))
    me = success_body(answers[0]).get("username")
    if not isinstance(me, str) or not me:
        return Unknown(Message("connectors.lookup_failed"))
    if len(answers) == 1:
        return Send(_build_replies_step(sought, ""))
    listed = answer_entries(success_body(answers[-1]))
    if listed is None:
        return Unknown(Message("connectors.lookup_failed"))
    start = sought.armed_at - WINDOW - clock_lead(answers[-1], sought.asked_at or sought.armed_at)
    same = [one for one in listed if _is_match(one, sought, start, me)]
    if same:
        first = min(same, key=lambda one: str(one.get("timestamp")))
        return Found(
            f"{OWN_COMMENT_PREFIX}{first['id']}", "", parse_timestamp(first.get("timestamp"))
        )
    after = next_cursor(success_body(answers[-1]))
    newest_first = sought.comment and any(
        (parse_timestamp(one.get("timestamp")) or start) < start for one in listed
    )
    if not after or newest_first:
        return Absent()
    more = len(answers) <= MAX_PAGES
    return (
        Send(_build_replies_step(sought, after))
        if more
        else Unknown(Message("connectors.lookup_failed"))
    )


def _is_match(one: Mapping[str, Any], sought: LookupQuery, start: datetime, me: str) -> bool:
    said = str(one.get("text") or "").strip() == sought.text.strip()
    return (
        said
        and comment_author(one) in ("", me)
        and (parse_timestamp(one.get("timestamp")) or start) >= start
        and _is_new_comment(one, sought)
    )


def _is_new_comment(one: Mapping[str, Any], sought: LookupQuery) -> bool:
    return entry_id(one) != "" and f"{OWN_COMMENT_PREFIX}{entry_id(one)}" not in sought.known


def _build_replies_step(sought: LookupQuery, after: str) -> WireStep:
    """Request the comments on a post, or the replies to a comment."""
    cursor = f"&after={quote_segment(after)}" if after else ""
    kind = "comments" if sought.comment else "replies"
    path = (
        f"/{quote_segment(thread_comment_id(sought.reply_to))}/{kind}?fields=id,text,timestamp,"
        f"username,from&limit={LISTED}{cursor}"
    )
    return _build_lookup_step(path)


def _build_lookup_step(path: str) -> WireStep:
    return WireStep(LOOK, StepKind.CONTROL, "GET", path, action=LOOK)


def remove_comment(native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Delete a comment of the account. A missing one counts as deleted."""
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
    return _action_outcome(native_id, answers[0]) or _outcome_unless_present(native_id, answers)


def moderate_comment(
    spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
) -> Send | Outcome:
    """Hide, show or delete a comment. If Instagram refuses, check that the comment still exists,
    since a missing one counts as success."""
    if act not in MODERATION_ACTIONS:
        return Rejected(Message("connectors.refused", {"status": 405, "word": act}), permanent=True)
    if not answers:
        path = f"/{quote_segment(own_comment_id(spot.native_id))}"
        deletes = act == "delete"
        return moderation_request(
            "DELETE" if deletes else "POST", path, None if deletes else {"hide": act == "hide"}
        )
    return _action_outcome(spot.native_id, answers[0]) or _outcome_unless_present(
        spot.native_id, answers
    )


def _action_outcome(native_id: str, acted: StepResult) -> Outcome | None:
    """Return the outcome of an action, or None if the comment may be missing."""
    if isinstance(acted, Response) and acted.is_success:
        if json_body(acted).get("success") is False:
            return Rejected(Message("instagram.no_comments"), permanent=False)
        return Published(native_id)
    return (
        None if error_codes(acted) == NOT_VISIBLE_CODE else _refusal_outcome(acted, creates=False)
    )


def _outcome_unless_present(native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Check that the comment still exists. Instagram also reports a comment as missing if the token
    may not access it."""
    if len(answers) == 1:
        return Send(_build_lookup_step(f"/{quote_segment(own_comment_id(native_id))}?fields=id"))
    last = answers[-1]
    if error_codes(last) == NOT_VISIBLE_CODE:
        return Published(native_id)
    if success_body(last):
        return Rejected(Message("instagram.no_comments"), permanent=False)
    refused = _refusal_outcome(last, creates=False)
    return (
        refused
        if isinstance(refused, Rejected)
        else Retry(AGAIN, "account", Message("connectors.lookup_failed"))
    )


POSTS = 10
COMMENTS = 25
REPLIES = 25
"""Maximum number of replies per request, like `POSTS` and `COMMENTS`. Instagram refuses larger
requests because they would return too much data."""

_SAID = "id,text,timestamp,username,from"
_COMMENT = f"{_SAID},replies.limit({REPLIES}){{{_SAID}}}"
_POST = f"id,username,permalink,comments.limit({COMMENTS}){{{_COMMENT}}}"


def list_comments(
    account: str, cursor: str, answers: tuple[StepResult, ...]
) -> Send | CommentPage | None:
    """Return the next request, or the comments since `cursor`. Return None if the first answer is
    unusable."""
    return meta_hearing.list_comments(INSTAGRAM_COMMENTS, account, cursor, answers)


def _posts_path(after: str) -> str:
    more = f"&after={quote_segment(after)}" if after else ""
    return f"/{{account}}/media?fields={quote_segment(_POST)}&limit={POSTS}{more}"


def _comments_path(post: str, after: str) -> str:
    return (
        f"/{post}/comments?fields={quote_segment(_COMMENT)}&limit={COMMENTS}"
        f"&after={quote_segment(after)}"
    )


def _parse_comments(post: Mapping[str, Any], account: str, me: str) -> Iterator[Comment]:
    """Yield the comments of other users on a post. Entries without an author are skipped."""
    under = entry_id(post)
    comments = post.get("comments")
    if not under or not isinstance(comments, dict):
        return
    url = post.get("permalink")
    for comment in answer_entries(comments) or []:
        replies = comment.get("replies")
        below = answer_entries(replies) if isinstance(replies, dict) else None
        top = entry_id(comment)
        every = [
            (top, comment),
            *((f"{top}/{entry_id(one)}", one) for one in below or [] if entry_id(one)),
        ]
        for native_id, one in every:
            author = _parse_author(one)
            if top and author and author != account and comment_author(one) != (me or None):
                yield _parse_comment(
                    native_id, one, author, under, url if isinstance(url, str) else ""
                )


def _parse_author(one: Mapping[str, Any]) -> str:
    """Return the author's ID, or the name if there is no ID. Return "" for the account itself and
    for unknown authors."""
    sender = one.get("from")
    sender = sender if isinstance(sender, dict) else {}
    return "" if sender.get("self_ig_scoped_id") else entry_id(sender) or comment_author(one)


def _parse_comment(
    native_id: str, one: Mapping[str, Any], author: str, under: str, url: str
) -> Comment:
    text = one.get("text")
    name = comment_author(one)
    return Comment(
        native_id=native_id,
        author=author,
        handle=f"@{name}" if name else author,
        text=text if isinstance(text, str) else "",
        under=under,
        url=url,
        at=parse_timestamp(one.get("timestamp")),
    )


INSTAGRAM_COMMENTS = meta_hearing.CommentNetwork(
    _posts_path, _comments_path, entry_id, _parse_comments, comment_author, "timestamp"
)
