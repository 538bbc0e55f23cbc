"""Accounts, channels and videos of the fake YouTube, and permissions for them."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes import oauth_server
from tests.fakes.youtube.limits import Limits
from tests.fakes.youtube.metadata import metadata
from tests.fakes.youtube.spec import ParsedRequest, Refusal, api_error, bad_request

AUTH = "https://www.googleapis.com/auth/"
SCOPES = (f"{AUTH}youtube.upload", f"{AUTH}youtube.readonly", f"{AUTH}youtube.force-ssl")
"""Scopes of an account's own token."""
MOST_ROWS, USUAL_ROWS = 50, 5


@dataclass(eq=False)
class App(oauth_server.App):
    """A project with its client. Unless it is `verified` (passed the API audit), its videos stay
    private."""

    verified: bool = True


@dataclass
class Video:
    """A completely uploaded video. `data` is the SHA-256 of its file, `size` in bytes."""

    id: str
    owner: "Member" = field(repr=False)
    at: datetime
    """Time of the last byte."""
    ready: datetime
    """Time when processing ends."""
    data: str
    size: int
    file_name: str
    clock: Callable[[], datetime] = field(repr=False)
    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    category: str = "22"
    privacy: str = "public"
    synthetic: bool | None = None
    paid: bool | None = None
    """True if it contains a paid promotion."""
    made_for_kids: bool | None = None
    embeddable: bool = True
    license: str = "youtube"
    stats_viewable: bool = True
    cover: str = ""
    """SHA-256 of its custom thumbnail, or ""."""
    locked: bool = False
    """True if it stays private because its project is not verified."""
    rejection: str = ""
    failure: str = ""
    public_at: datetime | None = None
    """Time when it first became public."""
    statistics: dict[str, int] = field(
        default_factory=lambda: {
            "viewCount": 0,
            "likeCount": 0,
            "dislikeCount": 0,
            "favoriteCount": 0,
            "commentCount": 0,
        }
    )

    @property
    def upload_status(self) -> str:
        """Processing status as in the API."""
        if self.clock() < self.ready:
            return "uploaded"
        return "rejected" if self.rejection else "failed" if self.failure else "processed"

    @property
    def published_at(self) -> datetime:
        """Time when it first became public, or the time of its upload."""
        return self.public_at or self.at

    @property
    def visible(self) -> bool:
        """Return True if every user can find it."""
        return self.privacy == "public" and self.upload_status == "processed"

    def set(self, fields: Mapping[str, Any], *, verified: bool) -> None:
        """Apply metadata to the video."""
        for name, value in fields.items():
            setattr(self, name, value)
        if self.locked or ("privacy" in fields and not verified):
            self.privacy = "private"
        if self.privacy == "public" and self.public_at is None:
            self.public_at = self.clock()


@dataclass
class Member:
    """A Google account with a YouTube channel, or without one (`channel_id` is empty)."""

    name: str
    token: str
    channel_id: str
    since: datetime
    app: App
    """Project of the account's own token."""
    scopes: tuple[str, ...] = SCOPES
    suspended: bool = False
    suspended_word: str = "channelSuspended"
    """Error reason of a suspended channel: `channelSuspended` or `accountClosed`."""
    may_cover: bool = True
    """True if the owner verified a phone number, which allows custom thumbnails."""
    subscribers: int = 0
    hides_subscribers: bool = False
    videos: dict[str, Video] = field(default_factory=dict)
    """All existing videos, including private ones, oldest first."""
    uploads: list[datetime] = field(default_factory=list)
    """Upload times of its videos, including deleted ones."""
    _taken: dict[str, str] = field(default_factory=dict)

    @property
    def username(self) -> str:
        """Name of the account."""
        return self.name

    @property
    def uploads_playlist(self) -> str:
        """ID of the uploads playlist."""
        return "UU" + self.channel_id[2:]

    @property
    def posts(self) -> dict[str, Video]:
        """Videos that are currently public."""
        return {name: one for name, one in self.videos.items() if one.visible}

    @property
    def taken(self) -> list[tuple[str, str]]:
        """ID and description of every video that ever became public, once for each video."""
        self.settle()
        return list(self._taken.items())

    def settle(self) -> None:
        """Record the videos that are currently public."""
        for name, one in self.posts.items():
            self._taken.setdefault(name, one.description)


@dataclass
class YouTubeState(Limits):
    """The complete state under one clock. Tests set its limits and faults as attributes."""

    members: dict[str, Member] = field(default_factory=dict)
    """Accounts by name."""
    named: dict[str, str] = field(default_factory=dict)
    """ID of the latest video, by the SHA-256 of its file."""
    slow: float = 0.0
    """Processing time after the last byte in seconds."""
    rejects: str = ""
    """Reason for rejecting new videos after processing: `duplicate`, `copyright` …"""
    fails: str = ""
    """Reason for the failed processing of new videos: `codec`, `conversion` …"""
    forbidden: list[str] = field(default_factory=list)
    """Requests that our client must not send."""
    app: App = field(
        default_factory=lambda: App("own.apps.googleusercontent.com", "GOCSPX-own", ())
    )
    """Project of the accounts' own tokens."""

    def account(self, name: str, *, channel: bool = True, **state: Any) -> Member:
        """Create an account with a token that does not expire. Without `channel`, it has no YouTube
        channel."""
        channel_id = "UC" + secrets.token_urlsafe(17)[:22].ljust(22, "A") if channel else ""
        token = f"ya29.{secrets.token_urlsafe(24)}"
        made = Member(name, token, channel_id, self.clock(), **({"app": self.app} | state))
        self.members[name] = made
        return made

    def who(self, name: str) -> Member | None:
        """Return the account with this name, or None."""
        return self.members.get(name)

    def video(self, number: str) -> Video | None:
        """Return an existing video, regardless of its visibility, or None."""
        return next(
            (one.videos[number] for one in self.members.values() if number in one.videos), None
        )

    def shown(self, mine: Member, asked: ParsedRequest) -> list[Video]:
        """Return the requested videos that the account may see. Raise Refusal."""
        if not asked.ids:
            message = "No filter selected. Expected one of: chart, id, myRating"
            raise api_error(
                400, "missingRequiredParameter", message, "youtube.parameter", at="parameter "
            )
        if len(asked.ids) > MOST_ROWS:
            raise api_error(
                400,
                "invalidFilters",
                "The request specifies too many ids.",
                "youtube.parameter",
                at="parameter id",
            )
        found = [self.video(each) for each in asked.ids]
        rows = [one for one in found if one is not None and (one.owner is mine or _open(one))]
        secret = {"processingDetails", "fileDetails"} & set(asked.parts)
        if secret and any(one.owner is not mine for one in rows):
            message = f"The request cannot access {min(secret)} of a video of somebody else."
            raise api_error(403, "forbidden", message, "youtube.common", at="parameter part")
        return rows

    def update(self, mine: Member, app: App, asked: ParsedRequest) -> Video:
        """Replace the named parts of a video completely. Raise Refusal."""
        said = asked.fields()
        found = self.own(mine, str(said.get("id") or ""), "body.id")
        fields = metadata(said, asked.parts, new=False, forbidden=self.forbidden)
        if not fields:
            raise bad_request("The request names no part that can be written.", "invalidPart")
        mine.settle()
        found.set(fields, verified=app.verified)
        mine.settle()
        return found

    def delete(self, mine: Member, number: str) -> None:
        """Delete a video of the account. Raise Refusal."""
        found = self.own(mine, number, "id")
        mine.settle()
        del mine.videos[found.id]

    def own(self, mine: Member, number: str, place: str) -> Video:
        """Return a video of the account. Raise Refusal."""
        found = self.video(number)
        if found is None or (found.owner is not mine and not _open(found)):
            raise _missing(place)
        if found.owner is not mine:
            raise api_error(
                403, "forbidden", "Forbidden", "youtube.common", at=f"parameter {place}"
            )
        return found

    def playlist(
        self, mine: Member, asked: ParsedRequest, lag: float
    ) -> tuple[list[Video], int, int]:
        """Return the videos of an uploads playlist, newest first, without those of the last `lag`
        seconds, with the start and size of the page. Raise Refusal."""
        name = asked.query.get("playlistId", "")
        if not name:
            message = "No filter selected. Expected one of: id, playlistId"
            raise api_error(
                400, "missingRequiredParameter", message, "youtube.parameter", at="parameter "
            )
        whose = next(
            (
                one
                for one in self.members.values()
                if one.channel_id and one.uploads_playlist == name
            ),
            None,
        )
        if whose is None:
            message = (
                "The playlist identified with the request's <code>playlistId</code> parameter "
                "cannot be found."
            )
            raise api_error(
                404, "playlistNotFound", message, "youtube.playlistItem", at="parameter playlistId"
            )
        rows = [one for one in whose.videos.values() if whose is mine or one.visible]
        rows = [one for one in rows if (self.clock() - one.at).total_seconds() >= lag]
        rows.sort(key=lambda one: one.published_at)
        many = asked.query.get("maxResults", str(USUAL_ROWS))
        if not (many.isascii() and many.isdecimal() and int(many[:4]) <= MOST_ROWS):
            raise _invalid("maxResults", many)
        page = asked.query.get("pageToken", "")
        begin = page.removeprefix("PT:") if page else "0"
        if (page and not page.startswith("PT:")) or not (begin.isascii() and begin.isdecimal()):
            raise api_error(
                400,
                "invalidPageToken",
                "The request specifies an invalid page token.",
                "youtube.parameter",
            )
        return rows[::-1], int(begin), int(many)


def _open(video: Video) -> bool:
    """Return True if other users may see the video by its ID."""
    return video.privacy != "private" and video.upload_status == "processed"


def _missing(place: str) -> Refusal:
    message = "The video that you are trying to reach cannot be found."
    return api_error(
        404, "videoNotFound", message, at=f"{'other' if '.' in place else 'parameter'} {place}"
    )


def _invalid(name: str, value: str) -> Refusal:
    message = f"Invalid value '{value[:40]}'. Values must be within the range: [0, {MOST_ROWS}]"
    return api_error(400, "invalidParameter", message, "global", at=f"parameter {name}")
