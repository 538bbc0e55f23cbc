"""The Facebook connector: posts of a Page with text, up to ten pictures or one video, and messages.
Facebook downloads each file from a temporary URL.

Pictures are uploaded unpublished, and the last request refers to them. A video is published by its
upload and processed for minutes; its ID shows the progress. There is no idempotency key, so a lost
answer is looked up in the list of posts. Source:
https://developers.facebook.com/docs/pages-api/posts,
https://developers.facebook.com/docs/graph-api/reference/page/photos, /videos and /published_posts
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.contract.account_setup import ConnectedAccount, OAuthVisit
from connectors.contract.app_webhooks import WebhookTopic
from connectors.contract.capabilities import Capabilities
from connectors.contract.chats import ChatUpdate, ChatUpdates
from connectors.contract.comments import CommentPage, CommentTarget, ModerationAction, is_own_reply
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
from connectors.contract.outcomes import (
    Absent,
    Failed,
    Found,
    LookupResult,
    Outcome,
    Processing,
    Published,
    Rejected,
    Uncertain,
    Unknown,
)
from connectors.contract.post_addresses import (
    ADDRESS_UNREADABLE,
    NO_POST_THERE,
    ClaimedAddress,
    path_segments,
    query_value,
)
from connectors.contract.post_presence import MissingPost, PostPresence, PresenceReport
from connectors.platforms.facebook import (
    account as facebook_account,
)
from connectors.platforms.facebook import (
    comments,
    edits,
    messages,
)
from connectors.platforms.facebook.comments import list_comments
from connectors.platforms.facebook.errors import (
    id_of_entry,
    is_post_id,
    outcome_of_failure,
    post_id_from_answer,
)
from connectors.platforms.meta import messages as meta_chats
from connectors.platforms.meta import webhooks
from connectors.platforms.meta.comments import outcome_unless_present
from connectors.platforms.meta.errors import (
    answer_entries,
    id_from_answer,
    is_missing,
    is_permission_missing,
    next_cursor,
)
from connectors.shared import textless_posts, unit_checks
from connectors.shared.feed_layouts import FACEBOOK_LAYOUT
from connectors.shared.http_responses import (
    clock_lead,
    json_body,
    parse_timestamp,
    quote_segment,
    success_body,
)
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import COMMENT_REFERENCE, IS_FIRST_COMMENT, Medium, Unit


def post_url(native_id: str) -> str:
    """Return the URL of a post."""
    return f"https://www.facebook.com/{native_id}"


def post_number_in(url: str) -> str:
    """Return the ID in a URL of a post, picture or video, or ""."""
    path = path_segments(url, "facebook.com")
    told = (
        next(filter(None, (query_value(url, name) for name in ("story_fbid", "fbid", "v"))), "")
        if path
        else ""
    )
    below = any(one in ("posts", "permalink", "videos", "reel", "photos") for one in path[:-1])
    last = path[-1] if path and (below or (len(path) == 1 and is_post_id(path[0]))) else ""
    return told or last


PUBLISH = "publish"
MAX_TEXT = 63_206
MAX_PICTURES = 10
"""Maximum number of pictures in a post. Facebook documents none; other tools use this one.
`MAX_TEXT` counts characters."""

FILM = "video/mp4"
PICTURE_BYTES = 10_000_000
"""Maximum size of a picture; a video may be larger. Facebook checks the duration and format of
videos."""

FILM_SECONDS = 180.0
"""Timeout of a video upload. Facebook downloads the video before it answers."""

WINDOW = timedelta(seconds=60)
"""A post older than the attempt by more than this is a different post with the same text."""

WORKED_ON = timedelta(minutes=30)
"""Time after its upload during which a video that the look-up does not find may still appear. It
exceeds the lifetime of the video's temporary URL."""

LISTED = 50
MAX_PAGES = 5
_POST = "id,message,created_time,permalink_url,attachments{target{id},subattachments{target{id}}}"
_FIGURES = (
    "shares,reactions.limit(0).summary(total_count),"
    "comments.filter(stream).limit(0).summary(total_count)"
)


class Facebook:
    """The connector for posts and messages of a Page."""

    capabilities = Capabilities(
        platform="facebook",
        surfaces=("page", messages.CHAT_SURFACE.partition(".")[2]),
        max_text=MAX_TEXT,
        max_media=MAX_PICTURES,
        mimes=("image/jpeg", "image/png", FILM),
        max_bytes=200 * 1024 * 1024,
        look="listing",
        resend_is_look=False,
        can_delete=True,
        edits=True,
        can_chat=True,
        keeps_messages=True,
        reply_hours=meta_chats.REPLY_HOURS,
        poll_seconds=messages.POLL_SECONDS,
        poll_gap=meta_chats.POLL_GAP,
        sizes={messages.CHAT_SURFACE.partition(".")[2]: (messages.MAX_TEXT, 0)},
        can_sell=False,
        stages=True,
        shows={"": FACEBOOK_LAYOUT},
        points_at=frozenset({COMMENT_REFERENCE}),
        first_comment=True,
        moderates=comments.MODERATION_ACTIONS,
        # a read takes one to five requests; a Page's daily limit grows with its followers
        remarks_every=10,
    )
    form = facebook_account.FORM
    numbers_prove = True

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Upload the pictures, then publish the post, or publish a video. A message is one
        request."""
        if unit.viewer:
            return meta_chats.next_step(
                messages.MESSAGING_NETWORK, unit, answers, self.capabilities
            )
        if unit.comment_id:
            return comments.reply_to_comment(unit, answers, self.capabilities)
        if unit.comment == IS_FIRST_COMMENT:
            return comments.add_first_comment(unit, answers, self.capabilities)
        unfit = _unit_problem(unit, self.capabilities)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        film = next((medium for medium in unit.media if medium.mime == FILM), None)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _publish_outcome(last, film=film is not None)
        if last is not None and last.step.startswith("stage:") and not id_from_answer(last):
            return outcome_of_failure(last, creates=False)
        if film is not None:
            return Send(_build_video_step(unit, film))
        made = {
            answer.step: id_from_answer(answer)
            for answer in answers
            if answer.step.startswith("stage:")
        }
        for medium in unit.media:
            if _stage_name(medium) not in made:
                return Send(_build_picture_step(medium))
        return Send(_build_publish_step(unit, [made[_stage_name(medium)] for medium in unit.media]))

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Check a video by its ID. Otherwise search the Page's posts back to a minute before the
        attempt.

        A post matches by text and time, or by an uploaded picture. Messages are searched for in
        their conversation.
        """
        if sought.chat:
            return meta_chats.look_up(messages.MESSAGING_NETWORK, sought, answers)
        if sought.reply_to:
            return comments.look_up_comment(sought, answers)
        if film := next(
            (
                id_from_answer(one)
                for one in sought.told
                if one.step == PUBLISH and id_from_answer(one)
            ),
            "",
        ):
            return _look_up_video(film, sought.account, answers)
        pictures = {id_from_answer(one) for one in sought.told if one.step.startswith("stage:")} - {
            ""
        }
        # a post without text or known pictures cannot be distinguished from others
        if not _query_text(sought) and not pictures:
            return Unknown(Message("connectors.no_lookup"))
        if not answers:
            return Send(_build_page_step(""))
        last = answers[-1]
        posts = answer_entries(success_body(last))
        if posts is None or any(not id_of_entry(post) for post in posts):
            return Unknown(Message("connectors.lookup_failed"))
        start = sought.armed_at - WINDOW - clock_lead(last, sought.asked_at or sought.armed_at)
        inside = [
            post for post in posts if (parse_timestamp(post.get("created_time")) or start) >= start
        ]
        same = [post for post in inside if _is_match(post, sought, pictures)]
        if same:
            return _found_from_post(same[-1])
        after = next_cursor(success_body(last))
        if len(inside) < len(posts) or not after:
            return _resolve_absence(sought, inside, len(pictures))
        more = len(answers) < MAX_PAGES
        return (
            Send(_build_page_step(after)) if more else Unknown(Message("connectors.lookup_failed"))
        )

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """Return the URL of the Page."""
        return f"https://www.facebook.com/{quote_segment(account)}"

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """Search the Page's posts for the one with the ID in a URL. A post has several IDs."""
        wanted = post_number_in(address.url)
        if not wanted:
            return NO_POST_THERE
        if not answers:
            return Send(_build_page_step(""))
        posts = answer_entries(success_body(answers[-1]))
        if posts is None or any(not id_of_entry(post) for post in posts):
            return ADDRESS_UNREADABLE
        for post in posts:
            found = _found_from_post(post)
            own = id_of_entry(post)
            if wanted in {
                own,
                own.partition("_")[2],
                post_number_in(found.url),
                *_parse_media_ids(post),
            }:
                return found
        after = next_cursor(success_body(answers[-1]))
        return Send(_build_page_step(after)) if after and len(answers) < MAX_PAGES else Absent()

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Delete a post or a reply. If Facebook refuses, check that the copy still exists, since a
        missing one counts as deleted."""
        if copy.chat:
            return Rejected(Message("meta.message_stays"), permanent=True)
        if is_own_reply(copy.native_id):
            return comments.remove_comment(copy.native_id, answers)
        if not answers:
            path = f"/{quote_segment(copy.native_id)}"
            return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", path, action="delete"))
        first = answers[0]
        there = Message("facebook.no_delete")
        if (
            isinstance(first, Response)
            and first.is_success
            and json_body(first).get("success") is not False
        ):
            return Published(copy.native_id)
        # the token may still publish, so the account need not be reconnected
        if is_permission_missing(first):
            return Rejected(there, permanent=False)
        if not is_missing(first):
            return outcome_of_failure(first, creates=False)
        return outcome_unless_present(copy.native_id, answers[1:], answers[-1], there)

    def edit(self, unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Replace the text of a post made by this connector. The text of a video cannot be
        edited."""
        unfit = _unit_problem(unit, self.capabilities)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        if any(medium.mime == FILM for medium in unit.media):
            return Rejected(Message("edit.not_there"), permanent=True)
        return edits.edit_post(_post_text(unit), native_id, answers)

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return reactions, comments and shares of a post; replies have no metrics."""
        if is_own_reply(copy.native_id) or copy.chat:
            return None
        if not answers:
            return Send(
                _build_read_step(
                    "metrics", f"/{quote_segment(copy.native_id)}?fields={quote_segment(_FIGURES)}"
                )
            )
        told = success_body(answers[-1])
        counted = {
            "likes": _nested_value(told.get("reactions"), "summary", "total_count"),
            "comments": _nested_value(told.get("comments"), "summary", "total_count"),
            "shares": _nested_value(told.get("shares"), "count") if told else None,
        }
        found = {
            name: n for name, n in counted.items() if isinstance(n, int) and not isinstance(n, bool)
        }
        return {"shares": 0} | found if found else None  # Facebook omits shares if there are none

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        """Report a post as missing if the Page cannot read it. Facebook does not report who deleted
        it."""
        if is_own_reply(copy.native_id) or copy.chat:
            return None
        if not answers:
            return Send(_build_read_step("look", f"/{quote_segment(copy.native_id)}?fields=id"))
        if is_missing(answers[-1]):
            return MissingPost()
        return PresenceReport() if success_body(answers[-1]).get("id") else None

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """Return the next request, or the number of followers."""
        return facebook_account.count_followers(answers)

    def list_comments(
        self, account: str, destination: str, cursor: str, answers: tuple[StepResult, ...]
    ) -> Send | CommentPage | None:
        """Return the next request, or the comments on the Page's posts since the cursor."""
        return list_comments(account, cursor, answers)

    def subscribe_account(
        self, account: str, about: frozenset[WebhookTopic], answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Subscribe the Page to webhooks for comments and messages."""
        return webhooks.subscribe_account("facebook", account, about, answers)

    def listen(self, cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | Outcome:
        """Read the list of conversations, then the messages of those that changed."""
        return meta_chats.listen(messages.MESSAGING_NETWORK, cursor, answers)

    def acknowledge(self, update: ChatUpdate) -> WireStep | None:
        """Return None: Facebook needs no confirmation, and messages stay unread until the owner
        opens them."""
        return None

    def moderate_comment(
        self, spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Like, hide, show or delete a comment, or block its author."""
        return comments.moderate_comment(spot, act, answers)

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | OAuthVisit | ConnectedAccount | Outcome:
        """Identify the Page of a token and check its permissions."""
        return facebook_account.connect(form, answers)

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Check that the token belongs to the Page."""
        return facebook_account.verify_account(account, answers)


def _unit_problem(unit: Unit, can: Capabilities) -> Message | None:
    """Return the reason why a unit cannot be sent, or None. Texts are never truncated."""
    if wrong := unit_checks.unit_problem(unit, can, length=len(_post_text(unit))):
        return wrong
    alone = not (unit.viewer or unit.buttons or unit.invoice is not None)
    if not alone or not (unit.media or _post_text(unit).strip()):
        return Message("facebook.words_or_files")
    if len(unit.media) > 1 and any(medium.mime == FILM for medium in unit.media):
        return Message("facebook.film_alone")
    for medium in unit.media:
        if medium.mime != FILM and medium.size > PICTURE_BYTES:
            return Message("connectors.medium_unfit", {"mime": medium.mime, "size": medium.size})
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def _post_text(unit: Unit) -> str:
    return unit.text_of("body") or unit.text_of("title")


def _stage_name(medium: Medium) -> str:
    return f"stage:{medium.sha256[:24]}"


def _build_picture_step(medium: Medium) -> WireStep:
    """Upload a picture without publishing it."""
    body = {"published": False, **({"alt_text_custom": medium.alt} if medium.alt else {})}
    file = FileRef(medium.sha256, medium.mime)
    path = "/{account}/photos"
    return WireStep(
        _stage_name(medium),
        StepKind.STAGE,
        "POST",
        path,
        body,
        fetched={"url": file},
        deadline=60.0,
    )


def _build_publish_step(unit: Unit, pictures: list[str]) -> WireStep:
    words: dict[str, Any] = {"message": _post_text(unit)} if _post_text(unit) else {}
    shown = {"attached_media": [{"media_fbid": each} for each in pictures]} if pictures else {}
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/{account}/feed", words | shown)


def _build_video_step(unit: Unit, film: Medium) -> WireStep:
    """Publish a video with its text. Facebook does not accept alt text for videos."""
    words = {"description": _post_text(unit)} if _post_text(unit) else {}
    fetched = {"file_url": FileRef(film.sha256, film.mime)}
    path = "/{account}/videos"
    return WireStep(
        PUBLISH, StepKind.PUBLISH, "POST", path, words, fetched=fetched, deadline=FILM_SECONDS
    )


def _build_read_step(name: str, path: str) -> WireStep:
    """Return a read request."""
    action = "metrics" if name == "metrics" else "look"
    return WireStep(name, StepKind.CONTROL, "GET", path, action=action)


def _build_page_step(after: str) -> WireStep:
    cursor = f"&after={quote_segment(after)}" if after else ""
    return _build_read_step(
        "look", f"/{{account}}/published_posts?fields={quote_segment(_POST)}&limit={LISTED}{cursor}"
    )


def _publish_outcome(answer: StepResult, *, film: bool) -> Outcome:
    native_id = id_from_answer(answer) if film else post_id_from_answer(answer)
    if native_id:
        return Processing(native_id) if film else Published(native_id, post_url(native_id))
    if isinstance(answer, Response) and answer.is_success:
        return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
    return outcome_of_failure(answer, creates=True)


def _look_up_video(film: str, page: str, answers: tuple[StepResult, ...]) -> Send | LookupResult:
    """Return the state of an uploaded video: found after processing, or failed.

    Source: https://developers.facebook.com/docs/graph-api/reference/video-status
    """
    if not answers:
        return Send(_build_read_step("look", f"/{film}?fields=status,post_id"))
    told = success_body(answers[-1])
    status = _nested_value(told.get("status"), "video_status")
    if status == "error":
        phase = _nested_value(told.get("status"), "processing_phase")
        errors = phase.get("errors") if isinstance(phase, dict) else None
        first = errors[0] if isinstance(errors, list) and errors else None
        code = _nested_value(first, "code")
        return Failed(
            Message("facebook.film_refused", {"code": code if isinstance(code, int) else 0})
        )
    number = str(told.get("post_id") or "")
    native_id = number if "_" in number else f"{page}_{number}"
    if status == "ready" and is_post_id(native_id):
        return Found(native_id, post_url(native_id))
    return Unknown(Message("facebook.preparing" if told else "connectors.lookup_failed"))


def _nested_value(value: Any, *names: str) -> Any:
    """Return the value at a path of names, or None."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _query_text(sought: LookupQuery) -> str:
    """Return the text of the sought post as the list shows it."""
    return (sought.text or sought.title).strip()


def _found_from_post(post: Mapping[str, Any]) -> Found:
    url = post.get("permalink_url")
    there = isinstance(url, str) and url.startswith("https://")
    return Found(
        id_of_entry(post),
        str(url) if there else post_url(id_of_entry(post)),
        parse_timestamp(post.get("created_time")),
    )


def _is_match(post: Mapping[str, Any], sought: LookupQuery, pictures: set[str]) -> bool:
    if id_of_entry(post) in sought.known:
        return False
    words = _query_text(sought)
    same = words and str(post.get("message") or "").strip() == words
    return bool(same) or bool(pictures & _parse_media_ids(post))


def _parse_media_ids(post: Mapping[str, Any]) -> set[str]:
    """Return the IDs of a post's pictures and videos."""
    listed = (
        answer_entries(post["attachments"]) or []
        if isinstance(post.get("attachments"), dict)
        else []
    )
    below = [
        answer_entries(one["subattachments"]) or []
        for one in listed
        if isinstance(one.get("subattachments"), dict)
    ]
    every = (*listed, *(each for some in below for each in some))
    return {number for one in every if (number := str(_nested_value(one, "target", "id") or ""))}


def _resolve_absence(sought: LookupQuery, inside: list[dict[str, Any]], known: int) -> LookupResult:
    """Return the result for a post that is not in the list.

    It is absent, unless a video may still be processing or, for a post without text, another post
    may be the sought one.
    """
    film = any(medium.mime == FILM for medium in sought.media)
    if not _query_text(sought):
        if film or known < len({medium.sha256 for medium in sought.media}):
            return Unknown(Message("connectors.no_lookup"))
        others = (post for post in inside if id_of_entry(post) not in sought.known)
        alike = any(
            textless_posts.is_query_match(sought, post.get("message"), _parse_media_ids(post))
            for post in others
        )
        return textless_posts.OTHER_MEDIA if alike else Absent()
    now = sought.asked_at or sought.armed_at
    sent = sought.sent_at or sought.armed_at
    return Unknown(Message("facebook.preparing")) if film and now - sent < WORKED_ON else Absent()
