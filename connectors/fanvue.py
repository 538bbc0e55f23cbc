"""Fanvue: posts for subscribers, with pictures and films, and messages with fans, whose media may lie behind a price.

No key travels with a post; a lost answer is looked up among the account's own posts. Fanvue sells by itself: what fans
pay there goes no way of ours, we see that they paid. The account is in `connectors/fanvue_account.py`, messages are in
`fanvue_chats.py` and `fanvue_news.py` beside it.
Source: https://api.fanvue.com/docs/api-reference/reference/posts/create-post, …/media/create-upload-session
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors import (
    fanvue_account,
    fanvue_calls,
    fanvue_chats,
    fanvue_earnings,
    fanvue_news,
    fitting,
    showing,
    wordless,
)
from connectors.answers import ahead, segment, staged_anew, told_at, told_by
from connectors.calling import Nudge, Signed
from connectors.capabilities import Asking, Capabilities
from connectors.contract import Answer, Copy, Grant, News, Renewed, Response, Send, Sought, StepKind, Update, WireStep
from connectors.earning import Span, Told
from connectors.enrolment import Connected, Visit
from connectors.fanvue_account import CHAT_SURFACE, SURFACE, VERSION, meaning, said, uuid_of
from connectors.fanvue_chats import PUBLISH, listed, more
from connectors.fanvue_upload import FILM, Upload, not_staged
from connectors.locking import Locked
from connectors.naming import NO_POST, UNREAD, Address, path_of
from connectors.outcomes import Absent, Found, Outcome, Published, Rejected, Sighting, Unknown
from connectors.standing import Missing, Stand, Standing
from foundation.sealed import Sealed
from foundation.words import Message
from gate.units import Unit

SUBSCRIBERS = "audience=subscribers"
EVERYBODY = "followers-and-subscribers"
WINDOW = timedelta(seconds=60)
"""A post older than this before the attempt is another one with the same words."""

LISTED, MOST_PAGES = 50, 5
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MOST_TEXT = 5000
POLL_SECONDS = 10.0
"""Between two looks at the chats. 200 requests a minute are allowed for all that is done as a creator: listening takes
6 of them where nobody speaks, and 60 to 115 where more did than a poll reads; nobody minds ten seconds in a chat.
Source: https://api.fanvue.com/docs/authentication/rate-limits"""

CENTS = Asking("USD", 300, 100_000)
"""The least is theirs; the most is ours, as they name none."""

CAN = Capabilities(
    platform="fanvue",
    surfaces=(SURFACE.partition(".")[2], CHAT_SURFACE.partition(".")[2]),
    max_text=MOST_TEXT,
    max_media=10,
    mimes=("image/jpeg", "image/png", "image/webp", FILM),
    max_bytes=200 * 1024 * 1024,
    look="listing",
    resend_is_look=False,
    can_delete=True,
    can_chat=True,
    can_sell=True,
    stages=True,
    poll_seconds=POLL_SECONDS,
    shows={"": showing.FANVUE},
    sells={SURFACE.partition(".")[2]: CENTS, CHAT_SURFACE.partition(".")[2]: CENTS},
)
"""How many pictures and films a post or a message takes, and how large, is nowhere said."""


class Fanvue:
    """Posts and messages with pictures and films; pure."""

    capabilities = CAN
    form = fanvue_account.FORM
    numbers_prove = True
    refresh_grace = fanvue_account.ONCE
    earns_as = "Fanvue"
    call_header = fanvue_calls.HEADER

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Bring each file to its store, wait until it is ready, then post. Tell what an answer meant."""
        unfit = fanvue_chats.unfit(unit, CAN) if unit.viewer else _unfit(unit)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        if unit.viewer:
            return fanvue_chats.next_turn(unit, answers)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _published(last)
        if last is not None and not (isinstance(last, Response) and last.ok):
            return not_staged(last)
        uploads = [Upload(medium, answers) for medium in unit.media]
        turns = (upload.next() for upload in uploads)
        waiting = next((turn for turn in turns if turn is not None), None)
        return waiting or Send(_post(unit, [upload.uuid for upload in uploads]))

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        """Page through the account's posts, or a chat. Pinned posts come first, whenever they were made."""
        if sought.chat:
            return fanvue_chats.find(sought, answers)
        files = _files(sought)
        if not (files or (sought.text.strip() and sought.price is None)):
            return Unknown(Message("connectors.no_lookup"))
        if not answers:
            return Send(_listing(1))
        posts = listed(answers[-1])
        if posts is None:
            return Unknown(Message("connectors.lookup_failed"))
        start = sought.armed_at - WINDOW - ahead(answers[-1], sought.asked_at or sought.armed_at)
        recent = [post for post in posts if (told_at(post.get("createdAt")) or start) >= start]
        alike = [post for post in reversed(recent) if _is_it(post, sought, files)]
        wanted = sought.price.minor if sought.price is not None else None
        if same := next((post for post in alike if _asked(post) == wanted), None):
            return Found(str(same["uuid"]), "", told_at(same.get("createdAt")))
        if alike:  # ours, and at another price: nobody here knows how that came about
            return Unknown(Message("fanvue.other_price"))
        if wordless.is_wordless(sought) and any(_is_like(post, sought) for post in recent):
            return wordless.DOUBT  # they may call its files by other names
        older = any(post not in recent and not post.get("isPinned") for post in posts)
        if older or not more(answers[-1]):
            return Absent()
        whole = len(answers) < MOST_PAGES
        return Send(_listing(len(answers) + 1)) if whole else Unknown(Message("connectors.lookup_failed"))

    def home(self, account: str, destination: str, base_url: str) -> str:
        """The site: accounts are known by a number that leads nowhere."""
        return "https://www.fanvue.com/"

    def named(self, address: Address, answers: tuple[Answer, ...]) -> Send | Sighting:
        """The post whose number is in an address: of the account's own, as only these are told."""
        number = next((one.lower() for one in path_of(address.url, "fanvue.com") if _UUID.fullmatch(one)), "")
        if not number:
            return NO_POST
        if not answers:
            return Send(_one(number, "look"))
        last = answers[-1]
        if uuid_of(last) == number:
            return Found(number, "", told_at(told_by(last).get("createdAt")))
        return Absent() if _missing(last) else UNREAD

    def remove(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Delete the post, or take the message back; gone already is gone."""
        if copy.chat:
            return fanvue_chats.remove(copy, answers)
        if not answers:
            path = f"/posts/{segment(copy.native_id)}"
            return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", path, headers=VERSION, action="delete"))
        last = answers[-1]
        done = (isinstance(last, Response) and last.status == 204) or _missing(last)
        return Published(copy.native_id) if done or told_by(last) else meaning(last, creates=False)

    def read(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        """Likes, comments and tips of a post; nobody tells views."""
        if copy.chat:
            return None
        if not answers:
            return Send(_one(copy.native_id, "metrics"))
        told = told_by(answers[-1])
        tips = told.get("tips")
        counts = {
            "likes": told.get("likesCount"),
            "comments": told.get("commentsCount"),
            "tips": tips.get("count") if isinstance(tips, dict) else None,
        }
        return {name: int(count) for name, count in counts.items() if isinstance(count, int | float)} or None

    def still(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Stand | None:
        """Whether the account still has the post; a 404 without Fanvue's own words may be anybody's."""
        if not answers:
            return Send(_one(copy.native_id, "look"))
        if uuid_of(answers[-1]) == copy.native_id:
            return Standing()
        return Missing() if _missing(answers[-1]) else None

    def followers(self, account: str, destination: str, answers: tuple[Answer, ...]) -> Send | int | None:
        """How many follow the account; who subscribes is counted apart there."""
        return fanvue_account.followers(answers)

    def locked(self, copy: Copy, since: datetime, answers: tuple[Answer, ...]) -> Send | Locked | None:
        """Whether a message was bought."""
        return fanvue_chats.locked(copy, since, answers)

    def earnings(self, account: str, span: Span, answers: tuple[Answer, ...]) -> Told:
        """What fans paid, and what went back to them."""
        return fanvue_earnings.earnings(account, span, answers)

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]
    ) -> Send | Visit | Connected | Outcome:
        """Have the creator say yes, then ask whose tokens these are."""
        return fanvue_account.connect(form, answers)

    def check(self, account: str, answers: tuple[Answer, ...]) -> Send | Outcome | None:
        """Ask whose token it is."""
        return fanvue_account.check(account, answers)

    def refresh(self, grant: Grant, answers: tuple[Answer, ...]) -> Send | Renewed | Outcome:
        """A new pair of tokens; the old refresh token is used up by that."""
        return fanvue_account.refresh(grant, answers)

    def listen(self, cursor: str, answers: tuple[Answer, ...]) -> Send | News | Outcome:
        """The list of chats, then each in which somebody spoke."""
        return fanvue_news.listen(cursor, answers)

    def ack(self, update: Update) -> WireStep | None:
        """Fanvue waits for nothing, and chats stay unread there until the creator looks."""
        return None

    def signed(self, header: str) -> Signed | None:
        """How a call for the application is signed."""
        return fanvue_calls.signed(header)

    def nudge(self, body: bytes) -> Nudge | None:
        """What a call is about."""
        return fanvue_calls.nudge(body)


def _unfit(unit: Unit) -> Message | None:
    """Why the unit cannot go out as it is; nothing is ever cut."""
    if wrong := fitting.unfit(unit, CAN, length=len(unit.text("body"))):
        return wrong
    if not unit.media and not unit.text("body").strip():
        return Message("fanvue.empty")
    mark = next((flag for flag in unit.flags if flag != SUBSCRIBERS), "")
    return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def _post(unit: Unit, media: list[str]) -> WireStep:
    audience = SUBSCRIBERS.partition("=")[2] if SUBSCRIBERS in unit.flags else EVERYBODY
    body: dict[str, Any] = {"audience": audience}
    if unit.text("body"):
        body["text"] = unit.text("body")
    if media:
        body["mediaUuids"] = media
    if unit.price is not None:
        body["price"] = unit.price.minor
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/posts", body, headers=VERSION)


def _files(sought: Sought) -> set[str]:
    """What they call the files of a post; nothing where one of them is not known."""
    named = {Upload(medium, sought.told).uuid for medium in sought.media}
    return set() if "" in named else named


def _is_it(post: Mapping[str, Any], sought: Sought, files: set[str]) -> bool:
    """Whether a post shows these very files, uploaded for it alone, whatever its owner has it say by now; or
    says this and costs nothing: they may call its files by other names."""
    if str(post["uuid"]) in sought.known:
        return False
    words = sought.text.strip() if sought.price is None else ""
    return (bool(files) and _shown(post) == files) or (bool(words) and str(post.get("text") or "").strip() == words)


def _is_like(post: Mapping[str, Any], sought: Sought) -> bool:
    return str(post["uuid"]) not in sought.known and wordless.is_like(sought, post.get("text"), _shown(post))


def _shown(post: Mapping[str, Any]) -> set[str]:
    told = post.get("mediaUuids")
    return {str(one) for one in told} if isinstance(told, list) else set()


def _asked(post: Mapping[str, Any]) -> int | None:
    """The price of a post in cents; None for one that costs nothing."""
    told = post.get("price")
    return int(told) if isinstance(told, int | float) and told else None


def _published(answer: Answer) -> Outcome:
    if number := uuid_of(answer):
        return Published(number, "", told_at(told_by(answer).get("createdAt")))
    if isinstance(answer, Response) and answer.status == 404 and "media" in said(answer):
        return staged_anew()
    return meaning(answer, creates=True)


def _missing(answer: Answer) -> bool:
    """Whether Fanvue itself says that there is no such post."""
    return isinstance(answer, Response) and answer.status == 404 and bool(said(answer))


def _one(number: str, action: str) -> WireStep:
    path = f"/posts/{segment(number)}"
    return WireStep(action, StepKind.CONTROL, "GET", path, headers=VERSION, action=action)


def _listing(page: int) -> WireStep:
    path = f"/posts?page={page}&size={LISTED}"
    return WireStep("look", StepKind.CONTROL, "GET", path, headers=VERSION, action="look")
