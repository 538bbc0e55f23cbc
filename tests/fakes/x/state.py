"""State of the fake X: accounts, posts and media, and the rules for changing them."""

import hashlib
import io
import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from PIL import Image

from connectors.conformance.fake_servers import AdjustableClock
from tests.fakes.x import text_rules

SCOPES = (
    "tweet.read",
    "tweet.write",
    "tweet.moderate.write",
    "users.read",
    "media.write",
    "offline.access",
)
PROBLEMS = "https://api.x.com/2/problems/"
INVALID = "One or more parameters to your request was invalid."
DUPLICATE = "You are not allowed to create a Tweet with duplicate content."
NO_MEDIA = "Your media IDs are invalid."
NO_PARENT = "You attempted to reply to a Tweet that is deleted or not visible to you."
WHOLE = re.compile(r"[0-9]{1,19}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", re.ASCII)
EPOCH_MS = 1_288_834_974_657
CATEGORIES = {"tweet_image": ("JPEG", "PNG", "GIF", "WEBP"), "tweet_gif": ("GIF",)}
FILM, ALONE = "tweet_video", {"tweet_gif", "tweet_video"}
GIF_SIZE, GIF_FRAMES = (1280, 1080), 350
MOST_MEDIA, LONGEST = 4, 25_000
WARNINGS = ("adult_content", "graphic_violence", "other")
NOT_HERE = frozenset(
    {
        "card_uri",
        "community_id",
        "direct_message_deep_link",
        "edit_options",
        "geo",
        "nullcast",
        "poll",
    }
)
NOT_HERE |= {"for_super_followers_only", "quote_tweet_id", "share_with_followers"}

Json = dict[str, Any]


class Refusal(Exception):
    """An error response: status, body and headers."""

    def __init__(self, status: int, body: Json, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, dict(headers or {})


def problem(
    status: int, title: str, detail: str = "", kind: str = "about:blank", **more: Any
) -> Json:
    """Return a problem object of X. `kind` is the last segment of its type."""
    type_ = kind if kind == "about:blank" else PROBLEMS + kind
    return {"title": title, "detail": detail or title, "type": type_, "status": status, **more}


def invalid(message: str, **parameters: str) -> Refusal:
    """Return the error for an invalid request."""
    told = {"message": message, "parameters": {name: [value] for name, value in parameters.items()}}
    return Refusal(400, problem(400, "Invalid Request", INVALID, "invalid-request", errors=[told]))


def forbidden(detail: str = "Forbidden", kind: str = "about:blank") -> Refusal:
    """Return the error for a forbidden action."""
    return Refusal(403, problem(403, "Forbidden", detail, kind))


def not_found(resource: str, parameter: str, value: str) -> Json:
    """Return the problem for the `errors` of a response with a missing object."""
    detail = f"Could not find {resource} with {parameter}: [{value}]."
    told = problem(
        404, "Not Found Error", detail, "resource-not-found", value=value, parameter=parameter
    )
    del told["status"]  # Problems inside a response have no status.
    return told | {"resource_id": value, "resource_type": resource}


def media_key(category: str, medium_id: str) -> str:
    """Return the key of a media file in posts."""
    kind = {"tweet_gif": 16, FILM: 7}.get(category, 3)
    return f"{kind}_{medium_id}"


@dataclass
class Medium:
    """An uploaded picture or video. `warning` is its declared content warning, `post` the ID of the
    post that uses it.

    `state` is pending, in_progress, failed or succeeded; `polls` is the number of polls until it is
    ready; `also` are other accounts that may use it.
    """

    id: str
    owner: str
    mime: str
    category: str
    size: tuple[int, int]
    at: datetime
    data: bytes = field(repr=False)
    alt_text: str = ""
    warning: dict[str, bool] = field(default_factory=dict)
    post: str = ""
    state: str = "succeeded"
    polls: int = 0
    also: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """Key in posts."""
        return media_key(self.category, self.id)


@dataclass
class Post:
    """A post. `text` is as written. Tests set its metrics."""

    id: str
    member: str
    text: str
    parent: "Post | None"
    media: list[Medium]
    at: datetime
    made_with_ai: bool = False
    paid_partnership: bool = False
    reply_settings: str = "everyone"
    likes: int = 3
    reposts: int = 1
    replies: int = 0
    quotes: int = 0
    bookmarks: int = 2
    impressions: int = 40
    ahead: list[str] = field(default_factory=list)
    """Names that X adds to the start of a reply."""
    hidden: bool = False


@dataclass
class Member:
    """An account. `state` is active, suspended or locked; `scopes` belong to `token`, which does
    not expire."""

    id: str
    username: str
    token: str
    scopes: tuple[str, ...]
    at: datetime
    state: str = "active"
    marks_media: bool = False
    """True if the account's setting marks all its media as sensitive."""
    followers: int = 0
    posts: dict[str, Post] = field(default_factory=dict)
    """Existing posts."""
    taken: list[tuple[str, str]] = field(default_factory=list)
    """ID and text of every post ever created, including deleted ones."""
    said: list[tuple[str, datetime]] = field(default_factory=list)
    """Texts and times for the detection of duplicates."""


@dataclass
class XState:
    """The complete state under one clock. Tests set its limits and faults as attributes."""

    clock: AdjustableClock
    url: str = ""
    members: dict[str, Member] = field(default_factory=dict)
    media: dict[str, Medium] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    """ID of the latest upload, by the SHA-256 of its content."""
    max_weight: int = 280
    max_alt: int = 1000
    most_bytes: dict[str, int] = field(
        default_factory=lambda: {
            "tweet_image": 5 * 2**20,
            "tweet_gif": 15 * 2**20,
            FILM: 512 * 2**20,
        }
    )
    media_live: timedelta = timedelta(hours=24)
    """Validity of an uploaded file that no post uses."""
    media_again: bool = False
    """True if a second post may use a media file."""
    same_text_after: timedelta = timedelta(hours=24)
    drops_warnings: bool = False
    """True if X accepts the warning of a picture without storing it. Its response does not return
    the warning."""
    forbidden: list[str] = field(default_factory=list)
    """Attempts to use features that are not covered: polls, quotes, edits, places, communities."""
    _last: int = 0

    def snowflake(self) -> str:
        """Return a new ID for the current time, greater than all earlier ones."""
        self._last = max(self._last + 1, (int(self.clock().timestamp() * 1000) - EPOCH_MS) << 22)
        return str(self._last)

    def account(
        self, username: str, *, scopes: tuple[str, ...] = SCOPES, state: str = "active"
    ) -> Member:
        """Create an account with a token of these scopes."""
        made = Member(
            self.snowflake(),
            username,
            f"token-{secrets.token_hex(12)}",
            scopes,
            self.clock(),
            state,
        )
        self.members[made.id] = made
        return made

    def who(self, username: str) -> Member | None:
        """Return the account with this username, or None."""
        return next((one for one in self.members.values() if one.username == username), None)

    # Media

    def upload(self, mine: Member, category: str, data: bytes) -> Medium:
        """Store a picture. Raise Refusal."""
        if category not in CATEGORIES:
            raise invalid("This fake takes pictures for posts alone.", media_category=category)
        if not data or len(data) > self.most_bytes[category]:
            raise invalid(
                f"The size of the media, {len(data)} bytes, is not allowed.", media=category
            )
        mime, size = pictured(category, data)
        return self.keep(
            Medium(self.snowflake(), mine.id, mime, category, size, self.clock(), data)
        )

    def keep(self, medium: Medium) -> Medium:
        """Store a media file by ID and by content."""
        self.media[medium.id] = medium
        self.named[hashlib.sha256(medium.data).hexdigest()] = medium.id
        return medium

    def describe(self, mine: Member, said: Mapping[str, Any]) -> Json:
        """Update the metadata of a media file and return it. Raise Refusal."""
        medium, told = self._unused(mine, said.get("id")), said.get("metadata", {})
        if medium is None:
            raise invalid(NO_MEDIA, id=str(said.get("id"))[:40])
        if set(said) - {"id", "metadata"} or not isinstance(told, dict):
            raise invalid("Only id and metadata are known here.")
        alt, warning = told.get("alt_text", {}), told.get("sensitive_media_warning", {})
        unknown = set(told) - {"alt_text", "sensitive_media_warning"}
        if unknown or not isinstance(alt, dict) or not isinstance(warning, dict):
            raise invalid(f"Metadata that is not taken here: {sorted(unknown)}")
        text = alt.get("text", "")
        if set(alt) - {"text"} or not isinstance(text, str) or len(text) > self.max_alt:
            raise invalid(f"An alt text has at most {self.max_alt} characters.")
        if set(warning) - set(WARNINGS) or not all(
            isinstance(value, bool) for value in warning.values()
        ):
            raise invalid(f"A warning has these booleans: {', '.join(WARNINGS)}.")
        medium.alt_text = text if alt else medium.alt_text
        if warning and not self.drops_warnings:
            medium.warning = {name: warning.get(name, False) for name in WARNINGS}
        has = {"alt_text": {"text": medium.alt_text}} if medium.alt_text else {}
        return has | ({"sensitive_media_warning": medium.warning} if medium.warning else {})

    def _unused(self, mine: Member, medium_id: object) -> Medium | None:
        known = self.media.get(medium_id) if isinstance(medium_id, str) else None
        if known is None or known.post or self.clock() - known.at >= self.media_live:
            return None
        return known if mine.id in {known.owner, *known.also} else None

    # Posts

    def publish(self, mine: Member, said: Mapping[str, Any]) -> Post:
        """Create a post. Raise Refusal."""
        self._offered(mine, said)
        text = unicodedata.normalize("NFC", _text(said, "text")).strip()
        parent, wanted = self._parent(said), _media_ids(said)
        if not text and not wanted:
            raise invalid("Requires either text or media.", text="")
        if len(text) > LONGEST or text_rules.weight(text) > self.max_weight:
            raise forbidden("Your Tweet text is too long.")
        if text and any(
            same == text and self.clock() - at < self.same_text_after for same, at in mine.said
        ):
            raise forbidden(DUPLICATE)
        media = self._chosen(mine, wanted)
        made = Post(self.snowflake(), mine.id, text, parent, media, self.clock())
        made.made_with_ai = said.get("made_with_ai") is True
        made.paid_partnership = said.get("paid_partnership") is True
        made.reply_settings = said.get("reply_settings") or made.reply_settings
        for medium in media:
            medium.post = made.id
        if parent is not None:
            parent.replies += 1
        mine.posts[made.id] = made
        mine.taken.append((made.id, text))
        mine.said.append((text, made.at))
        return made

    def _offered(self, mine: Member, said: Mapping[str, Any]) -> None:
        wanted = sorted(set(said) & NOT_HERE)
        if wanted:
            self.forbidden.append(f"{mine.username}: {', '.join(wanted)}")
            raise invalid(f"Not offered here: {wanted}")

    def _parent(self, said: Mapping[str, Any]) -> Post | None:
        if "reply" not in said:
            return None
        reply = said["reply"]
        parent = (
            self.seen(str(reply.get("in_reply_to_tweet_id"))) if isinstance(reply, dict) else None
        )
        if parent is None:
            raise forbidden(NO_PARENT)
        return parent

    def _chosen(self, mine: Member, wanted: list[str]) -> list[Medium]:
        found = [self.media[each] for each in wanted if self._usable(mine, each)]
        if len(found) != len(wanted) or len(set(wanted)) != len(wanted) or len(wanted) > MOST_MEDIA:
            raise invalid(NO_MEDIA, **{"media.media_ids": ",".join(wanted)[:100]})
        if len(found) > 1 and any(medium.category in ALONE for medium in found):
            raise invalid("A GIF or a film stands alone.", **{"media.media_ids": ",".join(wanted)})
        return found

    def _usable(self, mine: Member, medium_id: str) -> bool:
        known = self.media.get(medium_id)
        if known is None or known.state != "succeeded":
            return False
        return (self.media_again and known.owner == mine.id) or self._unused(
            mine, medium_id
        ) is not None

    def seen(self, post_id: str) -> Post | None:
        """Return an existing post whose author is not suspended, or None."""
        owners = (one for one in self.members.values() if one.state != "suspended")
        return next((one.posts[post_id] for one in owners if post_id in one.posts), None)

    def delete(self, mine: Member, post_id: str) -> None:
        """Delete a post of the account. Deleting a missing one has no effect. Raise Refusal."""
        found = self.seen(post_id)
        if found is not None and found.member != mine.id:
            raise forbidden("You are not allowed to delete this Tweet.")
        mine.posts.pop(post_id, None)

    def listed(
        self, posts: Iterable[Post], query: Mapping[str, str], until: datetime
    ) -> tuple[list[Post], str]:
        """Return a page of posts as of `until`, newest first, and the start of the next page. Raise
        Refusal."""
        most, start, end = (
            number(query, "max_results", 10),
            instant(query, "start_time"),
            instant(query, "end_time"),
        )
        if not 5 <= most <= 100:
            raise invalid("The number of results is not between 5 and 100.", max_results=str(most))
        shown = [one for one in posts if one.at <= until and (end is None or one.at < end)]
        # Times of the API are whole seconds, so a post in the same second is not before the start.
        shown = [one for one in shown if start is None or one.at >= start.replace(microsecond=0)]
        if "replies" in query.get("exclude", "").split(","):
            shown = [one for one in shown if one.parent is None]
        before = _cursor(query.get("pagination_token", "")) or number(query, "until_id", 2**63)
        after = number(query, "since_id", 0)
        page = sorted(
            (one for one in shown if after < int(one.id) < before), key=lambda one: -int(one.id)
        )
        return page[:most], f"p{page[most - 1].id}" if len(page) > most else ""


def pictured(category: str, data: bytes) -> tuple[str, tuple[int, int]]:
    """Return the type and size of a picture. Raise Refusal."""
    try:
        image = Image.open(io.BytesIO(data))
        kind, size, frames = image.format or "", image.size, getattr(image, "n_frames", 1)
        image.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise invalid("The media could not be read.", media=category) from error
    if kind not in CATEGORIES[category]:
        raise invalid(f"Media of type {kind} are not taken as {category}.", media_category=category)
    if category == "tweet_gif" and (
        size[0] > GIF_SIZE[0] or size[1] > GIF_SIZE[1] or frames > GIF_FRAMES
    ):
        raise invalid("The GIF is too large.", media=category)
    return f"image/{kind.lower()}", size


def _text(said: Mapping[str, Any], name: str) -> str:
    told = said.get(name, "")
    if not isinstance(told, str):
        raise invalid(f"{name} is a string.", **{name: str(told)[:40]})
    if any("\ud800" <= each <= "\udfff" for each in told):
        raise invalid(f"{name} has half a character.")
    return told


def _media_ids(said: Mapping[str, Any]) -> list[str]:
    media = said.get("media", {})
    wanted = media.get("media_ids", []) if isinstance(media, dict) else None
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        raise invalid("media.media_ids is a list of ids.")
    if "media" in said and not wanted:
        raise invalid("media.media_ids has at least one id.")
    return wanted


def number(query: Mapping[str, str], name: str, usual: int) -> int:
    """Return a number of a query. Raise Refusal."""
    told = query.get(name, "")
    if told and not WHOLE.fullmatch(told):
        raise invalid(f"{name} is a number.", **{name: told[:40]})
    return int(told) if told else usual


def instant(query: Mapping[str, str], name: str) -> datetime | None:
    """Return a UTC-aware instant of a query. Raise Refusal."""
    told = query.get(name, "")
    if not told:
        return None
    try:
        if INSTANT.fullmatch(told):
            return datetime.fromisoformat(told)
    except ValueError:  # For example a thirteenth month.
        pass
    raise invalid(f"{name} is not like 2026-01-31T12:00:00Z.", **{name: told[:40]})


def _cursor(token: str) -> int:
    if token and not (token[0] == "p" and WHOLE.fullmatch(token[1:])):
        raise invalid("The pagination_token is not valid.", pagination_token=token[:40])
    return int(token[1:]) if token else 0


def stamp(at: datetime) -> str:
    """Format an instant as the API does."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
