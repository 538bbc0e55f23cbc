"""Reddit: posts of words, pictures or a film in one community. Pure; messages are in `reddit_chats.py`.

Most refusals come inside a success, as codes. A post of one picture or film is made later: its answer names no post,
which is then looked for in the account's own list; that it failed is told on a socket alone. A film has a poster, which
is the one picture beside it. praw's ways of asking again are not used: some posts were made twice by them.
Source: https://www.reddit.com/dev/api#POST_api_submit; praw's subreddit.py and its issues 1704, 1768.
"""

from collections.abc import Mapping
from typing import Any

from connectors import answers as http
from connectors import (
    fitting,
    options,
    reddit_account,
    reddit_chats,
    reddit_finding,
    reddit_remarks,
    reddit_words,
    showing,
)
from connectors.capabilities import Capabilities, Option
from connectors.contract import (
    Answer,
    Copy,
    Grant,
    News,
    Renewed,
    Response,
    Send,
    Sought,
    StepKind,
    Update,
    WireStep,
)
from connectors.enrolment import Connected, Visit
from connectors.naming import NO_POST, OTHERS, UNREAD, Address
from connectors.outcomes import (
    Absent,
    Found,
    Outcome,
    Processing,
    Published,
    Rejected,
    Retry,
    Sighting,
    Uncertain,
    Unknown,
)
from connectors.places import Destination, Seen, Shown
from connectors.reddit_account import CHAT_SURFACE, NSFW, OTHER, OVER18, agent, meaning, spot
from connectors.reddit_answers import (
    DELETED,
    code_of,
    forbidden,
    info,
    is_bare_no,
    listed,
    made_at,
    name_in,
    name_of,
    refused,
    still,
    url_of,
)
from connectors.reddit_finding import LOOK
from connectors.reddit_pictures import FILM, Upload, not_stored
from connectors.remarks import Act, Remarks, Spot
from connectors.revoking import Held
from connectors.standing import Stand
from foundation.sealed import Sealed
from foundation.words import Message
from gate.units import IS_COMMENT, REMARK, Unit

PUBLISH, DELETE = "publish", "delete"
MESSAGE = CHAT_SURFACE.partition(".")[2]
MOST_TITLE, MOST_TEXT, MOST_GALLERY = 300, 40_000, 20
PICTURE_BYTES = 20 * 1024 * 1024
"""A film may be larger than a picture: Reddit takes larger ones than the house has."""

CAN = Capabilities(
    platform="reddit",
    surfaces=(OVER18.partition(".")[2], OTHER.partition(".")[2], MESSAGE),
    max_text=MOST_TEXT,
    max_media=MOST_GALLERY,
    mimes=("image/jpeg", "image/png", FILM),
    max_bytes=200 * 1024 * 1024,
    look="listing",
    resend_is_look=False,
    can_delete=True,
    edits=True,
    can_chat=True,
    can_sell=False,
    keeps_messages=True,
    stages=True,
    poll_seconds=reddit_chats.POLL_SECONDS,
    sizes={MESSAGE: (reddit_chats.MOST_TEXT, 0)},
    points_at=frozenset({REMARK}),
    first_comment=True,
    moderates=reddit_remarks.ACTS,
    remarks_every=reddit_remarks.EVERY,
    approval_days=14,
    shows={"": showing.REDDIT},
    options=(
        Option("spoiler", "flag", default=options.NO),
        Option("replies", "flag", default=options.YES),
        Option(
            "flair",
            "text",
            most=36,
            pattern="[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            example="7f6bd2a0-9a0e-11ee-8d0c-0242ac120002",
        ),
    ),
)
"""Reddit says nowhere how long an approval takes; weeks are reported."""


class Reddit:
    """Posts in one community, and messages of the person who posts; pure."""

    capabilities = CAN
    form = reddit_account.FORM
    numbers_prove = False
    refresh_grace = reddit_account.KEEPS

    def count(self, unit: Unit) -> tuple[int, int]:
        """The title, where that is all or is too long; else what stands under it, or the words of an answer."""
        if unit.viewer:
            return len(unit.text("body")), reddit_chats.MOST_TEXT
        if unit.remark or unit.comment == IS_COMMENT:
            return len(unit.text("body")), reddit_remarks.MOST_TEXT
        title, body = _words(unit)
        return (len(title), MOST_TITLE) if not body or len(title) > MOST_TITLE else (len(body), MOST_TEXT)

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Bring each file to its store, then post; tell what an answer meant. A message answers its reader's last."""
        if unit.viewer:
            return reddit_chats.next_turn(unit, answers, CAN)
        if unit.remark:
            return reddit_remarks.answer(unit, answers, CAN)
        if unit.comment == IS_COMMENT:
            return reddit_remarks.comment(unit, answers, CAN, frozenset({NSFW}))
        unfit = _unfit(unit)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return Send(reddit_account.who(unit.account)) if is_bare_no(last) else _published(last, unit)
        if last is not None and last.step == reddit_account.ME:
            return forbidden(last, unit.account, Message("reddit.refused", {"code": "403"}))
        if last is not None and not (isinstance(last, Response) and last.ok):
            return not_stored(last) or meaning(last, creates=False)
        files = [Upload(medium, unit.account, answers) for medium in unit.media]
        turns = (file.next() for file in files)
        waiting = next((turn for turn in turns if turn is not None), None)
        return waiting or Send(_post(unit, files))

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        """Page through what the account posted, answered or sent, newest first."""
        if not (sought.title or sought.text).strip():
            return Unknown(Message("connectors.no_lookup"))
        if sought.chat:
            return reddit_chats.find(sought, answers)
        return reddit_remarks.find(sought, answers) if sought.reply_to else reddit_finding.find(sought, answers)

    def home(self, account: str, destination: str, base_url: str) -> str:
        """What the person posted."""
        return f"https://www.reddit.com/user/{http.segment(spot(account).user)}/submitted/"

    def named(self, address: Address, answers: tuple[Answer, ...]) -> Send | Sighting:
        """The post whose number is in an address, and who wrote it."""
        number = name_in(address.url)
        if not number:
            return NO_POST
        if not answers:
            return Send(info(address.account, number, LOOK))
        posts = listed(answers[-1])
        if posts is None:
            return UNREAD
        post = next((one for one in posts if one["name"] == number), {"author": DELETED})
        if post.get("author") == DELETED:
            return Absent()
        mine = str(post.get("author", "")).casefold() == spot(address.account).user.casefold()
        return Found(number, url_of(post.get("permalink")), made_at(post)) if mine else OTHERS

    def remove(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Delete the post, and see that it is gone: a deletion is answered alike whatever it did. A message stays with
        its reader: Reddit deletes what somebody has, not what they sent."""
        if copy.chat:
            return Rejected(Message("reddit.message_stays"), permanent=False)
        if not answers:
            return Send(_deletion(copy))
        last = answers[-1]
        if not (isinstance(last, Response) and last.ok):
            return meaning(last, creates=False)
        if last.step == DELETE:
            return Send(info(copy.account, copy.native_id, LOOK))
        posts = listed(last)
        if posts is None:
            return Retry(http.SHORT_WAIT, "account", Message("connectors.lookup_failed"))
        stands = any(post["name"] == copy.native_id and post.get("author") != DELETED for post in posts)
        return Retry(http.SHORT_WAIT, "account", Message("reddit.still_there")) if stands else Published(copy.native_id)

    def edit(self, unit: Unit, native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Other words under the title of a post of words."""
        unfit = _unfit(unit)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        return reddit_words.edit(unit, *_words(unit), native_id, answers)

    def read(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        """Votes, blurred by Reddit, and comments; nobody tells views."""
        if copy.chat:
            return None
        if not answers:
            return Send(info(copy.account, copy.native_id, "metrics"))
        told = next(iter(listed(answers[-1]) or ()), {})
        counts = {"likes": told.get("score"), "comments": told.get("num_comments")}
        return {name: max(count, 0) for name, count in counts.items() if isinstance(count, int)} or None

    def read_back(self, copy: Copy, flags: tuple[str, ...], answers: tuple[Answer, ...]) -> Send | Shown | Outcome:
        """Whether the post bears the mark of what is for adults, and others see it."""
        if NSFW not in flags or copy.native_id.startswith("t1_"):  # a comment is shown with its post, which bears it
            return Shown()
        if not answers:
            return Send(info(copy.account, copy.native_id, LOOK))
        posts = listed(answers[-1])
        if posts is None:
            last = answers[-1]
            readable = isinstance(last, Response) and last.ok
            return Rejected(Message("connectors.unreadable"), False) if readable else meaning(last, creates=False)
        post = next((one for one in posts if one["name"] == copy.native_id), {"author": DELETED})
        there = post.get("author") != DELETED and post.get("removed_by_category") is None
        return Shown(() if not there or post.get("over_18") is True else (NSFW,), there=there)

    def still(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Stand | None:
        """Reddit keeps what it removed, and says so."""
        return still(copy, answers)

    def followers(self, account: str, destination: str, answers: tuple[Answer, ...]) -> Send | int | None:
        """How many follow the person who posts."""
        return reddit_account.followers(account, answers)

    def remarks(
        self, account: str, destination: str, cursor: str, answers: tuple[Answer, ...]
    ) -> Send | Remarks | None:
        """What people said in the community to the account."""
        return reddit_remarks.remarks(account, cursor, answers)

    def moderate(self, spot: Spot, act: Act, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Keep the author of a comment away, or tell the moderators of the community."""
        return reddit_remarks.moderate(spot, act, answers)

    def hears(self, account: str) -> str:
        """Whose messages the account hears: a person has one inbox, however many communities they post to."""
        return spot(account).user.lower()

    def listen(self, cursor: str, answers: tuple[Answer, ...]) -> Send | News | Outcome:
        """What people wrote to the person who posts."""
        return reddit_chats.listen(cursor, answers)

    def ack(self, update: Update) -> WireStep | None:
        """Nobody waits for that, and nothing is marked as read: the inbox is its owner's too."""
        return None

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

    def revoke(self, held: Held, answers: tuple[Answer, ...]) -> Send | Outcome:
        """End what the account's owner allowed."""
        return reddit_account.revoke(held, answers)

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
    pictures = [medium for medium in unit.media if medium.mime != FILM]
    if len(pictures) != len(unit.media) and (len(pictures), len(unit.media)) != (1, 2):
        return Message("reddit.film_poster")
    if heavy := next((medium for medium in pictures if medium.size > PICTURE_BYTES), None):
        return Message("connectors.medium_unfit", {"mime": heavy.mime, "size": heavy.size})
    mark = next((flag for flag in unit.flags if flag != NSFW), "")
    return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def _post(unit: Unit, files: list[Upload]) -> WireStep:
    (title, body), where, chosen = _words(unit), spot(unit.account), options.said(unit)
    said: dict[str, Any] = {
        "sr": where.community,
        "title": title,
        "nsfw": NSFW in unit.flags,
        "spoiler": chosen.flag("spoiler") or False,
        "sendreplies": chosen.flag("replies") is not False,
        "validate_on_submit": True,
        "api_type": "json",
    }
    if flair := chosen.text("flair") or where.flair:
        said["flair_id"] = flair
    if body:
        said["text"] = body
    if len(files) > 1 and not any(file.is_film for file in files):
        said["items"] = [{"media_id": file.id, "caption": "", "outbound_url": ""} for file in files]
        path = "/api/submit_gallery_post.json"
        return WireStep(PUBLISH, StepKind.PUBLISH, "POST", path, said, headers=agent(unit.account))
    return WireStep(
        PUBLISH,
        StepKind.PUBLISH,
        "POST",
        "/api/submit",
        {**said, **_shown(files), "resubmit": False},
        headers=agent(unit.account),
        encoding="form",
    )


def _shown(files: list[Upload]) -> dict[str, str]:
    """How a form names a film and its poster, one picture, or neither."""
    film = next((file for file in files if file.is_film), None)
    if film is None:
        return {"kind": "image", "url": files[0].address} if files else {"kind": "self"}
    poster = next(file for file in files if not file.is_film)
    return {"kind": "video", "url": film.address, "video_poster_url": poster.address}


def _published(answer: Answer, unit: Unit) -> Outcome:
    said = http.told_by(answer).get("json")
    if isinstance(answer, Response) and answer.status == 400:  # the community's own demands, in a form of their own
        reason = code_of(http.body_of(answer).get("reason") or answer.status)
        return Rejected(Message("reddit.refused", {"code": reason}), permanent=False)
    if not isinstance(said, dict):
        return meaning(answer, creates=True)
    told = said.get("data")
    data = told if isinstance(told, dict) else {}
    if number := name_of(data):
        return Published(number, str(data.get("url", "")))
    errors = said.get("errors")
    if isinstance(errors, list) and errors:
        return refused(errors[0], said.get("ratelimit"))
    if unit.media and "websocket_url" in data:
        return Processing(LOOK)
    return Uncertain(Message("connectors.unclear_answer", {"status": 200}))


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
