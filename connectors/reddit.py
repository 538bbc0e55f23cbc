"""Reddit: posts of words or pictures in one community. Pure.

Most refusals come inside a success, as codes. A post of one picture is made later: its answer names no post, which is
then looked for in the account's own list. praw's ways of asking again are not used: some posts were made twice by them.
Source: https://www.reddit.com/dev/api#POST_api_submit; praw's subreddit.py and its issues 1704, 1768.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors import answers as http
from connectors import fitting, reddit_account
from connectors.capabilities import Capabilities
from connectors.contract import Answer, Copy, Grant, Renewed, Response, Send, Sought, StepKind, WireStep
from connectors.enrolment import Connected, Visit
from connectors.outcomes import (
    Absent,
    Disconnected,
    Found,
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Sighting,
    Uncertain,
    Unknown,
)
from connectors.places import Destination, Seen, Shown
from connectors.reddit_account import OTHER, OVER18, agent, meaning, spot
from connectors.reddit_pictures import Picture, not_stored
from foundation.sealed import Sealed
from foundation.words import Message
from gate.units import Unit

PUBLISH, DELETE, LOOK = "publish", "delete", "look"
NSFW = "nsfw=true"
"""The flag of what is for adults, as the rules of places write it and a request tells it."""

MOST_TITLE, MOST_TEXT, MOST_GALLERY = 300, 40_000, 20
WINDOW = timedelta(seconds=60)
"""A post older than this before the attempt is another one with the same words."""

PAUSE = timedelta(minutes=10)
"""After a limit that does not say how long."""

LISTED, MOST_PAGES = 100, 5
DELETED = "[deleted]"
CLOSED = frozenset({"SUBREDDIT_NOTALLOWED", "SUBREDDIT_NOEXIST", "USER_BLOCKED", "USER_MUTED", "NON_PUBLIC"})
"""Nobody may post there, or not this account."""

CAN = Capabilities(
    platform="reddit",
    surfaces=(OVER18.partition(".")[2], OTHER.partition(".")[2]),
    max_text=MOST_TEXT,
    max_media=MOST_GALLERY,
    mimes=("image/jpeg", "image/png"),
    max_bytes=20 * 1024 * 1024,
    look="listing",
    resend_is_look=False,
    can_delete=True,
    can_chat=False,
    can_sell=False,
    stages=True,
    approval_days=14,
)
"""Reddit says nowhere how long an approval takes; weeks are reported."""


class Reddit:
    """Posts in one community; pure."""

    capabilities = CAN
    form = reddit_account.FORM
    refresh_grace = reddit_account.KEEPS

    def count(self, unit: Unit) -> tuple[int, int]:
        """The title, where that is all or is too long; else what stands under it."""
        title, body = _words(unit)
        return (len(title), MOST_TITLE) if not body or len(title) > MOST_TITLE else (len(body), MOST_TEXT)

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Bring each picture to the store, then post; tell what an answer meant."""
        unfit = _unfit(unit)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return Send(reddit_account.who(unit.account)) if _is_bare_no(last) else _published(last, unit)
        if last is not None and last.step == reddit_account.ME:
            return _forbidden(last, unit)
        if last is not None and not (isinstance(last, Response) and last.ok):
            return not_stored(last) or meaning(last, creates=False)
        pictures = [Picture(medium, unit.account, answers) for medium in unit.media]
        turns = (picture.next() for picture in pictures)
        waiting = next((turn for turn in turns if turn is not None), None)
        return waiting or Send(_post(unit, pictures))

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        """Page through what the account posted, newest first."""
        if not (sought.title or sought.text).strip():
            return Unknown(Message("connectors.no_lookup"))
        if not answers:
            return Send(_listing(sought.account))
        posts = _listed(answers[-1])
        if posts is None:
            return Unknown(Message("connectors.lookup_failed"))
        start = sought.armed_at - WINDOW - http.ahead(answers[-1], sought.asked_at or sought.armed_at)
        recent = [post for post in posts if (_made_at(post) or start) >= start]
        for post in reversed(recent):
            number = str(post["name"])
            if number not in sought.known and _is_it(post, sought):
                return Found(number, _url(post), _made_at(post))
        after = _page(answers[-1]).get("after")
        if not after or len(recent) < len(posts):
            return _absent(sought, answers)
        whole = len(answers) < MOST_PAGES and isinstance(after, str)
        return Send(_listing(sought.account, after)) if whole else Unknown(Message("connectors.lookup_failed"))

    def remove(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Delete the post, and see that it is gone: a deletion is answered alike whatever it did."""
        if not answers:
            return Send(_deletion(copy))
        last = answers[-1]
        if not (isinstance(last, Response) and last.ok):
            return meaning(last, creates=False)
        if last.step == DELETE:
            return Send(_info(copy, LOOK))
        posts = _listed(last)
        if posts is None:
            return Retry(http.SHORT_WAIT, "account", Message("connectors.lookup_failed"))
        stands = any(post["name"] == copy.native_id and post.get("author") != DELETED for post in posts)
        return Retry(http.SHORT_WAIT, "account", Message("reddit.still_there")) if stands else Published(copy.native_id)

    def read(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        """Votes, blurred by Reddit, and comments; nobody tells views."""
        if not answers:
            return Send(_info(copy, "metrics"))
        told = next(iter(_listed(answers[-1]) or ()), {})
        counts = {"likes": told.get("score"), "comments": told.get("num_comments")}
        return {name: max(count, 0) for name, count in counts.items() if isinstance(count, int)} or None

    def read_back(self, copy: Copy, flags: tuple[str, ...], answers: tuple[Answer, ...]) -> Send | Shown | Outcome:
        """Whether the post bears the mark of what is for adults, and others see it."""
        if NSFW not in flags:
            return Shown()
        if not answers:
            return Send(_info(copy, LOOK))
        posts = _listed(answers[-1])
        if posts is None:
            last = answers[-1]
            readable = isinstance(last, Response) and last.ok
            return Rejected(Message("connectors.unreadable"), False) if readable else meaning(last, creates=False)
        post = next((one for one in posts if one["name"] == copy.native_id), {"author": DELETED})
        there = post.get("author") != DELETED and post.get("removed_by_category") is None
        return Shown(() if not there or post.get("over_18") is True else (NSFW,), there=there)

    def see(self, place: Destination, answers: tuple[Answer, ...]) -> Send | Seen | Outcome:
        """What the community is set to, and whether its rules are those that somebody read."""
        return reddit_account.see(place, answers)

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]
    ) -> Send | Visit | Connected | Outcome:
        """Have the person say yes, then ask what the community wants."""
        return reddit_account.connect(form, answers)

    def check(self, account: str, answers: tuple[Answer, ...]) -> Send | Outcome | None:
        """Ask whose token it is."""
        return reddit_account.check(account, answers)

    def refresh(self, grant: Grant, answers: tuple[Answer, ...]) -> Send | Renewed | Outcome:
        """A new access token."""
        return reddit_account.refresh(grant, answers)


def _words(unit: Unit) -> tuple[str, str]:
    """Title and text. Reddit makes no post without a title."""
    return fitting.titled(unit.text("title"), unit.text("body"))


def _unfit(unit: Unit) -> Message | None:
    """Why the unit cannot go out as it is; nothing is ever cut."""
    title, body = _words(unit)
    if wrong := fitting.unfit(unit, CAN, length=len(body)):
        return wrong
    if not title.strip():
        return Message("reddit.no_title")
    if len(title) > MOST_TITLE:
        return Message("reddit.title_too_long", {"length": len(title), "most": MOST_TITLE})
    mark = next((flag for flag in unit.flags if flag != NSFW), "")
    return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def _post(unit: Unit, pictures: list[Picture]) -> WireStep:
    (title, body), where = _words(unit), spot(unit.account)
    said: dict[str, Any] = {
        "sr": where.community,
        "title": title,
        "nsfw": NSFW in unit.flags,
        "spoiler": False,
        "sendreplies": True,
        "validate_on_submit": True,
        "api_type": "json",
    }
    if where.flair:
        said["flair_id"] = where.flair
    if body:
        said["text"] = body
    if len(pictures) > 1:
        said["items"] = [{"media_id": picture.id, "caption": "", "outbound_url": ""} for picture in pictures]
        path = "/api/submit_gallery_post.json"
        return WireStep(PUBLISH, StepKind.PUBLISH, "POST", path, said, headers=agent(unit.account))
    said |= {"kind": "image", "url": pictures[0].address} if pictures else {"kind": "self"}
    return WireStep(
        PUBLISH,
        StepKind.PUBLISH,
        "POST",
        "/api/submit",
        {**said, "resubmit": False},
        headers=agent(unit.account),
        encoding="form",
    )


def _published(answer: Answer, unit: Unit) -> Outcome:
    said = http.told_by(answer).get("json")
    if isinstance(answer, Response) and answer.status == 400:  # the community's own demands, in a form of their own
        reason = _code(http.body_of(answer).get("reason") or answer.status)
        return Rejected(Message("reddit.refused", {"code": reason}), permanent=False)
    if not isinstance(said, dict):
        return meaning(answer, creates=True)
    told = said.get("data")
    data = told if isinstance(told, dict) else {}
    if number := _number(data):
        return Published(number, str(data.get("url", "")))
    errors = said.get("errors")
    if isinstance(errors, list) and errors:
        return _refused(errors[0], said.get("ratelimit"))
    if unit.media and "websocket_url" in data:
        return Processing(LOOK)
    return Uncertain(Message("connectors.unclear_answer", {"status": 200}))


def _is_bare_no(answer: Answer) -> bool:
    """Whether a post was forbidden without a reason: a suspended account is told nothing else."""
    return isinstance(answer, Response) and answer.status == 403 and "reason" not in http.body_of(answer)


def _forbidden(me: Answer, unit: Unit) -> Outcome:
    """What such a no was about: the account, if that may not even ask who it is, or the post."""
    gone = isinstance(me, Response) and me.status == 403
    trouble = Disconnected(Message("reddit.suspended")) if gone else reddit_account.check(unit.account, (me,))
    refused = Rejected(Message("reddit.refused", {"code": "403"}), permanent=False)
    return trouble if isinstance(trouble, Disconnected | Reauthorize) else refused


def _number(data: Mapping[str, Any]) -> str:
    """The post's name; the id that some answers give is it, or what follows its `t3_`."""
    told = data.get("name", data.get("id"))
    if not isinstance(told, str) or not told.removeprefix("t3_").isalnum() or len(told) > 20:
        return ""
    return f"t3_{told.removeprefix('t3_')}"


def _refused(error: Any, seconds: Any) -> Outcome:
    """What a code means: `[code, sentence, field]`."""
    code = _code(error[0] if isinstance(error, list) and error else "")
    if code == "RATELIMIT":
        wait = timedelta(seconds=seconds) if isinstance(seconds, int | float) and 0 < seconds < 10**6 else PAUSE
        return Retry(wait, "account", Message("connectors.rate_limited"))
    if code == "ALREADY_SUB":
        return Uncertain(Message("reddit.there_already"), stands=True)
    if code in CLOSED:
        return Rejected(Message("reddit.community_closed"), permanent=True)
    if "FLAIR" in code:
        return Rejected(Message("reddit.flair_wrong"), permanent=False)
    return Rejected(Message("reddit.refused", {"code": code}), permanent=False)


def _code(told: object) -> str:
    """A code as people may read it: letters of theirs, and nothing else they might put there."""
    word = re.sub(r"[^A-Z0-9_]", "", str(told or "").upper(), flags=re.ASCII)
    return word[:60] or "?"


def _listing(account: str, after: str = "") -> WireStep:
    more = f"&after={http.segment(after)}" if after else ""
    path = f"/user/{http.segment(spot(account).user)}/submitted?sort=new&raw_json=1&limit={LISTED}{more}"
    return WireStep(LOOK, StepKind.CONTROL, "GET", path, headers=agent(account), action=LOOK)


def _deletion(copy: Copy) -> WireStep:
    return WireStep(
        DELETE,
        StepKind.RESTRICT,
        "POST",
        "/api/del",
        {"id": copy.native_id},
        headers=agent(copy.account),
        action="delete",
        encoding="form",
    )


def _info(copy: Copy, action: str) -> WireStep:
    path = f"/api/info?raw_json=1&id={http.segment(copy.native_id)}"
    return WireStep(action, StepKind.CONTROL, "GET", path, headers=agent(copy.account), action=action)


def _page(answer: Answer) -> dict[str, Any]:
    told = http.told_by(answer).get("data")
    return told if isinstance(told, dict) else {}


def _listed(answer: Answer) -> list[dict[str, Any]] | None:
    """The posts of a listing; None when it is no look."""
    children = _page(answer).get("children")
    if not isinstance(children, list):
        return None
    posts = [one["data"] for one in children if isinstance(one, dict) and isinstance(one.get("data"), dict)]
    return posts if len(posts) == len(children) and all(isinstance(post.get("name"), str) for post in posts) else None


def _absent(sought: Sought, answers: tuple[Answer, ...]) -> Sighting:
    """Reddit keeps what is for adults from some applications: a list that shows nothing of it proves nothing."""
    shown = (post for answer in answers for post in _listed(answer) or ())
    blind = NSFW in sought.flags and not any(post.get("over_18") is True for post in shown)
    return Unknown(Message("connectors.lookup_failed")) if blind else Absent()


def _is_it(post: Mapping[str, Any], sought: Sought) -> bool:
    """Whether a listed post is what was sent: where a picture is, the text under it may not be told."""
    where = spot(sought.account)
    title, body = fitting.titled(sought.title, sought.text)
    same = str(post.get("subreddit", "")).lower() == where.community.lower() and _plain(post.get("title")) == _plain(
        title
    )
    told = _plain(post.get("selftext"))
    return same and (told == _plain(body) or (post.get("is_self") is False and not told))


def _plain(text: object) -> str:
    return " ".join(str(text or "").split())


def _made_at(post: Mapping[str, Any]) -> datetime | None:
    told = post.get("created_utc")
    return http.instant(str(int(told))) if isinstance(told, int | float) and 0 < told < 10**11 else None


def _url(post: Mapping[str, Any]) -> str:
    told = post.get("permalink")
    return f"https://www.reddit.com{told}" if isinstance(told, str) and told.startswith(("/r/", "/user/")) else ""
