"""A stateful X (API v2) over HTTP with injected faults, which validates requests against X's
published description.

One origin serves everything: the authorization page, the token endpoint and the API under `/2`. It
reproduces behaviour of the real platform that clients often get wrong: bodies are strict, codes are
valid for half a minute, refresh tokens can be used once, media expire and belong to one account,
the length of text is weighted, text is returned escaped and with short links, the same text is
rejected for a day, missing posts return 200, windows are in Unix seconds, and an account without
credits receives 402.

The following is unverified; clients must not rely on it:

- The latest description has `post.fields`, `referenced_posts` (an expansion only),
  `edit_history_post_ids` and `repost_count`; clients and most documentation have `tweet.fields`,
  `referenced_tweets`, `edit_history_tweet_ids` and `retweet_count`. `names` selects the accepted
  ones: both, or only the new or the old ones.
- Deleting a missing post returns `deleted: true`; deleting another account's post returns 403.
  `missing_delete = 404` changes the first.
- Texts and types of errors are those that other projects report (402 `credits`, duplicates, media
  IDs, replies); the 403 for a text that is too long and for locked and suspended accounts, and
  their texts, are assumed.
- Text is normalized and trimmed; duplicates are detected by text only, including deleted posts,
  before the media are checked; a picture can be used in one post (`media_again` changes it); the
  accepted metadata besides alt text and warning.
- Entity positions count characters of the displayed text; the text of a reply starts with the names
  of those it replies to; a start time in the future returns an empty page; windows start with the
  first request; the limits of reads.
- A refresh does not end the previous access token (`ends_access`); revoking one token of a pair
  ends both.

Not covered: X's processing of pictures, spam rules across accounts, other users' views, polls,
quotes, edits, webhooks and OAuth 1.0a. Videos are in `uploads`, replies and messages in `comments`
and `chats`. An account's own token (`member.token`) does not expire; tokens obtained with codes are
valid for two hours.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.conformance.fake_servers import AdjustableClock, serve_app
from foundation.ops.fault_injection import FaultBook, FaultyNetwork, PlatformCall
from tests.fakes.oauth_server import SignIn, Token
from tests.fakes.x import text_rules
from tests.fakes.x.billing import Bills
from tests.fakes.x.chats import Chats, kind_of
from tests.fakes.x.limits import Limits, counted
from tests.fakes.x.oauth import OAuth
from tests.fakes.x.spec import FORM, JSON, MULTIPART, ParsedRequest, Spec, load_description, read
from tests.fakes.x.state import (
    FILM,
    Json,
    Member,
    Post,
    Refusal,
    forbidden,
    invalid,
    not_found,
    problem,
    stamp,
)
from tests.fakes.x.uploads import bytes_of

READ, WRITE, MEDIA = (
    ("tweet.read", "users.read"),
    ("tweet.read", "tweet.write", "users.read"),
    ("media.write",),
)
MODERATE = ("tweet.read", "tweet.moderate.write", "users.read")
HEAR, SAY = ("dm.read", *READ), ("dm.write", *READ)
NEEDED = {
    "moderation": MODERATE,
    "posts": WRITE,
    "deletes": WRITE,
    "files": MEDIA,
    "polls": MEDIA,
    "metadata": MEDIA,
}
NEEDED |= {"messages": SAY, "chats": HEAR, "talks": HEAR, "withdrawals": ("dm.read", "dm.write")}
MEDIA_TYPES = {"tweet_image": "photo", FILM: "video", "tweet_gif": "animated_gif"}
STATES = {
    "suspended": ("The user used for authentication is suspended", "user-suspended"),
    "locked": (
        "To protect our users from spam and other malicious activity, this account is temporarily "
        "locked."
        " Please log in to https://x.com to unlock your account.",
        "about:blank",
    ),
}


@dataclass
class FakeX(Chats, SignIn):
    """The state of X. Tests create accounts and apps, adjust the clock, request faults from `book`,
    and inspect the content."""

    spec: Spec = field(default_factory=lambda: Spec(None))
    names: str = "both"
    """Accepted field names: both, new or old."""
    bill: Bills = field(default_factory=Bills)
    out_of_credits: bool = False
    """True if the developer has no credits: requests with a cost return 402."""
    unknown_tokens: int = 0
    """Number of next requests with a valid token that return 403 because the user cannot be
    determined."""
    missing_delete: int = 200
    """Status of the deletion of a missing post: 200 or 404."""
    book: FaultBook = field(init=False)
    oauth: OAuth = field(init=False)
    limits: Limits = field(init=False)

    def __post_init__(self) -> None:
        self.book = FaultBook(clock=self.clock)
        self.oauth = OAuth(self)
        self.limits = Limits(self.clock)

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        body = await request.body()
        headers: dict[str, str] = {}
        try:
            asked = read(request, body)
            if asked.parts == ["i", "oauth2", "authorize"]:
                return self.oauth.show_page(asked.query)
            if asked.parts[:2] == ["2", "oauth2"]:
                return JSONResponse(self._tokens(asked), 200, {"cache-control": "no-store"})
            self.let_in(asked.parts, len(body))
            known, kind = self._known(asked), _kind(asked.method, asked.parts)
            headers = self.limits.ask(known.member.id, known.client_id, counted(kind, asked.parts))
            self._allowed(known, kind)
            self._judge(asked)
            status, told = self._route(asked, known.member)
            self._check(asked, status, told)
            made = known.member.posts.get(told["data"]["id"]) if kind == "posts" else None
            urls = self._text(made)[1] if made is not None else []
            self.bill.add(known.member.id, self.clock(), (asked.method, asked.parts), told, urls)
        except Refusal as refusal:
            headers |= refusal.headers
            return (
                JSONResponse(refusal.body, refusal.status, headers)
                if refusal.body
                else Response("", refusal.status)
            )
        return JSONResponse(told, status, headers)

    def _tokens(self, asked: ParsedRequest) -> Json:
        if asked.method != "POST" or asked.parts[2:] not in (["token"], ["revoke"]):
            raise Refusal(404, problem(404, "Not Found"))
        if asked.kind != FORM or asked.query:
            raise self.oauth.make_error("grant_type.missing")
        act = self.oauth.exchange if asked.parts[2] == "token" else self.oauth.revoke
        return act(asked.said, asked.header)

    def _known(self, asked: ParsedRequest) -> Token:
        """Return the token of a request. Raise Refusal."""
        known = self.oauth.find_bearer(asked.header)
        if known is None:
            raise Refusal(401, problem(401, "Unauthorized"))
        if self.unknown_tokens > 0:
            self.unknown_tokens -= 1
            detail = "Authenticating with Unknown is forbidden for this endpoint."
            raise Refusal(
                403,
                problem(403, "Unsupported Authentication", detail, "unsupported-authentication"),
            )
        return known

    def _allowed(self, known: Token, kind: str) -> None:
        """Raise Refusal if the token may not perform this kind of request."""
        if not set(NEEDED.get(kind, READ)) <= set(known.scopes):
            raise forbidden()
        if known.member.state in STATES:
            raise forbidden(*STATES[known.member.state])
        if self.out_of_credits:
            detail = "Your enrolled account [1] does not have any credits to fulfill this request."
            raise Refusal(402, problem(402, "CreditsDepleted", detail, "credits"))

    def _judge(self, asked: ParsedRequest) -> None:
        """Validate the request. Raise Refusal."""
        if self.names == "old" and "post.fields" in asked.query:
            raise invalid("The query parameter [post.fields] is not one of those known.")
        judged = (
            asked.said | dict.fromkeys(asked.files, "") if asked.kind == MULTIPART else asked.said
        )
        older = self.names != "new"
        trouble = self.spec.judge(
            asked.method, asked.path, asked.pairs, asked.kind, judged, older=older
        )
        if trouble == "no such path":
            raise Refusal(404, problem(404, "Not Found"))
        if trouble:
            raise invalid(trouble)

    def _check(self, asked: ParsedRequest, status: int, told: Json) -> None:
        """Check the response. A violation is an error of this fake."""
        older = self.names == "old" or (
            self.failure_inside and asked.parts[1:] == ["media", "upload"]
        )
        if not older:  # No available description contains the older names.
            self.spec.check_answer(asked.method, asked.path, status, told)

    def _route(self, asked: ParsedRequest, mine: Member) -> tuple[int, Json]:
        """Return the status and JSON. Raise Refusal."""
        match asked.method, asked.parts[1:] if asked.parts[0] == "2" else []:
            case "GET", ["users", "me"]:
                return 200, {"data": self._person(mine, asked.listed("user.fields"))}
            case "GET", ["users", owner, "tweets" | "mentions"]:
                return 200, self._timeline(asked, owner)
            case "PUT", ["tweets", post, "hidden"]:
                return 200, self.hide(mine, post, _object(asked, JSON))
            case "GET", ["tweets"]:
                return 200, self._several(asked)
            case "GET", ["tweets", post]:
                found = self.seen(post)
                told = (
                    self._shown(asked, [found])
                    if found
                    else {"errors": [not_found("tweet", "id", post)]}
                )
                return 200, told | ({"data": told["data"][0]} if found else {})
            case "DELETE", ["tweets", post]:
                if self.missing_delete == 404 and self.seen(post) is None:
                    raise Refusal(
                        404,
                        problem(404, "Not Found Error", f"Could not find tweet with id: [{post}]."),
                    )
                self.delete(mine, post)
                return 200, {"data": {"deleted": True}}
            case "POST", ["tweets"]:
                made = self.post(mine, _object(asked, JSON))
                text, _ = self._text(made)
                return 201, {"data": {"id": made.id, "text": text} | self._history(made)}
            case "POST", ["media", "upload"]:
                return 200, {"data": self._uploaded(asked, mine)}
            case _, ["media", "upload", *_]:
                return 200, self.in_segments(asked, mine)
            case "POST", ["media", "metadata"]:
                said = _object(asked, JSON)
                return 200, {
                    "data": {"associated_metadata": self.describe(mine, said), "id": said["id"]}
                }
            case _:
                return self.chatted(
                    asked, mine, self.clock() - timedelta(seconds=self.book.lag_seconds(""))
                )

    def _uploaded(self, asked: ParsedRequest, mine: Member) -> Json:
        said = _object(asked, JSON, MULTIPART)
        data = bytes_of(asked)
        made = self.upload(mine, str(said.get("media_category", "")), data)
        told = {"id": made.id, "media_key": made.key, "size": len(data)}
        image = {"image_type": made.mime, "w": made.size[0], "h": made.size[1]}
        return told | {"expires_after_secs": int(self.media_live.total_seconds()), "image": image}

    def _timeline(self, asked: ParsedRequest, owner_id: str) -> Json:
        owner = self.members.get(owner_id)
        if owner is None or owner.state == "suspended":
            return {"errors": [not_found("user", "id", owner_id)]}
        posts = self.mentions(owner) if asked.parts[-1] == "mentions" else owner.posts.values()
        page, after = self.listed(
            posts, asked.query, self.clock() - timedelta(seconds=self.book.lag_seconds(""))
        )
        meta: Json = {"result_count": len(page)} | ({"next_token": after} if after else {})
        if not page:
            return {"meta": meta}
        return self._shown(asked, page) | {
            "meta": meta | {"newest_id": page[0].id, "oldest_id": page[-1].id}
        }

    def _several(self, asked: ParsedRequest) -> Json:
        wanted = asked.query.get("ids", "").split(",")
        if not 1 <= len(wanted) <= 100 or not all(
            each.isascii() and each.isdecimal() for each in wanted
        ):
            raise invalid("There are 1 to 100 ids.", ids=asked.query.get("ids", "")[:40])
        found = [post for post in map(self.seen, dict.fromkeys(wanted)) if post]
        gone = [
            not_found("tweet", "ids", each)
            for each in dict.fromkeys(wanted)
            if self.seen(each) is None
        ]
        return (self._shown(asked, found) if found else {}) | ({"errors": gone} if gone else {})

    def _shown(self, asked: ParsedRequest, posts: list[Post]) -> Json:
        """Return posts with the requested fields and expansions."""
        expanded = asked.listed("expansions")
        wanted = asked.listed("post.fields", "tweet.fields") | expanded
        includes: Json = {}
        if "author_id" in expanded:
            owners = [self.members[each] for each in dict.fromkeys(post.member for post in posts)]
            includes["users"] = [self._person(one, asked.listed("user.fields")) for one in owners]
        media = (
            [medium for post in posts for medium in post.media]
            if "attachments.media_keys" in expanded
            else []
        )
        if media:
            fields = asked.listed("media.fields")
            told = [
                {"alt_text": one.alt_text, "width": one.size[0], "height": one.size[1]}
                for one in media
            ]
            includes["media"] = [
                {"media_key": one.key, "type": MEDIA_TYPES[one.category]}
                | {name: value for name, value in each.items() if name in fields and value}
                for one, each in zip(media, told, strict=True)
            ]
        data = [self._post(post, wanted) for post in posts]
        return {"data": data} | ({"includes": includes} if includes else {})

    def _post(self, post: Post, wanted: set[str]) -> Json:
        text, urls = self._text(post)
        told: Json = {"id": post.id, "text": text} | self._history(post)
        root, owner = post, self.members[post.member]
        while root.parent is not None:
            root = root.parent
        full = {
            "author_id": post.member,
            "conversation_id": root.id,
            "created_at": stamp(post.at.replace(microsecond=0)),
            "entities": {"urls": urls} if urls else None,
            "attachments": {"media_keys": [one.key for one in post.media]} if post.media else None,
            "in_reply_to_user_id": post.parent.member if post.parent else None,
            "lang": "en",
            "media_metadata": [
                {"media_key": one.key, "alt_text": one.alt_text} for one in post.media
            ]
            or None,
            "paid_partnership": post.paid_partnership,
            "possibly_sensitive": any(
                owner.marks_media or any(one.warning.values()) for one in post.media
            ),
            "public_metrics": self._metrics(post),
            "reply_settings": post.reply_settings,
        }
        if "attachments.media_keys" in wanted:
            wanted = wanted | {"attachments"}
        told |= {
            name: value for name, value in full.items() if name in wanted and value is not None
        }
        if post.parent is not None and wanted & {
            "referenced_posts",
            "referenced_tweets",
            "referenced_tweets.id",
        }:
            above = [{"type": "replied_to", "id": post.parent.id}]
            told |= self._named("referenced_posts", "referenced_tweets", above)
        return told

    def _text(self, post: Post) -> tuple[str, list[dict[str, object]]]:
        home = f"https://x.com/{self.members[post.member].username}/status/{post.id}"
        kinds = ["video" if one.category == FILM else "photo" for one in post.media]
        media = [(one.key, f"{home}/{kinds[at]}/{at + 1}") for at, one in enumerate(post.media)]
        names = "".join(f"@{name} " for name in post.ahead)
        return text_rules.shown(names + post.text, post.id, media)

    def _metrics(self, post: Post) -> Json:
        told = {"reply_count": post.replies, "like_count": post.likes, "quote_count": post.quotes}
        told |= {"bookmark_count": post.bookmarks, "impression_count": post.impressions}
        return told | self._named("repost_count", "retweet_count", post.reposts)

    def _person(self, one: Member, fields: set[str]) -> Json:
        counts = {"followers_count": one.followers, "following_count": 0, "listed_count": 0}
        counts |= self._named("post_count", "tweet_count", len(one.posts))
        more = {
            "created_at": stamp(one.at),
            "protected": False,
            "verified": False,
            "public_metrics": counts,
        }
        told = {"id": one.id, "name": one.username, "username": one.username}
        return told | {name: value for name, value in more.items() if name in fields}

    def _history(self, post: Post) -> Json:
        return self._named("edit_history_post_ids", "edit_history_tweet_ids", [post.id])

    def _named(self, new: str, old: str, value: Any) -> Json:
        return ({new: value} if self.names != "old" else {}) | (
            {old: value} if self.names != "new" else {}
        )


def _object(asked: ParsedRequest, *kinds: str) -> Json:
    if not isinstance(asked.said, dict) or asked.kind not in kinds:
        raise invalid("Request body must be a JSON object.")
    return asked.said


def _kind(method: str, parts: list[str]) -> str:
    """Return the kind of a request for the fault book."""
    match method, parts:
        case "POST", ["2", "tweets"]:
            return "posts"
        case "POST", ["2", "media", "upload", *_]:
            return "files"
        case "GET", ["2", "media", "upload"]:
            return "polls"
        case "POST", ["2", "media", "metadata"]:
            return "metadata"
        case "DELETE", ["2", "tweets", _]:
            return "deletes"
        case "GET", ["2", "users", "me"]:
            return "checks"
        case "GET", ["2", "users", _, "tweets"]:
            return "lookups"
        case "GET", ["2", "users", _, "mentions"]:
            return "remarks"
        case "PUT", ["2", "tweets", _, "hidden"]:
            return "moderation"
        case "GET", ["2", "tweets", *_]:
            return "metrics"
        case "POST", ["2", "oauth2", "token" | "revoke"]:
            return "tokens"
        case _:
            return kind_of(method, parts)


def classify_request(method: str, path: str) -> PlatformCall | None:
    """Return the kind of a request. Only its token names the account."""
    return PlatformCall(method, path, "", _kind(method, path.strip("/").split("/")))


def create_app(server: FakeX) -> ASGIApp:
    """Return the app for `server`."""
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", server.answer, methods=methods)])
    faulty = FaultyNetwork(app, book=server.book, call_of=classify_request)

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":  # Lifespan events need no handling.
            await faulty(scope, receive, send)

    return entry


@contextmanager
def x(spec: Path | None = None, clock: AdjustableClock | None = None) -> Iterator[FakeX]:
    """Run an X with an adjustable clock. It uses the description of the reference data unless
    `spec` is given."""
    server = FakeX(clock or AdjustableClock(), spec=Spec(spec or load_description()))
    with serve_app(create_app(server), clock=server.clock) as server.url:
        yield server
