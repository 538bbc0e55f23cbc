"""State of the fake Threads: profiles with their posts, replies and mentions, and quotas."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tests.fakes.meta.fetched_media import GraphApiError

SCOPES = frozenset(
    {"threads_basic", "threads_content_publish", "threads_delete", "threads_manage_insights"}
    | {"threads_read_replies", "threads_manage_replies", "threads_manage_mentions"}
)
"""https://developers.facebook.com/docs/threads/get-started, and its /posts/delete-posts,
/threads-mentions"""

DAY = timedelta(hours=24)
FIELDS = frozenset(
    {
        "id",
        "media_product_type",
        "media_type",
        "permalink",
        "username",
        "text",
        "timestamp",
        "shortcode",
        "alt_text",
    }
    | {
        "has_replies",
        "root_post",
        "replied_to",
        "is_reply",
        "is_reply_owned_by_me",
        "hide_status",
        "is_quote_post",
    }
    | {"children"}
)
_ids = count(18_000_000_000_001)


def number() -> str:
    """Return the next ID."""
    return str(next(_ids))


def not_known(what: str) -> GraphApiError:
    """Return the error for a missing container or post."""
    return GraphApiError(
        24, 4279009, message=f"The requested resource does not exist: {what} cannot be found"
    )


@dataclass
class ThreadsPost:
    """A post or reply of any user."""

    id: str
    username: str
    text: str
    at: datetime
    kind: str = "TEXT_POST"
    under: str = ""
    root: str = ""
    own: bool = False
    files: tuple[bytes, ...] = ()
    alts: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()
    """IDs of the items of a carousel."""
    hidden: bool = False
    deleted: bool = False


@dataclass
class Container:
    """A container from which a post is created."""

    id: str
    told: dict[str, Any]
    at: datetime
    files: tuple[bytes, ...] = ()
    """Empty for a video that was not fetched yet."""
    alts: tuple[str, ...] = ()
    polls: int = 0
    published: bool = False
    failed: str = ""
    """Error code of the platform, or ""."""

    @property
    def film(self) -> str:
        """URL of the video."""
        return str(self.told.get("video_url", ""))


@dataclass
class Profile:
    """An account with its token, permissions and conversations."""

    id: str
    username: str
    token: str
    clock: Callable[[], datetime]
    rights: frozenset[str] = SCOPES
    followers: int = 0
    quota: int = 250
    reply_quota: int = 1000
    deletes: list[datetime] = field(default_factory=list)
    containers: dict[str, Container] = field(default_factory=dict)
    every: dict[str, ThreadsPost] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    """Fetched URLs, in order."""

    def may(self, right: str) -> None:
        """Raise GraphApiError if the token lacks a permission."""
        if right not in self.rights:
            raise GraphApiError(
                10, message=f"(#10) Application does not have permission for this action: {right}"
            )

    def standing(self, native_id: str) -> ThreadsPost:
        """Return an existing post. Raise GraphApiError."""
        found = self.every.get(native_id)
        if found is None or found.deleted:
            raise not_known(native_id)
        return found

    def put(self, made: Container, kind: str) -> ThreadsPost:
        """Publish the content of a container. Raise GraphApiError if the daily quota is exceeded."""
        under = str(made.told.get("reply_to_id", ""))
        mine = [one for one in self.every.values() if one.own and self.clock() - one.at < DAY]
        most = self.reply_quota if under else self.quota
        if sum(bool(one.under) == bool(under) for one in mine) >= most:
            raise GraphApiError(
                4, 2207042, message="Application request limit reached: too many posts in 24 hours"
            )
        made.published = True
        return self._keep(str(made.told.get("text", "")).strip(), self.username, under, kind, made)

    def say(self, text: str, under: str = "", *, by: str = "ann") -> ThreadsPost:
        """Add a post or reply of another user."""
        return self._keep(text, by, under, "TEXT_POST")

    def _keep(
        self, text: str, username: str, under: str, kind: str, made: Container | None = None
    ) -> ThreadsPost:
        above = self.every.get(under)
        root = (above.root or above.id) if above is not None else ""
        files, alts = (made.files, made.alts) if made is not None else ((), ())
        own = username == self.username
        inner = tuple(number() for _ in files) if kind == "CAROUSEL_ALBUM" else ()
        said = ThreadsPost(
            number(), username, text, self.clock(), kind, under, root, own, files, alts, inner
        )
        self.every[said.id] = said
        return said

    def delete(self, native_id: str) -> dict[str, Any]:
        """Delete a post of the account, at most a hundred a day. Raise GraphApiError."""
        self.may("threads_delete")
        found = self.standing(native_id)
        if not found.own:
            raise GraphApiError(100, 33, message="Unsupported delete request")
        self.deletes = [at for at in self.deletes if self.clock() - at < DAY] + [self.clock()]
        if len(self.deletes) > 100:
            raise GraphApiError(17, message="User request limit reached: deletes")
        found.deleted = True
        return {"success": True, "deleted_id": native_id}

    def hide(self, native_id: str, wanted: object) -> dict[str, Any]:
        """Hide or show a top-level reply to a post of the account. Raise GraphApiError."""
        self.may("threads_manage_replies")
        found = self.standing(native_id)
        above = self.every.get(found.under)
        if found.own or above is None or not above.own or above.under:
            raise GraphApiError(100, message="(#100) Only top-level replies can be hidden")
        if not isinstance(wanted, bool) and wanted not in ("true", "false"):
            raise GraphApiError(100, message="(#100) The parameter hide is required")
        found.hidden = wanted in (True, "true")
        return {"success": True}

    def listed(self, rows: list[ThreadsPost], told: dict[str, Any]) -> dict[str, Any]:
        """Return a page of posts, newest first. Raise GraphApiError."""
        fields = set(str(told.get("fields", "id")).split(",")) | {"id"}
        if not fields <= FIELDS:
            raise GraphApiError(
                100, message=f"(#100) Tried accessing nonexisting field ({min(fields - FIELDS)})"
            )
        most, after = min(int(str(told.get("limit", 25))), 100), str(told.get("after", ""))
        ordered = sorted(
            (one for one in rows if not one.deleted), key=lambda one: (one.at, one.id), reverse=True
        )
        start = next((place + 1 for place, one in enumerate(ordered) if f"QVF{one.id}" == after), 0)
        shown = ordered[start : start + most]
        cursors = {"before": f"QVF{shown[0].id}", "after": f"QVF{shown[-1].id}"} if shown else {}
        data = [
            {name: value for name, value in self.told(one).items() if name in fields}
            for one in shown
        ]
        return {"data": data, **({"paging": {"cursors": cursors}} if cursors else {})}

    def told(self, one: ThreadsPost) -> dict[str, Any]:
        """Return all fields of a post."""
        below = any(each.under == one.id and not each.deleted for each in self.every.values())
        reply = (
            {"root_post": {"id": one.root}, "replied_to": {"id": one.under}} if one.under else {}
        )
        return {
            "id": one.id,
            "media_product_type": "THREADS",
            "media_type": one.kind,
            "permalink": f"https://www.threads.net/@{one.username}/post/{one.id}",
            "username": one.username,
            **({"text": one.text} if one.text else {}),
            **({"children": {"data": [{"id": each} for each in one.inner]}} if one.inner else {}),
            "timestamp": one.at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "has_replies": below,
            "is_reply": bool(one.under),
            "is_reply_owned_by_me": bool(one.under) and one.own,
            "hide_status": "HIDDEN" if one.hidden else "NOT_HUSHED",
            **reply,
        }

    def below(self, root: str) -> list[ThreadsPost]:
        """Return all replies to a post, at any depth."""
        found = [one for one in self.every.values() if one.under == root]
        return [*found, *(deeper for one in found for deeper in self.below(one.id))]
