"""State of the fake Reddit: rules and rate limits for posts, and listings."""

import math
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.fakes.reddit.media import TYPES, Asset, MediaStore, socket
from tests.fakes.reddit.models import SCOPES, Member, Post, Subreddit
from tests.fakes.reddit.responses import SITE, address, listing, permalink, told_post
from tests.fakes.reddit.spec import (
    Json,
    ParsedRequest,
    PostErrors,
    bad_request,
    forbidden,
    not_found,
    number,
    truth,
)

__all__ = ["SCOPES", "Member", "Post", "RedditState", "Subreddit"]

LONGEST_TITLE, LONGEST_BODY, LONGEST_CAPTION, LONGEST_FLAIR, MOST_ROWS = 300, 40_000, 180, 64, 100
LEAST_ITEMS, MOST_ITEMS = 2, 20
KINDS = ("self", "link", "image", "video")
FILES = {"image": {"url": "image/"}, "video": {"url": "video/", "video_poster_url": "image/"}}
"""Parameters of a post that name files, with the type of each file."""
FORM = {
    *(
        "api_type",
        "kind",
        "sr",
        "title",
        "text",
        "url",
        "nsfw",
        "spoiler",
        "resubmit",
        "sendreplies",
        "raw_json",
    ),
    *(
        "flair_id",
        "flair_text",
        "validate_on_submit",
        "items",
        "show_error_list",
        "collection_id",
        "discussion_type",
    ),
    *("draft_id", "video_poster_url", "richtext_json", "extension", "app", "ad", "uh"),
}


@dataclass
class RedditState(MediaStore):
    """The complete state under one clock. Tests set its limits and faults as attributes."""

    members: dict[str, Member] = field(default_factory=dict)
    """Accounts by name."""
    places: dict[str, Subreddit] = field(default_factory=dict)
    """Subreddits by name in lower case, including the profile of every account."""
    lag: float = 0.0
    """Seconds for which a new post is missing from its author's list."""
    media_delay: float = 0.0
    """Seconds from the receipt of a picture or video to its post. 44 were recorded for a short
    video."""
    media_fails: bool = False
    """True if a post with a picture or video is accepted but never created."""
    limited_but_made: bool = False
    """True if the response to a created post also contains RATELIMIT."""
    filters: bool = False
    """True if new posts are removed immediately, which only their authors do not notice."""
    hides_nsfw: bool = False
    """True if adult posts are missing from all lists."""
    refuses_nsfw: bool = True
    """True if subreddits that are not for adults reject adult posts."""
    tidies: bool = False
    """True if whitespace around and within titles, and around bodies, is removed."""
    validation_status: int = 200
    """Status for a violation of a subreddit's requirements: 200 with a list of errors, or 400 with
    an explanation."""
    unknown: list[str] = field(default_factory=list)
    """Parameters of posts that Reddit does not know. It ignores them."""
    _numbers: int = 36**6

    def account(self, name: str, **state: Any) -> Member:
        """Create an account with a token and a profile to post to."""
        made = Member(
            1000 + len(self.members),
            name,
            f"token-{secrets.token_hex(12)}",
            self._now(),
            self.clock,
            **state,
        )
        self.members[name] = made
        self.subreddit(f"u_{name}", type="user", approved={name}, over18=made.over18)
        return made

    def subreddit(self, name: str, **state: Any) -> Subreddit:
        """Create a subreddit."""
        made = Subreddit(name, 5000 + len(self.places), self._now(), **state)
        self.places[name.lower()] = made
        return made

    def who(self, name: str) -> Member | None:
        """Return the account with this name, case-insensitive, or None."""
        return next(
            (one for one in self.members.values() if one.name.lower() == name.lower()), None
        )

    def place(self, mine: Member, name: str) -> Subreddit:
        """Return a subreddit that the account may view. Raise Refusal."""
        found = self.places.get(name.lower())
        if found is None or found.type == "banned":
            raise not_found("banned" if found else "")
        if found.type == "private" and mine.name not in found.approved:
            raise forbidden("private")
        return found

    # Posts

    def submit(self, mine: Member, asked: ParsedRequest) -> Json:
        """Create a post from a form and return `json.data`. Raise Refusal or PostErrors."""
        said = {**asked.query, **asked.form}
        self.unknown += sorted(set(said) - FORM)
        made = self._drafted(mine, said, said.get("kind", ""), KINDS)
        files = [
            self._file(mine, said, name, kind) for name, kind in FILES.get(made.kind, {}).items()
        ]
        made.media = [one.id for one in files]
        if made.kind == "link":
            made.url = said.get("url", "")
            self._link(made, again=truth(said.get("resubmit", "")))
        self._admitted(mine, made, said)
        if not files:
            self._take(mine, made)
            return {
                "url": SITE + permalink(made),
                "drafts_count": 0,
                "id": made.id,
                "name": made.name,
            }
        made.url = _where(files[0])
        made.at += timedelta(seconds=self.media_delay)
        if all(one.shows for one in files) and not self.media_fails:
            self._take(mine, made)
        return {
            "user_submitted_page": f"{SITE}/user/{mine.name}/submitted/",
            "websocket_url": socket(files[0]),
        }

    def _file(self, mine: Member, said: Mapping[str, str], name: str, kind: str) -> Asset:
        """Return the file that a form names. Raise PostErrors."""
        found = self.at_address(mine.name, said.get(name, ""))
        if found is None or not found.mime.startswith(kind):
            raise PostErrors("BAD_URL", "you should check that url", name)
        return found

    def gallery(self, mine: Member, said: Mapping[str, Any]) -> Json:
        """Create a gallery from a JSON body. Its `id` is a fullname. Raise Refusal or PostErrors."""
        self.unknown += sorted(set(said) - FORM)
        made = self._drafted(mine, said, "gallery", ("gallery",))
        items = said.get("items")
        if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
            raise bad_request()
        if not LEAST_ITEMS <= len(items) <= MOST_ITEMS:
            raise PostErrors(
                "BAD_GALLERY", f"a gallery has {LEAST_ITEMS} to {MOST_ITEMS} items", "items"
            )
        for item in items:
            found = self.uploaded(mine.name, item.get("media_id"))
            if found is None or not found.mime.startswith("image/"):
                raise PostErrors("INVALID_MEDIA", "some media were not found", "items")
            if len(item.get("caption", "")) > LONGEST_CAPTION:
                raise PostErrors(
                    "TOO_LONG", f"this is too long (max: {LONGEST_CAPTION})", "caption"
                )
            made.media.append(found.id)
            made.captions.append((item.get("caption", ""), item.get("outbound_url", "")))
        self._admitted(mine, made, said)
        self._take(mine, made)
        return {"url": SITE + permalink(made), "id": made.name}

    def _drafted(
        self, mine: Member, said: Mapping[str, Any], kind: str, kinds: tuple[str, ...]
    ) -> Post:
        """Return a post with valid fields and a valid subreddit. Raise PostErrors."""
        title, body = str(said.get("title") or ""), str(said.get("text") or "")
        if self.tidies:
            title, body = " ".join(title.split()), body.strip()
        if not said.get("sr"):
            raise PostErrors("SUBREDDIT_REQUIRED", "you must specify a subreddit", "sr")
        place = self.places.get(str(said["sr"]).lower().removeprefix("r/"))
        if place is None or place.type == "banned":
            raise PostErrors("SUBREDDIT_NOEXIST", "that subreddit doesn't exist", "sr")
        outside = place.type != "public" and mine.name not in place.approved
        if outside or mine.is_banned(place):
            raise PostErrors("SUBREDDIT_NOTALLOWED", "you aren't allowed to post there.", "sr")
        if kind not in kinds:
            raise PostErrors("INVALID_OPTION", "that option is not valid", "kind")
        if not title.strip():
            raise PostErrors("NO_TEXT", "we need something here", "title")
        for label, text, most in (("title", title, LONGEST_TITLE), ("text", body, LONGEST_BODY)):
            if len(text) > most:
                raise PostErrors("TOO_LONG", f"this is too long (max: {most})", label)
        nsfw, spoiler = truth(said.get("nsfw", "")), truth(said.get("spoiler", ""))
        made = Post(
            self._next(),
            mine.name,
            place,
            kind,
            title,
            body,
            self.clock(),
            nsfw=nsfw,
            spoiler=spoiler,
        )
        made.removed = "automod_filtered" if self.filters else None
        return made

    def _admitted(self, mine: Member, made: Post, said: Mapping[str, Any]) -> None:
        """Check that the subreddit currently accepts the post. Raise Refusal or PostErrors."""
        place = made.place
        if made.kind == "self" and place.submission_type == "link":
            raise PostErrors("NO_SELFS", "that subreddit doesn't allow text posts", "sr")
        if made.kind != "self" and place.submission_type == "self":
            raise PostErrors("NO_LINKS", "that subreddit only allows text posts", "sr")
        if made.kind == "image" and not place.allow_images:
            raise PostErrors("NO_IMAGES", "this community doesn't allow images", "sr")
        if made.kind == "video" and not place.allow_videos:
            raise PostErrors("NO_VIDEOS", "this community doesn't allow videos", "sr")
        if made.kind == "gallery" and not place.allow_galleries:
            raise PostErrors(
                "GALLERIES_DISABLED", "Gallery posts aren't allowed in this subreddit", "sr"
            )
        if made.nsfw and not place.over18 and self.refuses_nsfw:
            raise PostErrors("SUBMIT_VALIDATION_NSFW", "NSFW content is not allowed here", "nsfw")
        made.nsfw |= place.over18 and place.type != "user"
        self._flaired(made, said)
        self._required(made)
        self._paced(mine, made)

    def _flaired(self, made: Post, said: Mapping[str, Any]) -> None:
        """Apply the selected flair. Raise Refusal or PostErrors."""
        chosen, words = str(said.get("flair_id") or ""), str(said.get("flair_text") or "")
        if not chosen and words:
            raise bad_request()  # Observed on the real API: a text without an id is not a flair.
        found = next((one for one in made.place.flairs if one["id"] == chosen), None)
        if chosen and (found is None or found.get("mod_only")):
            raise PostErrors("BAD_FLAIR_TEMPLATE_ID", "invalid flair template id", "flair")
        if len(words) > LONGEST_FLAIR:
            raise PostErrors("TOO_LONG", f"this is too long (max: {LONGEST_FLAIR})", "flair_text")
        if found is not None:
            made.flair_id = chosen
            made.flair_text = (
                words if words and found.get("text_editable") else found.get("text", "")
            )

    def _required(self, made: Post) -> None:
        """Raise all violations of the subreddit's requirements as Refusal or PostErrors."""
        wrong = list(_against(made))
        if not wrong:
            return
        code, why, about = wrong[0]
        if self.validation_status == 400:
            raise bad_request(
                fields=[about], explanation=why, error_type="SUBMIT_VALIDATION_ERROR", reason=code
            )
        told = PostErrors(code, why, about)
        told.errors = [list(each) for each in wrong]
        raise told

    def _link(self, made: Post, *, again: bool) -> None:
        """Check that a link is valid and new in its subreddit. Raise PostErrors."""
        if not made.url:
            raise PostErrors("NO_URL", "a url is required", "url")
        if not made.url.startswith(("http://", "https://")) or " " in made.url:
            raise PostErrors("BAD_URL", "you should check that url", "url")
        others = (one for member in self.members.values() for one in member.posts.values())
        if not again and any(one.url == made.url and one.place is made.place for one in others):
            raise PostErrors("ALREADY_SUB", "that link has already been submitted", "url")

    def _paced(self, mine: Member, made: Post) -> None:
        """Check that the account may currently post. Raise PostErrors."""
        if mine.quota_filled:
            told = "You've submitted too many links recently. Please try again in an hour."
            raise PostErrors("QUOTA_FILLED", told, None)
        now, every = self.clock(), made.place.posting_every
        before = [min(one.at, now) for one in mine.made.values() if one.place is made.place]
        left = every - (now - max(before)).total_seconds() if before and every else 0.0
        if left > 0:
            raise limited(left)

    def _take(self, mine: Member, made: Post) -> None:
        mine.made[made.name] = made
        mine.taken.append((made.name, made.text))

    # Listings

    def post(self, name: str) -> Post | None:
        """Return an existing post by fullname, or None."""
        found = next(
            (member.made[name] for member in self.members.values() if name in member.made), None
        )
        return found if found and found.at <= self.clock() else None

    def submitted(self, mine: Member, name: str, query: Mapping[str, str], lag: float) -> Json:
        """Return a page of an account's posts, newest first, without those of the last `lag`
        seconds.

        Raise Refusal.
        """
        whose = self.who(name)
        if whose is None:
            raise not_found()
        if whose.suspended:
            raise forbidden()
        until = self.clock() - timedelta(seconds=max(lag, self.lag))
        rows = [
            one
            for one in whose.posts.values()
            if one.at <= until and (whose is mine or not one.removed)
        ]
        rows = [one for one in reversed(rows) if not (self.hides_nsfw and one.nsfw)]
        names, after = [one.name for one in rows], query.get("after", "")
        begin = names.index(after) + 1 if after in names else 0
        end = begin + number(query.get("limit", ""), 25, MOST_ROWS)
        return listing(
            [told_post(one) for one in rows[begin:end]], names[end - 1] if end < len(rows) else None
        )

    def info(self, query: Mapping[str, str]) -> Json:
        """Return posts by fullname or by link. Deleted ones have no author and body."""
        if "url" in query:
            every = [one for member in self.members.values() for one in member.posts.values()]
            found = [one for one in every if address(one) == query["url"]]
        else:
            names = query.get("id", "").split(",")[:MOST_ROWS]
            found = [one for one in map(self.post, names) if one is not None]
        return listing([told_post(one) for one in found if not (self.hides_nsfw and one.nsfw)])

    def delete(self, mine: Member, name: str) -> None:
        """Delete a post of the account. Any other ID is ignored."""
        found = mine.posts.get(name)
        if found is not None:
            found.deleted = True

    def reword(self, mine: Member, name: str, text: str) -> Post:
        """Change the body of a text post of the account. Raise Refusal or PostErrors."""
        found = mine.posts.get(name)
        if found is None or found.deleted:
            raise forbidden()
        if not found.is_self:
            raise PostErrors("NOT_AUTHOR", "you can't do that", "thing_id")
        if not text.strip():
            raise PostErrors("NO_TEXT", "we need something here", "text")
        if len(text) > 40_000:
            raise PostErrors("TOO_LONG", "this is too long (max: 40000)", "text")
        found.body, found.edited = text.strip(), self._now()
        return found

    def mark(self, mine: Member, name: str) -> None:
        """Mark a post of the account as adult. Raise Refusal."""
        found = mine.posts.get(name)
        if found is None:
            raise forbidden()
        found.nsfw = True

    def _now(self) -> float:
        return float(int(self.clock().timestamp()))

    def _next(self) -> int:
        self._numbers += 1 + secrets.randbelow(1000)
        return self._numbers


def _where(shown: Asset) -> str:
    """Return the public URL of a file."""
    return (
        f"https://v.redd.it/{shown.id}"
        if shown.is_film
        else f"https://i.redd.it/{shown.id}.{TYPES[shown.mime]}"
    )


def _against(made: Post) -> Iterator[tuple[str, str, str]]:
    """Yield the code, message and field of each violation of the subreddit's requirements."""
    place, title = made.place, made.title
    if place.flair_required and not made.flair_id:
        yield "SUBMIT_VALIDATION_FLAIR_REQUIRED", "Your post must contain post flair.", "flair"
    if place.title_min is not None and len(title) < place.title_min:
        told = f"You must have at least {place.title_min} characters in your title."
        yield "SUBMIT_VALIDATION_MIN_LENGTH", told, "title"
    if place.title_max is not None and len(title) > place.title_max:
        told = f"You may have at most {place.title_max} characters in your title."
        yield "SUBMIT_VALIDATION_MAX_LENGTH", told, "title"
    if place.title_required and not any(each in title for each in place.title_required):
        told = f"You must have {' or '.join(place.title_required)} somewhere in your title."
        yield "SUBMIT_VALIDATION_TITLE_REQUIREMENT", told, "title"
    for each in place.title_refused:
        if each in title:
            told = f'You may not have "{each}" in your title.'
            yield "SUBMIT_VALIDATION_TITLE_BLACKLISTED_STRING", told, "title"
    if place.body_policy == "required" and made.is_self and not made.body:
        yield "SUBMIT_VALIDATION_BODY_REQUIRED", "Your post must contain body text.", "body"
    if place.body_policy == "notAllowed" and made.body:
        yield "SUBMIT_VALIDATION_BODY_NOT_ALLOWED", "Your post may not contain body text.", "body"


def limited(left: float) -> PostErrors:
    """Return the rate limit error, in whole minutes from one minute on."""
    many = math.ceil(left / 60) if left >= 60 else max(1, math.ceil(left))
    unit = "minute" if left >= 60 else "second"
    told = (
        f"Looks like you've been doing that a lot. Take a break for {many} "
        f"{unit}{'s' if many > 1 else ''}"
    )
    return PostErrors("RATELIMIT", f"{told} before trying again.", "ratelimit", ratelimit=left)
