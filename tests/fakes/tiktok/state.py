"""Accounts and posts of the fake TikTok, and what an account may choose among.

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
"""What an account's own token may do."""
EVERYBODY, FOLLOWERS, FRIENDS, NOBODY = (
    "PUBLIC_TO_EVERYONE",
    "FOLLOWER_OF_CREATOR",
    "MUTUAL_FOLLOW_FRIENDS",
    "SELF_ONLY",
)
SHOWN = 150
"""Characters of a title that the video object tells."""


class App(oauth_server.App):
    """An application as its developer set it up at TikTok."""

    client_key = property(attrgetter("client_id"))
    client_secret = property(attrgetter("secret"))


@dataclass
class Post:
    """A film that all of came, and that did not fail. `data` is the sha256 of its file, `size` in
    bytes."""

    id: str
    publish_id: str
    owner: "Member" = field(repr=False)
    at: datetime
    """When the work on it ended, and it stood there."""
    told_at: datetime
    """When its moderation ended: before that, nobody is told of it, though its readers see it."""
    data: str
    size: int
    title: str
    privacy: str
    ai: bool = False
    paid: bool = False
    """Whether it was marked as a paid partnership."""
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
        """Whether its readers find it."""
        return self.at <= now and not self.taken_down

    def public(self, now: datetime) -> bool:
        """Whether the API tells of it: it is for everybody, and moderated."""
        return self.privacy == EVERYBODY and self.stands(now) and self.told_at <= now

    def told(self) -> Json:
        """All that may be asked of it."""
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
    """An account on TikTok. `open_id` is how applications know it."""

    username: str
    token: str
    open_id: str
    display_name: str
    since: datetime
    clock: Callable[[], datetime] = field(repr=False)
    scopes: tuple[str, ...] = SCOPES
    private: bool = False
    audited: bool = True
    """Whether the application it posts through was audited by TikTok; the world's own `audited` has
    to say so too."""
    banned: bool = False
    comment_disabled: bool = False
    duet_disabled: bool = False
    stitch_disabled: bool = False
    max_seconds: int = 600
    """How long a film of its may be."""
    followers: int = 0
    made: list[Post] = field(default_factory=list)
    """All that came of its uploads, what is still worked through and what was taken down too."""
    consulted: datetime | None = None
    """When somebody asked last what it may choose among."""

    @property
    def posts(self) -> dict[str, Post]:
        """Those that stand now, for whomever, by their ids."""
        return {one.id: one for one in self.made if one.stands(self.clock())}

    @property
    def taken(self) -> list[tuple[str, str]]:
        """Id and title of everything that ever stood there, twice if it was published twice."""
        return [(one.id, one.title) for one in self.made if one.at <= self.clock()]

    @property
    def options(self) -> list[str]:
        """Who may see a post of its, to choose among."""
        return [FOLLOWERS if self.private else EVERYBODY, FRIENDS, NOBODY]

    def told(self) -> dict[str, tuple[str, Any]]:
        """All that may be asked of it, each with the scope it needs."""
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
        """Where its picture lies."""
        return f"https://p16-sign.tiktokcdn-us.com/{self.username}.jpeg"


@dataclass
class TikTokState(Limits):
    """All of it, under one clock. Its limits and its bad habits are attributes that tests set."""

    members: dict[str, Member] = field(default_factory=dict)
    """By their usernames."""
    named: dict[str, str] = field(default_factory=dict)
    """The `publish_id` that a film became, by the sha256 of its file: the newest of each."""
    audited: bool = True
    """Whether TikTok audited the applications: without that, posts are for nobody, on private
    accounts alone."""
    processing_seconds: float = 0.0
    """Work on a film after its last byte."""
    moderation_seconds: float = 0.0
    """How much longer it takes until the id of a public post is told."""
    failing: list[str] = field(default_factory=list)
    """Why the next films fail, in order."""
    tells_early: bool = True
    """Whether the question what an account may choose among tells already that it may not post,
    under status 200."""
    broken: list[str] = field(default_factory=list)
    """Rules of the protocol that somebody broke: a client that keeps to it adds nothing here."""

    def account(self, name: str, **state: Any) -> Member:
        """A new account with a token of its own, which has no end."""
        token, open_id = f"act.{secrets.token_urlsafe(32)}", f"-000{secrets.token_urlsafe(24)}"
        fixed = {"display_name": name.title(), "since": self.clock(), "clock": self.clock}
        made = Member(name, token, open_id, **{**fixed, **state})
        self.members[name] = made
        return made

    def who(self, name: str) -> Member | None:
        """Who has this name."""
        return self.members.get(name)

    def fails(self, reason: str) -> None:
        """The next film to come is refused in the end: `internal`, `duration_check_failed`,
        `spam_risk_text` …"""
        self.failing.append(reason)

    def takes_down(self, member: Member, post_id: str | int) -> None:
        """A person removes a post of theirs in the app. Raises KeyError."""
        member.posts[str(post_id)].taken_down = True

    def breach(self, message: str) -> Refusal:
        """The refusal of a request that is wrong in itself; it is kept."""
        self.broken.append(message)
        return wrong("invalid_params", message)

    def creator_info(self, mine: Member) -> Json:
        """What an account may choose among just now. Raises Refusal."""
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
        """Whether an account may post at all now. Raises Refusal."""
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
        """Whether the application that an account posts through was audited."""
        return self.audited and mine.audited

    def listed(self, mine: Member, lag: float) -> list[Post]:
        """Public posts of an account, newest first, without those of the last `lag` seconds."""
        rows = [one for one in mine.made if one.public(self.clock() - timedelta(seconds=lag))]
        return sorted(rows, key=lambda one: one.at, reverse=True)


def _recent(member: Member, since: datetime) -> list[Post]:
    return [one for one in member.made if one.at > since]
