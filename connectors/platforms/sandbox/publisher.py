"""The sandbox connector: the test network inside the installation. `sandbox/app.py` describes its
API and options.

An account's name states its capabilities, as a platform's documentation would. `…+key` accounts
accept idempotency keys and find posts by them. Without it a repeat creates a second post, and
look-ups read the timeline. `…-nolook` accounts cannot look up chat messages, so a member must
decide. `…-nomarks` accounts accept a post but drop its adult and AI labels.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.contract import comments, metrics
from connectors.contract.capabilities import Capabilities
from connectors.contract.chats import ChatUpdate, ChatUpdates
from connectors.contract.comments import Comment, CommentPage, CommentTarget, ModerationAction
from connectors.contract.connector import (
    FileRef,
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.destination import MarkReport
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Published,
    Rejected,
    Uncertain,
    Unknown,
)
from connectors.platforms.sandbox import edits, lookup
from connectors.shared import unit_checks
from connectors.shared.feed_layouts import SANDBOX_LAYOUTS
from connectors.shared.http_responses import (
    outcome_of_status,
    parse_timestamp,
    platform_error_code,
    quote_segment,
    success_body,
)
from foundation.i18n.translation import Message
from gate.contract.units import COMMENT_REFERENCE, Medium, Unit

ACCOUNT_GONE = frozenset({"no_such_account", "account_suspended"})
LISTED = 50
"""The number of posts on a page of the timeline."""

MAX_PAGES = 5
WINDOW = timedelta(seconds=60)
"""A post older than the attempt by more than this is a different post with the same text."""

ADULT_FLAGS = frozenset(
    {"adult", "adult_content", "nsfw", "sensitive", "has_spoiler", "protect_content"}
)
AI_FLAGS = frozenset({"ai", "made_with_ai", "is_ai_generated"})
KINDS = frozenset({"message", "button", "checkout", "payment", "refund", "age", "stop"})
UPDATES_WAIT = 20
"""Seconds for which the sandbox may delay its answer to a request for updates."""


class Sandbox:
    """The connector for posts, chat and sales on the sandbox."""

    capabilities = Capabilities(
        platform="sandbox",
        test_network=True,
        surfaces=("post", "chat", "as_x", "as_instagram", "as_telegram", "as_fanvue"),
        max_text=4096,
        max_media=10,
        mimes=(
            "image/jpeg",
            "image/png",
            "image/webp",
            "video/mp4",
            "audio/ogg",
            "audio/mp4",
            "application/zip",
        ),
        max_bytes=25 * 1024 * 1024,
        look="listing",
        resend_is_look=False,
        lists_complete=True,
        can_delete=True,
        edits=True,
        can_chat=True,
        can_sell=True,
        stages=True,
        points_at=frozenset({"quote", COMMENT_REFERENCE}),
        moderates=frozenset({"like", "unlike", "hide", "show", "delete", "block", "report"}),
        remarks_every=1,
        threads=25,
        shows=SANDBOX_LAYOUTS,
        sizes={
            "as_x": (280, 4),
            "as_instagram": (2200, 10),
            "as_telegram": (4096, 10),
            "as_fanvue": (5000, 10),
        },
        needs={"as_instagram": "media"},
    )

    profile_url = staticmethod(lookup.profile_url)
    resolve_address = staticmethod(lookup.resolve_address)

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Upload each file by its digest, then publish in one request, or return the outcome of the
        last answer."""
        unfit = unit_checks.unit_problem(unit, self.capabilities, length=len(unit.text_of("body")))
        if len(unit.references) > (
            0 if unit.viewer else 1
        ):  # a post may quote one other post, a message none
            unfit = Message("connectors.cannot_point", {"kind": unit.references[0].kind})
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _publish_outcome(last)
        if last is not None and not _is_staged(last):
            return outcome_of_status(last, creates=False, account_gone=ACCOUNT_GONE)
        done = {answer.step for answer in answers if _is_staged(answer)}
        for medium in unit.media:
            if _stage_name(medium) not in done:
                return Send(_build_stage_step(medium))
        return Send(_build_message_step(unit) if unit.viewer else _build_publish_step(unit))

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Search by key if the account supports keys, otherwise read the timeline back to before
        the attempt."""
        if sought.chat and sought.account.endswith("-nolook"):
            return Unknown(Message("connectors.no_lookup"))
        by_key = bool(sought.chat) or has_native_keys(sought.account)
        if not answers:
            return Send(_build_key_lookup_step(sought) if by_key else _build_page_step(""))
        posts = _parse_posts(answers[-1])
        if posts is None:
            return Unknown(Message("connectors.lookup_failed"))
        if by_key:
            return _resolve_matches(
                [post for post in posts if post.get("key") == sought.native_key]
            )
        return _in_timeline(sought, answers, posts)

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Delete the post or message. A missing one counts as deleted."""
        if not answers:
            return Send(
                WireStep("delete", StepKind.RESTRICT, "DELETE", _copy_path(copy), action="delete")
            )
        last = answers[-1]
        if isinstance(last, Response) and (
            last.is_success or (last.status == 404 and platform_error_code(last) == "no_such_post")
        ):
            return Published(copy.native_id)
        return outcome_of_status(last, creates=False, account_gone=ACCOUNT_GONE)

    def edit(self, unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Replace the text of a post; its media do not change."""
        can = self.capabilities
        return edits.edit_post(
            unit, native_id, _build_content(unit), answers, can=can, account_gone=ACCOUNT_GONE
        )

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return views, likes, comments and clicks of a post, or None for a message."""
        if copy.chat:
            return None
        if not answers:
            return Send(
                WireStep(
                    "metrics",
                    StepKind.CONTROL,
                    "GET",
                    f"{_copy_path(copy)}/metrics",
                    action="metrics",
                )
            )
        last = answers[-1]
        if not isinstance(last, Response) or not last.is_success or not isinstance(last.body, dict):
            return None
        return {name: value for name, value in last.body.items() if isinstance(value, int)}

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """Return the next request, or the number of followers."""
        if not answers:
            return metrics.followers_request("/api/{account}/followers")
        return metrics.parse_count(success_body(answers[-1]).get("followers"))

    def list_comments(
        self, account: str, destination: str, cursor: str, answers: tuple[StepResult, ...]
    ) -> Send | CommentPage | None:
        """Return the next request, or up to a hundred comments after the cursor."""
        if not answers:
            return comments.comments_request(
                f"/api/{{account}}/remarks?after={quote_segment(cursor)}"
            )
        told = success_body(answers[-1])
        entries = told.get("remarks")
        after = told.get("cursor")
        if not isinstance(entries, list) or not isinstance(after, str):
            return None
        if not all(
            isinstance(entry, dict) and entry.get("id") and entry.get("fan") for entry in entries
        ):
            return None
        return CommentPage(tuple(_parse_comment(entry) for entry in entries), after)

    def moderate_comment(
        self, spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Moderate a comment. A repeated action and a comment deleted by its author count as
        success."""
        if not answers:
            return comments.moderation_request(
                "POST", f"/api/{{account}}/remarks/{quote_segment(spot.native_id)}/{act}", {}
            )
        last = answers[-1]
        gone = (
            isinstance(last, Response)
            and last.status == 404
            and platform_error_code(last) == "no_such_remark"
        )
        if (isinstance(last, Response) and last.is_success) or gone:
            return Published(spot.native_id)
        return outcome_of_status(last, creates=False, account_gone=ACCOUNT_GONE)

    def read_marks(
        self, copy: PlatformCopy, flags: tuple[str, ...], answers: tuple[StepResult, ...]
    ) -> Send | MarkReport | Outcome:
        """Check that a post has the adult and AI labels it was sent with. Messages have none."""
        marks = {flag: mark for flag in flags if (mark := _flag_name(flag))}
        # messages on the sandbox have no labels
        if copy.chat or not marks:
            return MarkReport()
        if not answers:
            return Send(WireStep("look", StepKind.CONTROL, "GET", _copy_path(copy), action="look"))
        last = answers[-1]
        if isinstance(last, Response) and last.is_success and isinstance(last.body, dict):
            shown: Mapping[str, Any] = last.body
            return MarkReport(
                tuple(flag for flag, mark in marks.items() if shown.get(mark) is not True)
            )
        if (
            isinstance(last, Response)
            and last.status == 404
            and platform_error_code(last) == "no_such_post"
        ):
            return MarkReport(there=False)
        return outcome_of_status(last, creates=False, account_gone=ACCOUNT_GONE)

    def listen(self, cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | None:
        """Return the next request, or the updates after `cursor`. The sandbox answers when there
        are any, at the latest after 20 seconds."""
        if answers:
            return _parse_updates(answers[-1])
        path = f"/api/{{account}}/updates?after={quote_segment(cursor)}&wait={UPDATES_WAIT}"
        step = WireStep(
            "updates", StepKind.CONTROL, "GET", path, action="updates", deadline=UPDATES_WAIT + 10.0
        )
        return Send(step)

    def chat_start_url(self, base_url: str, account: str, parameter: str) -> str:
        """Return the URL of the chat page, on which the fan presses Start."""
        return f"{base_url.rstrip('/')}/c/{quote_segment(account)}?start={quote_segment(parameter)}"

    def accept_checkout(self, query_id: str) -> WireStep:
        """Return the step that accepts a checkout. The sandbox refuses the payment after 10 seconds
        without it."""
        path = f"/api/{{account}}/checkouts/{quote_segment(query_id)}"
        return WireStep(
            "checkout",
            StepKind.CONTROL,
            "POST",
            path,
            {"ok": True},
            action="checkout_yes",
            deadline=8.0,
        )

    def refund(self, charge_id: str, fan_id: str, amount_minor: int, currency: str) -> WireStep:
        """Return the step that refunds a charge. A repeat is harmless, since the sandbox refunds
        once."""
        body = {"charge_id": charge_id, "amount": amount_minor, "currency": currency}
        return WireStep(
            "refund", StepKind.CONTROL, "POST", "/api/{account}/refunds", body, action="refund"
        )

    def refund_outcome(self, answer: StepResult) -> Outcome:
        """Return `Published` with the charge ID after a refund, including an earlier one."""
        if isinstance(answer, Response) and isinstance(answer.body, dict):
            charge = answer.body.get("charge_id")
            already = (
                answer.status == 409 and platform_error_code(answer) == "charge_already_refunded"
            )
            if (answer.is_success or already) and isinstance(charge, str):
                return Published(charge)
        return outcome_of_status(answer, creates=False, account_gone=ACCOUNT_GONE)

    def look_up_refund(
        self, charge_id: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Return None: a repeated refund is harmless, so no look-up is needed."""
        return None

    def acknowledge(self, update: ChatUpdate) -> WireStep | None:
        """Return None: the sandbox expects no confirmation."""
        return None


PUBLISH = "publish"


def has_native_keys(account: str) -> bool:
    """Return True if the account's name states that it accepts idempotency keys."""
    return account.removesuffix("-nolook").removesuffix("-nomarks").endswith("+key")


def _stage_name(medium: Medium) -> str:
    return f"stage:{medium.sha256[:24]}"


def _build_stage_step(medium: Medium) -> WireStep:
    path = f"/api/{{account}}/files/{quote_segment(medium.sha256)}"
    file = FileRef(medium.sha256, medium.mime)
    return WireStep(_stage_name(medium), StepKind.STAGE, "PUT", path, file=file, deadline=120.0)


def _is_staged(answer: StepResult) -> bool:
    return isinstance(answer, Response) and answer.is_success and answer.step.startswith("stage:")


def _flag_name(flag: str) -> str:
    """Return the sandbox's label for a flag of the gate: adult, ai or ""."""
    name = flag.partition("=")[0].rpartition(".")[2] if not flag.endswith("=false") else ""
    if name in ADULT_FLAGS:
        return "adult"
    return "ai" if name in AI_FLAGS else ""


def _build_content(unit: Unit) -> dict[str, Any]:
    marks = {_flag_name(flag) for flag in unit.flags}
    media = [
        {
            "sha256": medium.sha256,
            "mime": medium.mime,
            "alt": medium.alt,
            "ai": medium.ai,
            "name": medium.name,
        }
        for medium in unit.media
    ]
    return {
        "key": unit.native_key,
        "text": unit.text_of("body"),
        "media": media,
        "adult": "adult" in marks,
        "ai": "ai" in marks or any(m.ai != "none" for m in unit.media),
        "flags": list(unit.flags),
    }


def _build_publish_step(unit: Unit) -> WireStep:
    surface = unit.surface.rpartition(".")[2].rpartition("/")[2]
    under = {"reply_to": unit.parent_id} if unit.parent_id else {}
    body = {**_build_content(unit), "surface": surface, "title": unit.text_of("title"), **under}
    if unit.references and not unit.comment_id:
        body["quote"] = unit.references[0].native_id
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/api/{account}/posts", body)


def _build_message_step(unit: Unit) -> WireStep:
    invoice = unit.invoice
    asked = (
        None
        if invoice is None
        else {
            "title": invoice.title,
            "description": invoice.description,
            "amount": invoice.amount_minor,
            "currency": invoice.currency,
            "payload": invoice.payload,
        }
    )
    buttons = [
        {"label": button.label, "action": button.action, "ref": button.ref}
        for button in unit.buttons
    ]
    body = {**_build_content(unit), "buttons": buttons, "invoice": asked, "service": unit.service}
    return WireStep(
        PUBLISH,
        StepKind.PUBLISH,
        "POST",
        f"/api/{{account}}/chats/{quote_segment(unit.viewer)}/messages",
        body,
    )


def _publish_outcome(answer: StepResult) -> Outcome:
    if isinstance(answer, Response) and answer.is_success and isinstance(answer.body, dict):
        native_id = answer.body.get("id")
        if isinstance(native_id, str) and native_id:
            return Published(
                native_id, _parse_url(answer.body), parse_timestamp(answer.body.get("created_at"))
            )
        return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
    return outcome_of_status(answer, creates=True, account_gone=ACCOUNT_GONE)


def _build_key_lookup_step(sought: LookupQuery) -> WireStep:
    place = f"chats/{quote_segment(sought.chat)}/messages" if sought.chat else "posts"
    path = f"/api/{{account}}/{place}?key={quote_segment(sought.native_key)}"
    return WireStep("look", StepKind.CONTROL, "GET", path, action="look")


def _build_page_step(before: str) -> WireStep:
    older = f"&before={quote_segment(before)}" if before else ""
    path = f"/api/{{account}}/posts?limit={LISTED}{older}"
    return WireStep("look", StepKind.CONTROL, "GET", path, action="look")


def _parse_posts(answer: StepResult) -> list[dict[str, Any]] | None:
    """Return the posts of a page, newest first, or None if the answer is unusable."""
    if (
        not isinstance(answer, Response)
        or not answer.is_success
        or not isinstance(answer.body, dict)
    ):
        return None
    posts = answer.body.get("posts")
    if not isinstance(posts, list) or not all(
        isinstance(post, dict) and post.get("id") for post in posts
    ):
        return None
    return posts


def _in_timeline(
    sought: LookupQuery, answers: tuple[StepResult, ...], posts: list[dict[str, Any]]
) -> Send | LookupResult:
    """Search the timeline for the text, newest post first, back to a minute before the attempt.

    In a compressed day the installation's clock is ahead of the sandbox's. The current difference
    is subtracted from the start time. If the clock jumps between the attempt and the look-up, the
    search can only cover a longer time.
    """
    last = answers[-1]
    now = parse_timestamp(last.headers.get("x-sandbox-now")) if isinstance(last, Response) else None
    asked_at = sought.asked_at or sought.armed_at
    start = sought.armed_at - WINDOW - max(asked_at - now, timedelta()) if now is not None else None
    inside = [post for post in posts if start is None or _is_since(post, start)]
    foreign = [post for post in inside if str(post["id"]) not in sought.known]
    here = [post for post in foreign if str(post.get("reply_to") or "") == sought.reply_to]
    same = [post for post in here if _is_match(post, sought)]
    if same:
        return _resolve_matches(same)
    # The page reaches the end of the timeline, or a time before the attempt.
    if len(posts) < LISTED or len(inside) < len(posts):
        return Absent()
    if len(answers) < MAX_PAGES:
        return Send(_build_page_step(str(posts[-1]["id"])))
    return Unknown(Message("connectors.lookup_failed"))


def _is_match(post: Mapping[str, Any], sought: LookupQuery) -> bool:
    """Return True if a post has the sought text. Without a text, its files must match."""
    same = str(post.get("text", "")).strip() == sought.text.strip()
    return same and (
        bool(sought.text.strip()) or post.get("files") == [medium.sha256 for medium in sought.media]
    )


def _is_since(post: Mapping[str, Any], start: datetime) -> bool:
    at = parse_timestamp(post.get("created_at"))
    return at is None or at >= start


def _resolve_matches(posts: list[dict[str, Any]]) -> LookupResult:
    """Return the oldest match."""
    if not posts:
        return Absent()
    first = posts[-1]
    return Found(str(first["id"]), _parse_url(first), parse_timestamp(first.get("created_at")))


def _copy_path(copy: PlatformCopy) -> str:
    if copy.chat:
        return (
            f"/api/{{account}}/chats/{quote_segment(copy.chat)}/messages"
            f"/{quote_segment(copy.native_id)}"
        )
    return f"/api/{{account}}/posts/{quote_segment(copy.native_id)}"


def _parse_url(entry: Mapping[str, Any]) -> str:
    url = entry.get("url")
    return url if isinstance(url, str) else ""


def _parse_comment(entry: Mapping[str, Any]) -> Comment:
    return Comment(
        native_id=str(entry["id"]),
        author=str(entry["fan"]),
        handle=str(entry.get("handle") or entry["fan"]),
        text=str(entry.get("text") or ""),
        under=str(entry.get("post") or ""),
        url=_parse_url(entry),
        at=parse_timestamp(entry.get("at")),
    )


def _parse_updates(answer: StepResult) -> ChatUpdates | None:
    """Return the updates in order and the next cursor, or None if any part of the answer is
    unusable."""
    told = success_body(answer)
    entries = told.get("updates")
    cursor = told.get("cursor")
    if not isinstance(entries, list) or not isinstance(cursor, str):
        return None
    if not all(
        isinstance(entry, dict) and entry.get("id") and entry.get("fan") for entry in entries
    ):
        return None
    return ChatUpdates(tuple(_parse_update(entry) for entry in entries), cursor)


def _parse_update(entry: Mapping[str, Any]) -> ChatUpdate:
    kind = entry.get("type")
    payload = str(entry.get("payload") or "")
    amount = entry.get("amount")
    return ChatUpdate(
        key=str(entry["id"]),
        kind=kind if kind in KINDS else "unsupported",
        fan=str(entry["fan"]),
        handle=str(entry.get("handle") or ""),
        language=str(entry.get("language") or ""),
        native_id=str(entry.get("message_id") or ""),
        at=parse_timestamp(entry.get("at")),
        text=str(entry.get("text") or ""),
        ref=str((entry.get("query_id") if kind == "checkout" else entry.get("ref")) or payload),
        payload=payload,
        charge_id=str(entry.get("charge_id") or ""),
        amount_minor=amount if isinstance(amount, int) else 0,
        currency=str(entry.get("currency") or ""),
    )
