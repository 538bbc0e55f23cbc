"""Accounts, channels and videos of the fake YouTube, and who may do what with them."""

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
"""What an account's own token may do."""
MOST_ROWS, USUAL_ROWS = 50, 5


@dataclass(eq=False)
class App(oauth_server.App):
    """A project with its client. Unless it is `verified` (passed the audit of the API), its videos
    stay private."""

    verified: bool = True


@dataclass
class Video:
    """A video that was uploaded to its last byte. `data` is the sha256 of its file, `size` in
    bytes."""

    id: str
    owner: "Member" = field(repr=False)
    at: datetime
    """When its last byte came."""
    ready: datetime
    """When the work on it ends."""
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
    """Whether it shows something somebody paid for."""
    made_for_kids: bool | None = None
    embeddable: bool = True
    license: str = "youtube"
    stats_viewable: bool = True
    cover: str = ""
    """The sha256 of the picture that was set as its cover; "" for one of its own frames."""
    locked: bool = False
    """Whether it stays private for ever: it came through a project that is not verified."""
    rejection: str = ""
    failure: str = ""
    public_at: datetime | None = None
    """When it was made public first."""
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
        """How far the work on it is, in YouTube's words."""
        if self.clock() < self.ready:
            return "uploaded"
        return "rejected" if self.rejection else "failed" if self.failure else "processed"

    @property
    def published_at(self) -> datetime:
        """When it was made public; when it was uploaded, as long as it was not."""
        return self.public_at or self.at

    @property
    def visible(self) -> bool:
        """Whether everybody finds it."""
        return self.privacy == "public" and self.upload_status == "processed"

    def set(self, fields: Mapping[str, Any], *, verified: bool) -> None:
        """Give it what was said of it."""
        for name, value in fields.items():
            setattr(self, name, value)
        if self.locked or ("privacy" in fields and not verified):
            self.privacy = "private"
        if self.privacy == "public" and self.public_at is None:
            self.public_at = self.clock()


@dataclass
class Member:
    """A Google account with a YouTube channel, or without one (`channel_id` is then empty)."""

    name: str
    token: str
    channel_id: str
    since: datetime
    app: App
    """The project that its own token belongs to."""
    scopes: tuple[str, ...] = SCOPES
    suspended: bool = False
    suspended_word: str = "channelSuspended"
    """What is told of a suspended channel: `channelSuspended` or `accountClosed`."""
    may_cover: bool = True
    """Whether its owner gave a telephone number, so that its films may have covers of their own."""
    subscribers: int = 0
    hides_subscribers: bool = False
    videos: dict[str, Video] = field(default_factory=dict)
    """All that are there, private ones included, oldest first."""
    uploads: list[datetime] = field(default_factory=list)
    """When its videos came, deleted ones too."""
    _taken: dict[str, str] = field(default_factory=dict)

    @property
    def username(self) -> str:
        """Its name."""
        return self.name

    @property
    def uploads_playlist(self) -> str:
        """The list of its videos."""
        return "UU" + self.channel_id[2:]

    @property
    def posts(self) -> dict[str, Video]:
        """The videos that are public now."""
        return {name: one for name, one in self.videos.items() if one.visible}

    @property
    def taken(self) -> list[tuple[str, str]]:
        """Id and description of everything that ever became public, once per video."""
        self.settle()
        return list(self._taken.items())

    def settle(self) -> None:
        """Keep in mind what is public now."""
        for name, one in self.posts.items():
            self._taken.setdefault(name, one.description)


@dataclass
class YouTubeState(Limits):
    """All of it, under one clock. Its limits and its bad habits are attributes that tests set."""

    members: dict[str, Member] = field(default_factory=dict)
    """By their names."""
    named: dict[str, str] = field(default_factory=dict)
    """Ids of videos by the sha256 of their files: the newest of each."""
    slow: float = 0.0
    """Seconds of work on a video after its last byte."""
    rejects: str = ""
    """Why videos that come now are rejected once the work on them ends: `duplicate`, `copyright`
    …"""
    fails: str = ""
    """Why the work on videos that come now fails: `codec`, `conversion` …"""
    forbidden: list[str] = field(default_factory=list)
    """What nobody should ask of YouTube in this house, and asked."""
    app: App = field(
        default_factory=lambda: App("own.apps.googleusercontent.com", "GOCSPX-own", ())
    )
    """The project of the accounts' own tokens."""

    def account(self, name: str, *, channel: bool = True, **state: Any) -> Member:
        """A new account with a token of its own, which has no end; without `channel` it never
        signed up at YouTube."""
        channel_id = "UC" + secrets.token_urlsafe(17)[:22].ljust(22, "A") if channel else ""
        token = f"ya29.{secrets.token_urlsafe(24)}"
        made = Member(name, token, channel_id, self.clock(), **({"app": self.app} | state))
        self.members[name] = made
        return made

    def who(self, name: str) -> Member | None:
        """Who has this name."""
        return self.members.get(name)

    def video(self, number: str) -> Video | None:
        """A video that is there, whoever may see it."""
        return next(
            (one.videos[number] for one in self.members.values() if number in one.videos), None
        )

    def shown(self, mine: Member, asked: ParsedRequest) -> list[Video]:
        """The videos that were asked for by their ids, as far as they are for `mine`. Raises
        Refusal."""
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
        """Replace the named parts of a video, whole. Raises Refusal."""
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
        """Delete a video of one's own. Raises Refusal."""
        found = self.own(mine, number, "id")
        mine.settle()
        del mine.videos[found.id]

    def own(self, mine: Member, number: str, place: str) -> Video:
        """A video of one's own. Raises Refusal."""
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
        """All that a list of uploads shows, newest first, without those of the last `lag` seconds;
        where the page begins, and how many rows it has. Raises Refusal."""
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
    """Whether somebody else may look at it by its id."""
    return video.privacy != "private" and video.upload_status == "processed"


def _missing(place: str) -> Refusal:
    message = "The video that you are trying to reach cannot be found."
    return api_error(
        404, "videoNotFound", message, at=f"{'other' if '.' in place else 'parameter'} {place}"
    )


def _invalid(name: str, value: str) -> Refusal:
    message = f"Invalid value '{value[:40]}'. Values must be within the range: [0, {MOST_ROWS}]"
    return api_error(400, "invalidParameter", message, "global", at=f"parameter {name}")
