"""The Threads connector: posts with text, one picture or video, or a carousel of up to twenty, and
threads of such posts. Threads downloads each file from a temporary URL.

A container is created for each file and, for a carousel, one container that includes them; a text
post needs a container too. When they are ready, the last request publishes the outer one. There is
no idempotency key, so a lost answer is looked up in the list of posts or replies. Source:
https://developers.facebook.com/docs/threads/posts,
https://developers.facebook.com/docs/threads/retrieve-and-manage-replies/create-replies
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.contract.account_setup import ConnectedAccount, OAuthVisit
from connectors.contract.capabilities import Capabilities
from connectors.contract.comments import CommentPage, CommentTarget, ModerationAction
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
from connectors.contract.destination import PostAddress, clean_address
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
from connectors.platforms.meta import lookup, oauth
from connectors.platforms.meta.comments import entry_id, outcome_unless_present
from connectors.platforms.meta.errors import id_from_answer, is_missing, is_permission_missing
from connectors.platforms.threads import (
    account as threads_account,
)
from connectors.platforms.threads import (
    comments,
)
from connectors.platforms.threads import (
    lookup as threads_listing,
)
from connectors.platforms.threads.comments import list_comments
from connectors.platforms.threads.errors import (
    AGAIN,
    FILM_AGAIN,
    container_failure_code,
    outcome_of_failure,
)
from connectors.platforms.threads.lookup import (
    MAX_PAGES,
    POSTS_LIST,
    REPLIES_LIST,
    list_page_step,
    lookup_step,
    next_list_cursor,
    posts_from_answer,
)
from connectors.shared import textless_posts, unit_checks
from connectors.shared.feed_layouts import THREADS_LAYOUT
from connectors.shared.http_responses import (
    clock_lead,
    json_body,
    parse_timestamp,
    quote_segment,
    restage_uploads,
)
from connectors.shared.text_counting import (
    THREADS_MAX_ALT,
    THREADS_MAX_LINKS,
    THREADS_MAX_TEXT,
    count_links,
    threads_text_length,
)
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import COMMENT_REFERENCE, Medium, Unit

PUBLISH = "publish"
PARENT = "stage:parent"
FILM = "video/mp4"
PICTURE_BYTES = 8 * 1024 * 1024
"""Maximum size of a picture in bytes. Videos may have a gigabyte, which is more than any file here
has."""

MAX_SIDE_RATIO = 10
"""Maximum ratio of the longer to the shorter side of a picture."""

POLLS = 3
"""Maximum number of status queries per container and attempt."""

WINDOW = timedelta(seconds=60)
"""A post older than the attempt by more than this is a different post with the same text."""

_NUMBERS = {
    "views": "views",
    "likes": "likes",
    "replies": "comments",
    "reposts": "reposts",
    "quotes": "quotes",
    "shares": "shares",
}


class Threads:
    """The connector for Threads: posts and replies."""

    capabilities = Capabilities(
        platform="threads",
        surfaces=("post",),
        max_text=THREADS_MAX_TEXT,
        max_media=20,
        mimes=("image/jpeg", "image/png", FILM),
        max_bytes=200 * 1024 * 1024,
        film_seconds=(
            0,
            300,
        ),  # https://developers.facebook.com/docs/threads/overview, "Video Specifications"
        look="listing",
        resend_is_look=False,
        can_delete=True,
        can_chat=False,
        can_sell=False,
        stages=True,
        threads=25,
        shows={"": THREADS_LAYOUT},
        points_at=frozenset({COMMENT_REFERENCE}),
        moderates=comments.MODERATION_ACTIONS,
        remarks_every=5,  # at most eight requests, of at least 48,000 per account and day
    )
    form = threads_account.FORM
    numbers_prove = True
    refresh_grace = oauth.TOKEN_LIFETIME

    def count_text(self, unit: Unit) -> tuple[int, int]:
        """Return the number of characters; an emoji counts as its number of bytes."""
        return threads_text_length(_post_text(unit)), THREADS_MAX_TEXT

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Create containers, wait until they are ready, then publish."""
        unfit = _unit_problem(unit, self.capabilities)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _publish_outcome(last, unit)
        if last is not None and last.step.startswith("stage:") and not id_from_answer(last):
            return _refusal_outcome(last, unit, creates=False)
        made = {
            answer.step: id_from_answer(answer)
            for answer in answers
            if answer.step.startswith("stage:")
        }
        for medium in unit.media:
            if lookup.container_step_name(medium) not in made:
                return Send(_build_container_step(unit, medium))
        inner = [made[lookup.container_step_name(medium)] for medium in unit.media]
        again = FILM_AGAIN if any(medium.mime == FILM for medium in unit.media) else AGAIN
        if (waiting := _poll_containers(inner, answers, again)) is not None:
            return waiting
        if len(inner) == 1:
            return Send(_build_publish_step(inner[0]))
        if PARENT not in made:
            return Send(_build_parent_step(unit, inner))
        return _poll_containers([made[PARENT]], answers, again) or Send(
            _build_publish_step(made[PARENT])
        )

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Search the account's posts or replies back to a minute before the attempt.

        Posts are identified by text, time and parent; posts without text by their container.
        """
        if textless_posts.has_no_text(sought):
            return lookup.look_up_textless(NETWORK, sought, PARENT, answers)
        if not _query_text(sought):
            return Unknown(Message("connectors.no_lookup"))
        if not answers:
            return Send(list_page_step("look", _list_name(sought), ""))
        last = answers[-1]
        posts = posts_from_answer(last)
        if posts is None:
            return Unknown(Message("connectors.lookup_failed"))
        start = sought.armed_at - WINDOW - clock_lead(last, sought.asked_at or sought.armed_at)
        inside = [
            post for post in posts if (parse_timestamp(post.get("timestamp")) or start) >= start
        ]
        same = [post for post in inside if _is_match(post, sought)]
        if same:
            first = same[-1]
            return Found(
                entry_id(first),
                str(first.get("permalink") or ""),
                parse_timestamp(first.get("timestamp")),
            )
        after = next_list_cursor(last)
        if len(inside) < len(posts) or not after:
            return Absent()
        more = len(answers) < MAX_PAGES
        return (
            Send(list_page_step("look", _list_name(sought), after))
            if more
            else Unknown(Message("connectors.lookup_failed"))
        )

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """Return the site's URL, since the account ID does not lead to a profile."""
        return "https://www.threads.net/"

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """Return the next request, or the account's post whose code is in the URL."""
        return threads_listing.resolve_address(address, answers)

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        """Report a post as missing if it is in neither of the account's lists. A direct read of an
        existing post may fail."""
        return threads_listing.check_presence(copy, answers)

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Delete a post or a reply; Threads allows a hundred deletions per day.

        If Threads refuses, check that the post still exists, since a missing one counts as deleted.
        Source: https://developers.facebook.com/docs/threads/posts/delete-posts
        """
        if not answers:
            path = f"/{quote_segment(copy.native_id)}"
            return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", path, action="delete"))
        first = answers[0]
        last = answers[-1]
        if (
            isinstance(first, Response)
            and first.is_success
            and json_body(first).get("success") is not False
        ):
            return Published(copy.native_id)
        # the token can still publish, so the account need not be reconnected
        if is_permission_missing(first):
            return Rejected(Message("threads.no_delete"), permanent=False)
        if not is_missing(first):
            return outcome_of_failure(first, creates=False)
        return outcome_unless_present(
            copy.native_id, answers[1:], last, Message("threads.no_delete")
        )

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return views, likes, replies, reposts, quotes and shares; None if the token lacks the
        permission.

        Source: https://developers.facebook.com/docs/threads/insights#media-insights
        """
        if not answers:
            return Send(
                lookup_step(
                    "metrics",
                    f"/{quote_segment(copy.native_id)}/insights?metric={','.join(_NUMBERS)}",
                )
            )
        told = threads_account.insight_values(answers[-1])
        found = {name: told.get(theirs) for theirs, name in _NUMBERS.items()}
        return {
            name: n for name, n in found.items() if isinstance(n, int) and not isinstance(n, bool)
        } or None

    def find_address(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostAddress | None:
        """Return the next request, or the URL of a post."""
        if not answers:
            return Send(lookup_step("look", f"/{quote_segment(copy.native_id)}?fields=permalink"))
        told = json_body(answers[-1]).get("permalink")
        return (
            PostAddress(url) if (url := clean_address(told, "threads.net", "threads.com")) else None
        )

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """Return the next request, or the number of followers."""
        return threads_account.count_followers(answers)

    def list_comments(
        self, account: str, destination: str, cursor: str, answers: tuple[StepResult, ...]
    ) -> Send | CommentPage | None:
        """Return the next request, or the replies and mentions since the cursor."""
        return list_comments(cursor, answers)

    def moderate_comment(
        self, spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Hide a reply to the account's post, or show it again."""
        return comments.moderate_comment(spot, act, answers)

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | OAuthVisit | ConnectedAccount | Outcome:
        """Connect an account by a pasted token or through OAuth."""
        return threads_account.connect(form, answers)

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Check that the token belongs to the account."""
        return threads_account.verify_account(account, answers)

    def refresh(
        self, grant: RefreshGrant, answers: tuple[StepResult, ...]
    ) -> Send | RenewedTokens | Outcome:
        """Refresh the token; the old one remains valid."""
        return threads_account.refresh(grant, answers)


def _unit_problem(unit: Unit, can: Capabilities) -> Message | None:
    """Return the reason why a unit cannot be sent, or None. Texts are never truncated."""
    words = _post_text(unit)
    if wrong := unit_checks.unit_problem(unit, can, length=threads_text_length(words)):
        return wrong
    alone = not (unit.viewer or unit.buttons or unit.invoice is not None)
    if unit.comment_id and (
        unit.media
        or unit.text_of("title")
        or not alone
        or not comments.is_comment_id(unit.comment_id)
    ):
        return Message("threads.words_alone")
    if not alone or not (unit.media or words.strip()):
        return Message("threads.words_or_files")
    if count_links(words) > THREADS_MAX_LINKS:
        return Message("threads.too_many_links", {"most": THREADS_MAX_LINKS})
    for place, medium in enumerate(unit.media, start=1):
        if len(medium.alt) > THREADS_MAX_ALT:
            return Message(
                "connectors.text_too_long", {"length": len(medium.alt), "most": THREADS_MAX_ALT}
            )
        if medium.mime == FILM:
            continue
        if medium.size > PICTURE_BYTES:
            return Message("connectors.medium_unfit", {"mime": medium.mime, "size": medium.size})
        if max(medium.width, medium.height) > MAX_SIDE_RATIO * min(medium.width, medium.height):
            return Message("threads.shape", {"place": place})
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def _post_text(unit: Unit) -> str:
    return unit.text_of("body") or unit.text_of("title")


def _build_post_fields(unit: Unit) -> dict[str, Any]:
    """Return the fields for text and parent."""
    under = {"reply_to_id": unit.parent_id} if unit.parent_id else {}
    return ({"text": _post_text(unit)} if _post_text(unit) else {}) | under


def _build_container_step(unit: Unit, medium: Medium) -> WireStep:
    """Create a container for one file: the whole post, or an item of a carousel without text."""
    file = FileRef(medium.sha256, medium.mime)
    said = {"is_carousel_item": True} if len(unit.media) > 1 else _build_post_fields(unit)
    alt = {"alt_text": medium.alt} if medium.alt else {}
    kind, field = ("VIDEO", "video_url") if medium.mime == FILM else ("IMAGE", "image_url")
    return _build_create_step(
        lookup.container_step_name(medium), {"media_type": kind, **said, **alt}, {field: file}
    )


def _build_parent_step(unit: Unit, inner: list[str]) -> WireStep:
    """Create the container of a carousel or of a text post."""
    kind = (
        {"media_type": "CAROUSEL", "children": ",".join(inner)} if inner else {"media_type": "TEXT"}
    )
    return _build_create_step(PARENT, {**kind, **_build_post_fields(unit)}, {})


def _build_create_step(
    name: str, body: Mapping[str, Any], fetched: Mapping[str, FileRef]
) -> WireStep:
    return WireStep(
        name, StepKind.STAGE, "POST", "/{account}/threads", body, fetched=fetched, deadline=60.0
    )


def _list_name(sought: LookupQuery) -> str:
    """Return the name of the list to search, since replies are in a separate list."""
    return REPLIES_LIST if sought.reply_to else POSTS_LIST


def _build_publish_step(container: str) -> WireStep:
    return WireStep(
        PUBLISH, StepKind.PUBLISH, "POST", "/{account}/threads_publish", {"creation_id": container}
    )


def _poll_containers(
    containers: list[str], answers: tuple[StepResult, ...], again: timedelta
) -> Send | Outcome | None:
    """Return the next status query or the failure, or None if all containers are ready."""
    for container in containers:
        name = f"poll:{container}"
        told = [answer for answer in answers if answer.step == name]
        status = json_body(told[-1]).get("status") if told else None
        if status == "FINISHED":
            continue
        if status == "ERROR" and (word := container_failure_code(told[-1])):
            return Rejected(Message("threads.file_refused", {"code": word}), permanent=False)
        if status in ("ERROR", "EXPIRED"):
            return restage_uploads()
        if status == "PUBLISHED":  # by an attempt that was interrupted before it was settled
            return Uncertain(Message("connectors.answer_lost", {"detail": "published"}))
        if told and status != "IN_PROGRESS" and not is_missing(told[-1]):
            return outcome_of_failure(told[-1], creates=False)
        if len(told) >= POLLS or (told and status is None):
            return Retry(again, "account", Message("threads.preparing"))
        return Send(lookup_step(name, f"/{container}?fields=status,error_message"))
    return None


def _publish_outcome(answer: StepResult, unit: Unit) -> Outcome:
    if native_id := id_from_answer(answer):
        return Published(native_id)
    if isinstance(answer, Response) and answer.is_success:
        return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
    return _refusal_outcome(answer, unit, creates=True)


def _refusal_outcome(answer: StepResult, unit: Unit, *, creates: bool) -> Outcome:
    """Return the outcome of a refused container or publication. Some errors of a reply concern its
    parent."""
    # it may still publish posts that are no replies
    if unit.parent_id and is_permission_missing(answer):
        return Rejected(Message("threads.no_replies"), permanent=False)
    if unit.comment_id and not creates and is_missing(answer):
        return Rejected(Message("threads.remark_gone"), permanent=False)
    return outcome_of_failure(answer, creates=creates)


def _query_text(sought: LookupQuery) -> str:
    return (sought.text or sought.title).strip()


def _is_match(post: Mapping[str, Any], sought: LookupQuery) -> bool:
    under = post.get("replied_to")
    above = entry_id(under) if isinstance(under, dict) else ""
    said = str(post.get("text") or "").strip() == _query_text(sought)
    there = not above or above == sought.reply_to
    return said and there and entry_id(post) not in sought.known


def _build_page_step(sought: LookupQuery, after: str) -> WireStep:
    return list_page_step("look", _list_name(sought), after, f",{lookup.MEDIA_FIELDS}")


NETWORK = lookup.LookupNetwork(
    "status", "text", _build_page_step, posts_from_answer, next_list_cursor, MAX_PAGES
)
