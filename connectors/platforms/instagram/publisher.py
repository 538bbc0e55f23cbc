"""The Instagram connector: pictures and videos of a professional account, single or as a carousel.
A single video becomes a reel; a single picture or video may be a story. Instagram downloads each
file from a temporary URL.

A container is created for each file and, for a carousel, one container that includes them. When
they are ready, the last request publishes the outer one. Posts cannot be deleted. There is no
idempotency key, so a lost answer is looked up in the list of posts. Source:
https://developers.facebook.com/docs/instagram-platform/content-publishing
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.contract.account_setup import ConnectedAccount, OAuthVisit
from connectors.contract.app_webhooks import WebhookTopic
from connectors.contract.capabilities import Capabilities, PostOption
from connectors.contract.chats import ChatUpdate, ChatUpdates
from connectors.contract.comments import CommentPage, CommentTarget, ModerationAction, is_own_reply
from connectors.contract.connector import (
    FileRef,
    LookupQuery,
    PlatformCopy,
    RefreshGrant,
    RenewedTokens,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.destination import MarkReport, PostAddress, clean_address
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Published,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.contract.post_addresses import ClaimedAddress
from connectors.contract.post_presence import PostPresence
from connectors.platforms.instagram import (
    account as instagram_account,
)
from connectors.platforms.instagram import (
    comments,
    lookup,
    messages,
    metrics,
    stories,
)
from connectors.platforms.instagram.comments import list_comments
from connectors.platforms.instagram.lookup import (
    MAX_PAGES,
    next_page_cursor,
    posts_from_answer,
    posts_page_step,
)
from connectors.platforms.meta import (
    messages as meta_chats,
)
from connectors.platforms.meta import (
    oauth,
    webhooks,
)
from connectors.platforms.meta.errors import (
    MEDIA_REJECTED_CODES,
    NOT_VISIBLE_CODE,
    container_failure,
    error_codes,
    id_from_answer,
    outcome_of_failure,
)
from connectors.platforms.meta.lookup import container_step_name, look_up_textless
from connectors.shared import options, textless_posts, unit_checks
from connectors.shared.feed_layouts import INSTAGRAM_LAYOUT
from connectors.shared.http_responses import (
    clock_lead,
    json_body,
    parse_timestamp,
    quote_segment,
    restage_uploads,
)
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import COMMENT_REFERENCE, IS_FIRST_COMMENT, Medium, Unit

PUBLISH = "publish"
PARENT = "stage:parent"
AI = "is_ai_generated=true"
MAX_TAGS = 30
MAX_MENTIONS = 20
TALLEST = 0.8
WIDEST = 1.91
"""Maximum ratio of a picture's width to its height, 1.91:1. `TALLEST` is the minimum ratio, 4:5."""

FILM = "video/mp4"
PICTURE_BYTES = 8 * 1024 * 1024
"""Maximum size of a picture; a video may be larger. Instagram checks the format of videos."""

POLL_INTERVAL = timedelta(seconds=20)
"""Interval between two status queries of a container, one per attempt. Each counts against the
account's rate limit."""

AGAIN = timedelta(seconds=5)
"""The delay before the next attempt to read a post's labels."""

WINDOW = timedelta(seconds=60)
"""A post older than the attempt by more than this is a different post with the same caption."""


class Instagram:
    """The connector for posts, stories and messages of a professional account."""

    capabilities = Capabilities(
        platform="instagram",
        surfaces=("post", messages.CHAT_SURFACE.partition(".")[2]),
        max_text=2200,
        max_media=10,
        mimes=("image/jpeg", FILM),
        max_bytes=200 * 1024 * 1024,
        film_seconds=(
            3,
            900,
        ),  # a reel; reference of POST /<IG_ID>/media, "Reel Specifications"
        look="listing",
        resend_is_look=False,
        can_delete=False,
        can_chat=True,
        keeps_messages=True,
        reply_hours=meta_chats.REPLY_HOURS,
        poll_seconds=meta_chats.POLL_SECONDS,
        poll_gap=meta_chats.POLL_GAP,
        sizes={messages.CHAT_SURFACE.partition(".")[2]: (messages.MAX_BYTES, 0)},
        can_sell=False,
        stages=True,
        points_at=frozenset({COMMENT_REFERENCE}),
        first_comment=True,
        needs={"post": "media"},
        shows={"": INSTAGRAM_LAYOUT},
        formats={stories.STORY_OPTION.name: stories.STORY_FORMAT},
        options=(
            stories.STORY_OPTION,
            stories.MENTIONS_OPTION,
            PostOption("feed", "flag", default=options.OPTION_TRUE, films=True),
            PostOption(
                "cover",
                "text",
                most=6,
                pattern="[0-9]+",
                films=True,
                default="0",
                example="1500",
            ),
            PostOption(
                "collaborators",
                "list",
                most=90,
                entries=3,
                pattern=r"[a-z0-9._]{1,30}",
                read=True,
                example="lea",
            ),
        ),
        moderates=comments.MODERATION_ACTIONS,
        # a read takes one to five requests; Meta allows 200 per hour and account
        remarks_every=10,
    )
    form = instagram_account.FORM
    numbers_prove = True
    refresh_grace = oauth.TOKEN_LIFETIME

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Create containers, wait until they are ready, then publish. A message is one request."""
        if unit.viewer:
            return meta_chats.next_step(
                messages.MESSAGING_NETWORK, unit, answers, self.capabilities
            )
        if unit.comment_id:
            return comments.reply_to_comment(unit, answers, self.capabilities)
        if unit.comment == IS_FIRST_COMMENT:
            return comments.add_first_comment(unit, answers, self.capabilities, frozenset({AI}))
        unfit = _unit_problem(unit, self.capabilities)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _publish_outcome(last)
        if last is not None and last.step.startswith("stage:") and not id_from_answer(last):
            return outcome_of_failure(last, creates=False)
        made = {
            answer.step: id_from_answer(answer)
            for answer in answers
            if answer.step.startswith("stage:")
        }
        for medium in unit.media:
            if container_step_name(medium) not in made:
                return Send(_build_container_step(unit, medium))
        inner = [made[container_step_name(medium)] for medium in unit.media]
        if (waiting := _poll_containers(inner, answers)) is not None:
            return waiting
        if len(inner) == 1:
            return Send(_build_publish_step(inner[0]))
        if PARENT not in made:
            return Send(_build_parent_step(unit, inner))
        return _poll_containers([made[PARENT]], answers) or Send(_build_publish_step(made[PARENT]))

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Search the account's posts back to a minute before the attempt by caption and time.

        A post without text is identified by its container. Messages are searched for in their
        conversation.
        """
        if sought.chat:
            return meta_chats.look_up(messages.MESSAGING_NETWORK, sought, answers)
        if stories.is_story(sought.options):
            return stories.look_up_story(sought, answers)
        if textless_posts.has_no_text(sought):
            return look_up_textless(lookup.LOOKUP_NETWORK, sought, PARENT, answers)
        if not _query_text(sought):
            return Unknown(Message("connectors.no_lookup"))
        if sought.reply_to:
            return comments.look_up_comment(sought, answers)
        if not answers:
            return Send(posts_page_step(""))
        posts = posts_from_answer(answers[-1])
        if posts is None:
            return Unknown(Message("connectors.lookup_failed"))
        now = sought.asked_at or sought.armed_at
        start = sought.armed_at - WINDOW - clock_lead(answers[-1], now)
        inside = [
            post for post in posts if (parse_timestamp(post.get("timestamp")) or start) >= start
        ]
        same = [post for post in inside if _is_match(post, sought)]
        if same:
            first = same[-1]
            return Found(
                str(first["id"]),
                str(first.get("permalink", "")),
                parse_timestamp(first.get("timestamp")),
            )
        after = next_page_cursor(answers[-1])
        if len(inside) < len(posts) or not after:
            return Absent()
        return (
            Send(posts_page_step(after))
            if len(answers) < MAX_PAGES
            else Unknown(Message("connectors.lookup_failed"))
        )

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """Return the site's URL, since the account ID does not lead to a profile."""
        return "https://www.instagram.com/"

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """Return the account's post with the code in a URL, or its story with the number."""
        if stories.is_story_address(address):
            return stories.resolve_story_address(address, answers)
        return lookup.resolve_address(address, answers)

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Delete a comment. The API cannot delete posts and messages; a member deletes them in the
        app."""
        if copy.chat:
            return Rejected(Message("meta.message_stays"), permanent=True)
        if is_own_reply(copy.native_id):
            return comments.remove_comment(copy.native_id, answers)
        return Rejected(Message("instagram.no_delete"), permanent=True)

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return likes, comments, views, reach, saves and shares; replies have no metrics."""
        return (
            None
            if is_own_reply(copy.native_id) or copy.chat
            else metrics.read_metrics(copy, answers)
        )

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        """Report a post as missing if it is in none of the account's lists either. A direct read of
        an existing post may fail."""
        return None if is_own_reply(copy.native_id) else lookup.check_presence(copy, answers)

    def read_marks(
        self, copy: PlatformCopy, flags: tuple[str, ...], answers: tuple[StepResult, ...]
    ) -> Send | MarkReport | Outcome:
        """Check that the post has the AI label it was sent with."""
        if AI not in flags or is_own_reply(copy.native_id):
            return MarkReport()
        if not answers:
            return Send(
                _build_read_step("look", f"/{quote_segment(copy.native_id)}?fields=is_ai_generated")
            )
        last = answers[-1]
        if isinstance(last, Response) and last.is_success:
            return MarkReport(() if json_body(last).get("is_ai_generated") is True else (AI,))
        return Retry(AGAIN, "account", Message("connectors.lookup_failed"))

    def find_address(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostAddress | None:
        """Return the next request, or the URL of a post; replies have none. A failed read does not
        mean that the post is missing."""
        if is_own_reply(copy.native_id):
            return None
        if not answers:
            return Send(
                _build_read_step("look", f"/{quote_segment(copy.native_id)}?fields=permalink")
            )
        return (
            PostAddress(url)
            if (url := clean_address(json_body(answers[-1]).get("permalink"), "instagram.com"))
            else None
        )

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """Return the next request, or the number of followers."""
        return instagram_account.count_followers(answers)

    def list_comments(
        self, account: str, destination: str, cursor: str, answers: tuple[StepResult, ...]
    ) -> Send | CommentPage | None:
        """Return the next request, or the comments on the account's posts since the cursor."""
        return list_comments(account, cursor, answers)

    def subscribe_account(
        self, account: str, about: frozenset[WebhookTopic], answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Subscribe the account to webhooks for comments and messages."""
        return webhooks.subscribe_account("instagram", account, about, answers)

    def moderate_comment(
        self, spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Hide, show or delete a comment."""
        return comments.moderate_comment(spot, act, answers)

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | OAuthVisit | ConnectedAccount | Outcome:
        """Identify the account of a token. Personal accounts cannot publish."""
        return instagram_account.connect(form, answers)

    def listen(self, cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | Outcome:
        """Read the list of conversations, then the messages of those that changed."""
        return meta_chats.listen(messages.MESSAGING_NETWORK, cursor, answers)

    def acknowledge(self, update: ChatUpdate) -> WireStep | None:
        """Return None: Instagram needs no confirmation, and messages stay unread until the owner
        opens them."""
        return None

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Check that the token belongs to the account."""
        return instagram_account.verify_account(account, answers)

    def refresh(
        self, grant: RefreshGrant, answers: tuple[StepResult, ...]
    ) -> Send | RenewedTokens | Outcome:
        """Refresh the token; the old one remains valid."""
        return instagram_account.refresh(grant, answers)


def _unit_problem(unit: Unit, can: Capabilities) -> Message | None:
    """Return the reason why a unit cannot be sent, or None. Texts are never truncated."""
    story = stories.is_story(unit.options)
    caption = unit.text_of("body") if story else _post_text(unit)
    if wrong := unit_checks.unit_problem(unit, can, length=len(caption)):
        return wrong
    if unit.viewer or unit.buttons or unit.invoice is not None:
        return Message("instagram.pictures_alone")
    if apart := stories.story_problem(unit):
        return apart
    tags, mentions = (len(re.findall(sign + r"\w", caption)) for sign in "#@")
    if tags > MAX_TAGS or mentions > MAX_MENTIONS:
        return Message("instagram.too_many_tags", {"tags": MAX_TAGS, "mentions": MAX_MENTIONS})
    for place, medium in enumerate(unit.media, start=1):
        if medium.mime == FILM:
            continue
        if medium.size > PICTURE_BYTES:
            return Message("connectors.medium_unfit", {"mime": medium.mime, "size": medium.size})
        if (
            not story
            and medium.width
            and medium.height
            and not TALLEST <= medium.width / medium.height <= WIDEST
        ):
            return Message("instagram.shape", {"place": place})
    mark = next((flag for flag in unit.flags if flag != AI), "")
    return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def _post_text(unit: Unit) -> str:
    return unit.text_of("body") or unit.text_of("title")


def _build_post_fields(unit: Unit) -> dict[str, Any]:
    """Return the caption, the collaborators and the AI label of a post."""
    said: dict[str, Any] = {"caption": _post_text(unit)} if _post_text(unit) else {}
    if invited := options.unit_options(unit).get_list("collaborators"):
        said["collaborators"] = invited
    return said | ({"is_ai_generated": True} if AI in unit.flags else {})


def _build_container_step(unit: Unit, medium: Medium) -> WireStep:
    """Create a container for one file: the whole post, or an item of a carousel without text."""
    if stories.is_story(unit.options):
        told = stories.story_container(unit, made_by_a_model=AI in unit.flags)
        return _build_create_step(container_step_name(medium), *told)
    item = len(unit.media) > 1
    file = FileRef(medium.sha256, medium.mime)
    said = {"is_carousel_item": True} if item else _build_post_fields(unit)
    if medium.mime == FILM:  # Instagram takes no alt text for videos
        kind = {"media_type": "VIDEO"} if item else _build_reel_fields(unit)
        return _build_create_step(
            container_step_name(medium), {**said, **kind}, {"video_url": file}
        )
    alt = {"alt_text": medium.alt} if medium.alt else {}
    return _build_create_step(container_step_name(medium), {**said, **alt}, {"image_url": file})


def _build_reel_fields(unit: Unit) -> dict[str, Any]:
    """Return the fields of a reel. It also appears in the feed unless the member chose otherwise;
    the cover is an offset in milliseconds."""
    chosen = options.unit_options(unit)
    said: dict[str, Any] = {
        "media_type": "REELS",
        "share_to_feed": chosen.get_flag("feed") is not False,
    }
    return said | (
        {"thumb_offset": int(chosen.get_text("cover"))} if chosen.get_text("cover") else {}
    )


def _build_parent_step(unit: Unit, inner: list[str]) -> WireStep:
    return _build_create_step(
        PARENT,
        {"media_type": "CAROUSEL", "children": ",".join(inner), **_build_post_fields(unit)},
        {},
    )


def _build_create_step(
    name: str, body: Mapping[str, Any], fetched: Mapping[str, FileRef]
) -> WireStep:
    return WireStep(
        name, StepKind.STAGE, "POST", "/{account}/media", body, fetched=fetched, deadline=60.0
    )


def _build_publish_step(container: str) -> WireStep:
    return WireStep(
        PUBLISH, StepKind.PUBLISH, "POST", "/{account}/media_publish", {"creation_id": container}
    )


def _build_read_step(name: str, path: str) -> WireStep:
    """Return a read request."""
    return WireStep(name, StepKind.CONTROL, "GET", path, action="look")


def _poll_containers(
    containers: list[str], answers: tuple[StepResult, ...]
) -> Send | Outcome | None:
    """Return the next status query or the failure, or None if all containers are ready."""
    for container in containers:
        name = f"poll:{container}"
        told = [answer for answer in answers if answer.step == name]
        status = json_body(told[-1]).get("status_code") if told else None
        if status == "FINISHED":
            continue
        if status == "ERROR" and (code := container_failure(told[-1])) in MEDIA_REJECTED_CODES:
            return Rejected(Message("instagram.file_refused", {"code": code}), permanent=False)
        # failed, or expired after a day; the files are uploaded again
        if status in ("ERROR", "EXPIRED"):
            return restage_uploads()
        if status == "PUBLISHED":  # published by an attempt that ended before it stored the outcome
            return Uncertain(Message("connectors.answer_lost", {"detail": "published"}))
        if told and status != "IN_PROGRESS" and error_codes(told[-1]) != NOT_VISIBLE_CODE:
            return outcome_of_failure(told[-1], creates=False)
        if told:
            return Retry(POLL_INTERVAL, "account", Message("instagram.preparing"))
        return Send(_build_read_step(name, f"/{container}?fields=status_code,status"))
    return None


def _publish_outcome(answer: StepResult) -> Outcome:
    if native_id := id_from_answer(answer):
        return Published(native_id)
    if isinstance(answer, Response) and answer.is_success:
        return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
    return outcome_of_failure(answer, creates=True)


def _query_text(sought: LookupQuery) -> str:
    return (sought.text or sought.title).strip()


def _is_match(post: Mapping[str, Any], sought: LookupQuery) -> bool:
    same = str(post.get("caption", "")).strip() == _query_text(sought)
    return same and str(post["id"]) not in sought.known
