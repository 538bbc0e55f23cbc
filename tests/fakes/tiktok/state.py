"""Accounts and posts of the fake TikTok, and the options of an account.

Source: https://developers.tiktok.com/doc/content-posting-api-reference-query-creator-info,
https://developers.tiktok.com/doc/tiktok-api-v2-video-object
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from tests.fakes import oauth_server
from tests.fakes.tiktok.limits import DAY, Json, Limits, Refusal, wrong

SCOPES = ("user.info.basic", "user.info.stats", "video.publish", "video.list")
"""Scopes of an account's own token."""
EVERYBODY, FOLLOWERS, FRIENDS, NOBODY = (
    "PUBLIC_TO_EVERYONE",
    "FOLLOWER_OF_CREATOR",
    "MUTUAL_FOLLOW_FRIENDS",
    "SELF_ONLY",
)
SHOWN = 150
"""Characters of a title in the video object."""


class App(oauth_server.App):
    """An app as its developer registered it at TikTok."""

    client_key = property(attrgetter("client_id"))
    client_secret = property(attrgetter("secret"))


@dataclass
class Post:
    """A completely uploaded video that did not fail. `data` is the SHA-256 of its file, `size` in
    bytes."""

    id: str
    publish_id: str
    owner: "Member" = field(repr=False)
    at: datetime
    """Time when processing ended and the post became visible."""
    told_at: datetime
    """Time when moderation ended. The API does not return the post before, although users see it.
    """
    data: str
    size: int
    title: str
    privacy: str
    ai: bool = False
    paid: bool = False
    """True if it is marked as a paid partnership."""
    own_brand: bool = False
    no_comments: bool = False
    no_duets: bool = False
    no_stitches: bool = False
    cover_ms: int = 0
    taken_down: bool = False
    statistics: dict[str, int] = field(
        default_factory=lambda: {
            "view_count": 0,
            "like_count": 0,
            "comment_count": 0,
            "share_count": 0,
        }
    )

    def stands(self, now: datetime) -> bool:
        """Return True if users can see it."""
        return self.at <= now and not self.taken_down

    def public(self, now: datetime) -> bool:
        """Return True if the API returns it: it is public and was moderated."""
        return self.privacy == EVERYBODY and self.stands(now) and self.told_at <= now

    def told(self) -> Json:
        """Return all fields of the post."""
        name, title = self.owner.username, self.title[:SHOWN]
        return {
            "id": self.id,
            "title": title,
            "video_description": title,
            "create_time": int(self.at.timestamp()),
            "share_url": f"https://www.tiktok.com/@{name}/video/{self.id}"
            "?utm_campaign=tt4d_open_api&utm_source=fake",
            "embed_link": f"https://www.tiktok.com/player/v1/{self.id}",
            "is_aigc": self.ai,
            **self.statistics,
        }


@dataclass
class Member:
    """An account on TikTok. `open_id` identifies it to apps."""

    username: str
    token: str
    open_id: str
    display_name: str
    since: datetime
    clock: Callable[[], datetime] = field(repr=False)
    scopes: tuple[str, ...] = SCOPES
    private: bool = False
    audited: bool = True
    """True if the app it posts through was audited. `TikTokState.audited` must be true too."""
    banned: bool = False
    comment_disabled: bool = False
    duet_disabled: bool = False
    stitch_disabled: bool = False
    max_seconds: int = 600
    """Maximum length of a video in seconds."""
    followers: int = 0
    made: list[Post] = field(default_factory=list)
    """All posts from its uploads, including those in processing and removed ones."""
    consulted: datetime | None = None
    """Time of the last query of its options."""

    @property
    def posts(self) -> dict[str, Post]:
        """Visible posts by ID, regardless of their audience."""
        return {one.id: one for one in self.made if one.stands(self.clock())}

    @property
    def taken(self) -> list[tuple[str, str]]:
        """ID and title of every post that was ever visible. A video published twice appears twice."""
        return [(one.id, one.title) for one in self.made if one.at <= self.clock()]

    @property
    def options(self) -> list[str]:
        """Available audiences of a post."""
        return [FOLLOWERS if self.private else EVERYBODY, FRIENDS, NOBODY]

    def told(self) -> dict[str, tuple[str, Any]]:
        """Return all fields of the account, each with the scope it requires."""
        basic, profile, stats = (f"user.info.{one}" for one in ("basic", "profile", "stats"))
        return {
            "open_id": (basic, self.open_id),
            "union_id": (basic, f"u{self.open_id}"),
            "avatar_url": (basic, self.avatar),
            "display_name": (basic, self.display_name),
            "username": (profile, self.username),
            "profile_deep_link": (profile, f"https://vm.tiktok.com/{self.username}/"),
            "bio_description": (profile, ""),
            "is_verified": (profile, False),
            "follower_count": (stats, self.followers),
            "video_count": (stats, len([one for one in self.made if one.public(self.clock())])),
        }

    @property
    def avatar(self) -> str:
        """URL of the profile picture."""
        return f"https://p16-sign.tiktokcdn-us.com/{self.username}.jpeg"


@dataclass
class TikTokState(Limits):
    """The complete state under one clock. Tests set its limits and faults as attributes."""

    members: dict[str, Member] = field(default_factory=dict)
    """Accounts by username."""
    named: dict[str, str] = field(default_factory=dict)
    """Latest `publish_id` of a video, by the SHA-256 of its file."""
    audited: bool = True
    """True if TikTok audited the apps. Unaudited apps can post only private posts on private
    accounts."""
    processing_seconds: float = 0.0
    """Processing time after the last byte."""
    moderation_seconds: float = 0.0
    """Additional time until the ID of a public post is reported."""
    failing: list[str] = field(default_factory=list)
    """Failure reasons of the next videos, in order."""
    tells_early: bool = True
    """True if the query of an account's options reports that it cannot post, with status 200."""
    broken: list[str] = field(default_factory=list)
    """Protocol rules that a client violated. A correct client adds none."""

    def account(self, name: str, **state: Any) -> Member:
        """Create an account with a token that does not expire."""
        token, open_id = f"act.{secrets.token_urlsafe(32)}", f"-000{secrets.token_urlsafe(24)}"
        fixed = {"display_name": name.title(), "since": self.clock(), "clock": self.clock}
        made = Member(name, token, open_id, **{**fixed, **state})
        self.members[name] = made
        return made

    def who(self, name: str) -> Member | None:
        """Return the account with this username, or None."""
        return self.members.get(name)

    def fails(self, reason: str) -> None:
        """Let the next video fail with a reason: `internal`, `duration_check_failed`,
        `spam_risk_text` …"""
        self.failing.append(reason)

    def takes_down(self, member: Member, post_id: str | int) -> None:
        """Remove a post, as a user does in the app. Raise KeyError."""
        member.posts[str(post_id)].taken_down = True

    def breach(self, message: str) -> Refusal:
        """Record a protocol violation and return its error."""
        self.broken.append(message)
        return wrong("invalid_params", message)

    def creator_info(self, mine: Member) -> Json:
        """Return the current options of an account. Raise Refusal."""
        if self.tells_early:
            try:
                self.may_post(mine)
            except Refusal as refusal:
                raise Refusal(200, refusal.body) from refusal
        mine.consulted = self.clock()
        return {
            "creator_avatar_url": mine.avatar,
            "creator_username": mine.username,
            "creator_nickname": mine.display_name,
            "privacy_level_options": mine.options,
            "comment_disabled": mine.comment_disabled,
            "duet_disabled": mine.duet_disabled or mine.private,
            "stitch_disabled": mine.stitch_disabled or mine.private,
            "max_video_post_duration_sec": mine.max_seconds,
        }

    def may_post(self, mine: Member) -> None:
        """Raise Refusal if the account currently cannot post."""
        since = self.clock() - DAY
        if mine.banned:
            raise wrong(
                "spam_risk_user_banned_from_posting", "The user is banned from making new posts."
            )
        if len(_recent(mine, since)) >= self.posts_per_day:
            raise wrong(
                "spam_risk_too_many_posts",
                "The daily post cap from the API is reached for the current user.",
            )
        others = [
            one for one in self.members.values() if one is not mine and not self.is_audited(one)
        ]
        busy = [one for one in others if _recent(one, since)]
        if (
            not self.is_audited(mine)
            and not _recent(mine, since)
            and len(busy) >= self.people_per_day
        ):
            raise wrong(
                "reached_active_user_cap", "The daily quota for active publishing users is reached."
            )

    def is_audited(self, mine: Member) -> bool:
        """Return True if the account's app was audited."""
        return self.audited and mine.audited

    def listed(self, mine: Member, lag: float) -> list[Post]:
        """Return the public posts of an account, newest first, without those of the last `lag`
        seconds."""
        rows = [one for one in mine.made if one.public(self.clock() - timedelta(seconds=lag))]
        return sorted(rows, key=lambda one: one.at, reverse=True)


def _recent(member: Member, since: datetime) -> list[Post]:
    return [one for one in member.made if one.at > since]
