"""Comments on Mastodon: posts that mention the account, as every reply to it does, and moderation.

Sources: https://docs.joinmastodon.org/methods/notifications/#get,
https://docs.joinmastodon.org/methods/accounts/#block,
https://docs.joinmastodon.org/methods/reports/#post,
https://docs.joinmastodon.org/methods/statuses/#favourite
"""

from collections.abc import Mapping
from typing import Any

from connectors.contract import comments
from connectors.contract.comments import Comment, CommentPage, CommentTarget, ModerationAction
from connectors.contract.connector import Response, Send, StepResult
from connectors.contract.outcomes import Outcome, Published, Rejected
from connectors.platforms.mastodon.account import is_missing, outcome_of_failure, refusal_text
from connectors.shared.http_responses import parse_timestamp, quote_segment, success_body
from foundation.i18n.html_text import convert_html_to_text
from foundation.i18n.translation import Message

LISTED = 80
MAX_PAGES = 5
"""Maximum number of pages per read. `LISTED` is the maximum number of notifications per page."""

BEGINNING = "0"
"""A cursor before the first notification, for an account without any."""

OPEN = frozenset({"public", "unlisted", "private"})
"""Visibilities of comments: those readable by all users and those readable by the author's
followers. A `direct` post is a message."""

MODERATION_ACTIONS: frozenset[str] = frozenset({"like", "unlike", "block", "report"})
_LIKES = {"like": "favourite", "unlike": "unfavourite"}


def list_comments(
    account: str, cursor: str, answers: tuple[StepResult, ...]
) -> Send | CommentPage | None:
    """Return the posts that mention the account after the notification `cursor`, page by page from
    the oldest.

    The first read returns the newest page only; earlier posts are ignored. If a server returns
    fewer posts than requested, the next read returns the rest. Notifications that the user filters
    on the server are not returned (https://docs.joinmastodon.org/entities/NotificationPolicy/).
    Quotes that do not mention the account are not comments.
    """
    found = [page for page in map(_parse_notifications, answers) if page is not None]
    if answers and not found:
        return None
    after = max([cursor, *(one["id"] for page in found for one in page)], key=_id_sort_key)
    full = bool(found) and len(found[-1]) >= LISTED and _has_advanced(cursor, found)
    if not answers or (cursor and full and len(found) == len(answers) < MAX_PAGES):
        since = f"&min_id={quote_segment(after)}" if after else ""
        return comments.comments_request(
            f"/api/v1/notifications?types%5B%5D=mention&limit={LISTED}{since}"
        )
    entries = sorted(
        (one for page in found for one in page), key=lambda one: _id_sort_key(one["id"])
    )
    said = [_parse_comment(one, account.partition("@")[0]) for one in entries]
    return CommentPage(
        tuple(dict.fromkeys(one for one in said if one is not None)), after or BEGINNING
    )


def _has_advanced(cursor: str, pages: list[list[Mapping[str, Any]]]) -> bool:
    """Return True if the last page contains new notifications. Some servers return the same page
    forever."""
    before = [cursor, *(one["id"] for page in pages[:-1] for one in page)]
    return max(_id_sort_key(one["id"]) for one in pages[-1]) > max(map(_id_sort_key, before))


def _id_sort_key(number: str) -> tuple[int, str]:
    """Return the sort key of an ID: numbers without leading zeros, or letters of one length."""
    return len(number), number


def _parse_notifications(answer: StepResult) -> list[Mapping[str, Any]] | None:
    """Return the notifications of an answer that have an ID, or None if it is not a list."""
    listed = answer.body if isinstance(answer, Response) and answer.is_success else None
    if not isinstance(listed, list):
        return None
    return [one for one in listed if isinstance(one, Mapping) and _is_id(one.get("id"))]


def _is_id(told: object) -> bool:
    return isinstance(told, str) and 0 < len(told) <= 64 and told.isascii() and told.isalnum()


def _parse_comment(entry: Mapping[str, Any], mine: str) -> Comment | None:
    """Return a visible comment, or None for any other notification. A reply to a reply has no
    `under`, since finding the post at its top would need one request each."""
    match entry:
        case {
            "type": "mention",
            "account": {"id": str(author), "acct": str(name)},
            "status": {"id": str(native_id), "visibility": str(visibility)} as status,
        } if (
            visibility in OPEN and author != mine and _is_id(author) and _is_id(native_id) and name
        ):
            above = status.get("in_reply_to_id")
            whose = status.get("in_reply_to_account_id")
            url = status.get("url")
            return Comment(
                native_id=native_id,
                author=author,
                handle=f"@{name}",
                text=_parse_text(status),
                under=above if whose == mine and isinstance(above, str) else "",
                url=url if isinstance(url, str) and url.startswith(("https://", "http://")) else "",
                at=parse_timestamp(status.get("created_at")),
            )
        case _:
            return None


def _parse_text(status: Mapping[str, Any]) -> str:
    """Return the content warning and the text."""
    warning = status.get("spoiler_text")
    content = status.get("content")
    words = [
        warning.strip() if isinstance(warning, str) else "",
        convert_html_to_text(content) if isinstance(content, str) else "",
    ]
    return "\n\n".join(word for word in words if word)


def moderate_comment(
    spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
) -> Send | Outcome:
    """Like a comment or undo it, block its author, or report it to the server's moderators. A block
    also removes the author's notifications.

    Only the author can delete a reply, and it cannot be hidden. A report whose answer was lost is
    sent again: reports cannot be listed, and moderators see all reports of an account together.
    """
    if act not in MODERATION_ACTIONS:
        return Rejected(
            Message("connectors.refused", {"status": 405, "word": act}), permanent=False
        )
    if not answers:
        if act == "block":
            return comments.moderation_request(
                "POST", f"/api/v1/accounts/{quote_segment(spot.author)}/block"
            )
        if act in _LIKES:
            return comments.moderation_request(
                "POST", f"/api/v1/statuses/{quote_segment(spot.native_id)}/{_LIKES[act]}"
            )
        return comments.moderation_request(
            "POST", "/api/v1/reports", {"account_id": spot.author, "status_ids": [spot.native_id]}
        )
    last = answers[-1]
    told = success_body(last)
    done = told.get("blocking") is True if act == "block" else _is_id(told.get("id"))
    if act in _LIKES:
        done = told.get("favourited") is (act == "like")
    if done or is_missing(last):
        return Published(spot.native_id)
    if isinstance(last, Response) and last.status == 403 and "scope" in refusal_text(last).lower():
        return Rejected(
            Message("oauth.scopes"), permanent=False
        )  # connected before this scope was requested; the account can still publish
    return outcome_of_failure(last, creates=False)
