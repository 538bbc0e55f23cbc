"""State of the fake Mastodon: accounts, statuses and media, and the rules for changing them."""

import hashlib
import io
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from PIL import Image

from connectors.conformance.fake_servers import AdjustableClock
from tests.fakes.mastodon import text_rules

KEY_LIVES = timedelta(hours=1)
UNUSED_FOR = timedelta(hours=24)
"""Time after which media that no status uses are deleted."""
GIF_MATRIX = 1280 * 720
FORMATS = {"JPEG", "PNG", "GIF", "WEBP", "HEIF", "AVIF"}
PICTURES = (
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/heic",
    "image/heif",
    "image/webp",
    "image/avif",
)
MIMES = (
    *PICTURES,
    "video/webm",
    "video/mp4",
    "video/quicktime",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
)
VISIBILITIES = ("public", "unlisted", "private", "direct")
OPEN = frozenset({"public", "unlisted"})

Json = dict[str, Any]


class Refusal(Exception):
    """An error response: status, text of `error`, and headers."""

    def __init__(
        self,
        status: int,
        error: str,
        description: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {error}")
        self.status, self.headers = status, dict(headers or {})
        self.body = {"error": error} | ({"error_description": description} if description else {})


def not_found() -> Refusal:
    """Return the error for a missing or invisible object."""
    return Refusal(404, "Record not found")


@dataclass
class Medium:
    """An uploaded file. `left` is the number of polls until it is processed, `status` the ID of the
    status that uses it."""

    id: str
    owner: str
    mime: str
    kind: str
    size: tuple[int, int]
    at: datetime
    description: str | None
    focus: tuple[float, float]
    left: int
    fails: bool
    data: bytes = field(repr=False)
    status: str = ""

    @property
    def done(self) -> bool:
        """Return True if a status can use it."""
        return not self.left and not self.fails


@dataclass
class Status:
    """A post. Tests set its metrics."""

    id: str
    member: str
    text: str
    spoiler_text: str
    visibility: str
    sensitive: bool
    language: str
    in_reply_to: "Status | None"
    media: list[Medium]
    at: datetime
    edited: datetime | None = None
    favourites: int = 3
    reblogs: int = 1
    replies: int = 0


@dataclass
class Member:
    """An account. `state` is active, disabled or suspended; `scopes` belong to `token`."""

    id: str
    username: str
    token: str
    scopes: str
    at: datetime
    state: str = "active"
    moved: "Member | None" = None
    """Account to which it has moved."""
    followers: int = 0
    statuses: dict[str, Status] = field(default_factory=dict)
    """Existing statuses."""
    taken: list[tuple[str, str]] = field(default_factory=list)
    """ID and text of every status ever created, including deleted ones. A repeat with the same key
    creates none."""
    repeats: int = 0
    keys: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    notices: list[Json] = field(default_factory=list)
    blocks: set[str] = field(default_factory=set)
    """Blocked accounts."""
    likes: set[str] = field(default_factory=set)
    follows: set[str] = field(default_factory=set)
    """Accounts whose private messages appear among the other notifications."""


@dataclass
class MastodonState:
    """The complete state under one clock. Tests set its limits and faults as attributes."""

    clock: AdjustableClock
    url: str = ""
    members: dict[str, Member] = field(default_factory=dict)
    media: dict[str, Medium] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    """ID of the latest upload, by the SHA-256 of its content."""
    usual_rules: tuple[str, ...] = (
        "Sexually explicit or violent media must be marked as sensitive when posting",
    )
    rules: list[str] = field(init=False)
    """Rules of the server in its instance description."""
    max_characters: int = 500
    max_media: int = 4
    per_url: int = 23
    image_bytes: int = 16 * 2**20
    video_bytes: int = 99 * 2**20
    matrix: int = 33_177_600
    mimes: tuple[str, ...] = MIMES
    """Accepted media types."""
    max_description: int = 1500
    slow: int = 0
    """Number of polls until a picture is processed. Video and audio need at least one."""
    ignores_keys: bool = False
    """True for a fork that ignores the idempotency key."""
    drops_media: bool = False
    """True for a server under load that creates statuses without their attachments."""
    fails_media: bool = False
    """True if the processing of new uploads fails."""
    most_notices: int = 80
    """Maximum notifications of a page. Other servers with the same API return fewer than requested.
    """
    reports: list[tuple[str, Json]] = field(default_factory=list)
    """Reporting account and report, in order."""
    forbidden: list[str] = field(default_factory=list)
    """Attempts to use the server's scheduling."""
    _counted: int = 0

    def __post_init__(self) -> None:
        self.rules = list(self.usual_rules)

    def snowflake(self) -> str:
        """Return a new ID for the current time. IDs of the same millisecond are in order."""
        self._counted += 1
        return str((int(self.clock().timestamp() * 1000) << 16) + self._counted % 2**16)

    def account(
        self, username: str, *, scopes: str = "read write", state: str = "active"
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

    def upload(
        self, mine: Member, file: tuple[str, bytes] | None, said: Mapping[str, Any]
    ) -> Medium:
        """Store a file with its media type and parameters. Raise Refusal."""
        if file is None:
            raise Refusal(422, "Validation failed: File can't be blank")
        mime, data = file
        if mime not in self.mimes:
            raise Refusal(422, "Validation failed: File content type is invalid, File is invalid")
        kind, size = (
            (mime.split("/")[0], (0, 0)) if not mime.startswith("image/") else self._picture(data)
        )
        most = self.image_bytes if kind == "image" else self.video_bytes
        if len(data) >= most:
            raise Refusal(
                422, f"Validation failed: File file size must be less than {most / 2**20:g} MB"
            )
        description = str(said["description"]).strip() if "description" in said else None
        if len(description or "") > self.max_description:
            many = f"Description is too long (maximum is {self.max_description} characters)"
            raise Refusal(422, f"Validation failed: {many}")
        left = max(self.slow, 0 if kind == "image" else 1)
        focus, id_ = _focus(str(said.get("focus", ""))), self.snowflake()
        made = Medium(
            id_,
            mine.id,
            mime,
            kind,
            size,
            self.clock(),
            description,
            focus,
            left,
            self.fails_media,
            data,
        )
        self.media[made.id] = made
        self.named[hashlib.sha256(data).hexdigest()] = made.id
        return made

    def _picture(self, data: bytes) -> tuple[str, tuple[int, int]]:
        # Pillow raises SyntaxError for a truncated PNG.
        try:
            image = Image.open(io.BytesIO(data))
            moving = image.format == "GIF" and bool(getattr(image, "is_animated", False))
            image.verify()
        except (
            OSError,
            SyntaxError,
            Image.DecompressionBombError,
        ) as error:
            raise Refusal(422, "File type of uploaded media could not be verified") from error
        if image.format not in FORMATS:
            raise Refusal(422, "Validation failed: File content type is invalid, File is invalid")
        pixels, gif = image.width * image.height, image.format == "GIF"
        if pixels > (min(GIF_MATRIX, self.matrix) if gif else self.matrix):
            what = "GIF files" if gif else "images"
            raise Refusal(422, f"{image.width}x{image.height} {what} are not supported")
        return ("gifv" if moving else "image"), image.size

    def polled(self, mine: Member, medium_id: str) -> tuple[int, Medium]:
        """Return the status code of an unused file: 200, or 206 while it is processed. Each poll
        advances the processing. Raise Refusal."""
        medium = self._unused(mine, medium_id)
        if medium is None:
            raise not_found()
        if medium.left:
            medium.left -= 1
            return 206, medium
        if medium.fails:
            raise Refusal(422, "Error processing thumbnail for uploaded media")
        return 200, medium

    def _unused(self, mine: Member, medium_id: str) -> Medium | None:
        known = self.media.get(medium_id)
        if (
            known is None
            or known.owner != mine.id
            or known.status
            or self.clock() - known.at >= UNUSED_FOR
        ):
            return None
        return known

    # Statuses

    def repeated(self, mine: Member, key: str) -> Status | None:
        """Return the status created with this key in the last hour. Raise Refusal if it was deleted
        since."""
        known = mine.keys.get(key) if key and not self.ignores_keys else None
        if known is None or self.clock() - known[1] >= KEY_LIVES:
            return None
        if known[0] not in mine.statuses:
            raise not_found()
        mine.repeats += 1
        return mine.statuses[known[0]]

    def publish(self, mine: Member, said: Mapping[str, Any], key: str) -> Status:
        """Create a status from parameters that `check` has accepted."""
        text, spoiler = _words(said)
        media = (
            [] if self.drops_media else [self.media[each] for each in said.get("media_ids") or ()]
        )
        made = Status(
            id=self.snowflake(),
            member=mine.id,
            text=text,
            spoiler_text=spoiler,
            visibility=said.get("visibility") or "public",
            sensitive=said.get("sensitive") in {True, "true", "1"}
            or bool(said.get("spoiler_text")),
            language=said.get("language") or "en",
            in_reply_to=self._above(mine, said),
            media=media,
            at=self.clock(),
        )
        for medium in media:
            medium.status = made.id
        if made.in_reply_to is not None:
            made.in_reply_to.replies += 1
        mine.statuses[made.id] = made
        mine.taken.append((made.id, text))
        if key:
            mine.keys[key] = (made.id, made.at)
        self._notify(mine, made)
        return made

    def edit(self, mine: Member, status: str, said: Mapping[str, Any]) -> Status:
        """Change the text of a status and remove media that are not named. Raise Refusal."""
        found = mine.statuses.get(status)
        if found is None:
            raise not_found()
        wanted = [str(one) for one in said.get("media_ids") or ()]
        if not set(wanted) <= {one.id for one in found.media}:
            raise Refusal(
                422, f"Media {', '.join(wanted)} not found or already attached to another post"
            )
        kept = [one for one in found.media if one.id in wanted]
        self._check_words(said, alone=not kept)
        found.text, found.spoiler_text = _words(said)
        found.sensitive = said.get("sensitive") in {True, "true", "1"} or bool(found.spoiler_text)
        found.media, found.edited = kept, self.clock()
        return found

    def check_above(self, mine: Member, said: Mapping[str, Any]) -> None:
        """Raise Refusal if the replied-to status is missing. The server checks this before the key."""
        if said.get("in_reply_to_id") and self._above(mine, said) is None:
            raise Refusal(404, "The post you are trying to reply to does not appear to exist.")

    def check(self, mine: Member, said: Mapping[str, Any]) -> None:
        """Raise Refusal if the parameters cannot become a status."""
        if said.get("scheduled_at"):
            self.forbidden.append(f"{mine.username}: scheduled_at {said['scheduled_at']}")
            raise Refusal(422, "Validation failed: scheduled_at is forbidden here")
        if said.get("poll"):
            raise Refusal(422, "Validation failed: this server makes no polls")
        wanted = list(said.get("media_ids") or ())
        if len(wanted) > self.max_media:
            raise Refusal(422, f"Cannot attach more than {self.max_media} files")
        media = {each: self._unused(mine, each) for each in wanted}
        missing = [each for each, medium in media.items() if medium is None]
        if missing:
            raise Refusal(
                422, f"Media {', '.join(missing)} not found or already attached to another post"
            )
        found = [medium for medium in media.values() if medium is not None]
        if len(found) > 1 and any(medium.kind in {"video", "audio"} for medium in found):
            raise Refusal(422, "Cannot attach a video to a post that already contains images")
        if not all(medium.done for medium in found):
            raise Refusal(
                422, "Cannot attach files that have not finished processing. Try again in a moment!"
            )
        self._check_words(said, alone=not found)

    def _check_words(self, said: Mapping[str, Any], *, alone: bool) -> None:
        text, spoiler = _words(said)
        if (said.get("visibility") or "public") not in VISIBILITIES:
            raise Refusal(422, "Validation failed: Visibility is not included in the list")
        if not text and alone:
            raise Refusal(422, "Validation failed: Text can't be blank")
        if text_rules.count_characters(text, spoiler, per_url=self.per_url) > self.max_characters:
            raise Refusal(
                422, f"Validation failed: Text character limit of {self.max_characters} exceeded"
            )

    def _above(self, mine: Member, said: Mapping[str, Any]) -> Status | None:
        wanted = said.get("in_reply_to_id")
        try:
            return self.seen(str(wanted), mine) if wanted else None
        except Refusal:
            return None

    def seen(self, status_id: str, viewer: Member | None) -> Status:
        """Return a status that `viewer` may see. Raise Refusal."""
        for owner in self.members.values():
            found = owner.statuses.get(status_id)
            if found is not None and self._shows(found, owner, viewer):
                return found
        raise not_found()

    def _shows(self, status: Status, owner: Member, viewer: Member | None) -> bool:
        if owner.state == "suspended" or (viewer is not None and viewer.id in owner.blocks):
            return False
        named = viewer is not None and viewer.username in text_rules.mentions(status.text)
        return status.visibility in OPEN or owner is viewer or named

    def listed(
        self, owner: Member, viewer: Member | None, query: Mapping[str, str], until: datetime
    ) -> list[Status]:
        """Return a page of an account's statuses as of `until`, newest first."""
        limit = min(abs(_number(query.get("limit", "20"))), 40)
        shown = [
            one
            for one in owner.statuses.values()
            if self._shows(one, owner, viewer) and one.at <= until
        ]
        if query.get("exclude_replies") in {"true", "1"}:
            shown = [one for one in shown if one.in_reply_to is None]
        if query.get("only_media") in {"true", "1"}:
            shown = [one for one in shown if one.media]
        lowest = max(_number(query.get(name, "")) for name in ("min_id", "since_id"))
        highest = _number(query.get("max_id", "")) or 2**63
        page = sorted(
            (one for one in shown if lowest < int(one.id) < highest), key=lambda one: int(one.id)
        )
        oldest_first = bool(query.get("min_id"))
        return (page[:limit] if oldest_first else page[-limit:] if limit else [])[::-1]

    def delete(self, mine: Member, status_id: str, *, media_too: bool) -> Status:
        """Delete a status. Its media can be used again for a while unless `media_too`. Raise
        Refusal."""
        gone = mine.statuses.pop(status_id, None)
        if gone is None:
            raise not_found()
        for medium in gone.media:
            medium.status, medium.at = "", self.clock()
            if media_too:
                del self.media[medium.id]
        return gone

    def _notify(self, mine: Member, status: Status) -> None:
        for name in text_rules.mentions(status.text):
            named = self.who(name)
            if named is not None and named is not mine and mine.id not in named.blocks:
                told = {
                    "id": self.snowflake(),
                    "type": "mention",
                    "at": status.at,
                    "by": mine,
                    "status": status,
                }
                named.notices.append(told)


def _words(said: Mapping[str, Any]) -> tuple[str, str]:
    """Return the text and the content warning, both trimmed. A warning without a text becomes the
    text."""
    text, spoiler = (
        str(said.get("status") or "").strip(),
        str(said.get("spoiler_text") or "").strip(),
    )
    return (text, spoiler) if text else (spoiler, "")


def _number(told: str) -> int:
    return int(told) if told.lstrip("-").isdecimal() else 0


def _focus(told: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in told.split(",")) if told else (0.0, 0.0)
    except ValueError:
        return 0.0, 0.0
    return x, y


def stamp(at: datetime) -> str:
    """Format an instant as the API does."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
