"""YouTube: films of one channel. Pure.

A film is uploaded as a private one, worked through there, gets its cover, and is made public when it is time: said
twice, that changes nothing. Source: https://developers.google.com/youtube/v3/docs/videos
"""

import re
from collections.abc import Mapping
from typing import Any

from connectors import answers as http
from connectors import fitting, options, showing, youtube_account, youtube_covers, youtube_remarks
from connectors.capabilities import Capabilities, Option
from connectors.contract import Answer, Copy, Grant, Renewed, Response, Send, Sought, StepKind, WireStep
from connectors.enrolment import Connected, Visit
from connectors.naming import NO_POST, OTHERS, UNREAD, Address, asked, path_of
from connectors.outcomes import Absent, Found, Outcome, Published, Rejected, Sighting, Uncertain, Unknown
from connectors.places import Shown
from connectors.remarks import Act, Remarks, Spot, is_answer
from connectors.standing import Missing, Stand, Standing, word_of
from connectors.youtube_account import SURFACE, items, meaning, part, reason
from connectors.youtube_hearing import remarks_of
from connectors.youtube_upload import Upload, goes_on, session_lost, uploaded
from foundation.sealed import Sealed
from foundation.words import Message
from gate.units import IS_COMMENT, REMARK, Unit

PUBLISH, LOOK = "publish", "look"
AI = "status.containsSyntheticMedia=true"
"""The flag of what a machine made, as the rules of places write it and a request tells it."""

MOST_TITLE, MOST_TEXT = 100, 5000
"""A title in characters, a description in bytes of UTF-8."""

CATEGORY = "22"
"""People & Blogs; a film without one is refused."""

PAID = "paidProductPlacementDetails"
"""The part of a film that says whether somebody paid for what it shows."""

SEEN = ("public", "unlisted")
"""Who may see a film. A private one is not published: it is what was uploaded ahead."""

CAN = Capabilities(
    platform="youtube",
    surfaces=(SURFACE.partition(".")[2],),
    max_text=MOST_TEXT,
    max_media=2,
    mimes=("video/mp4", *youtube_covers.MIMES),
    max_bytes=200 * 1024 * 1024,
    look="name",
    resend_is_look=True,
    can_delete=True,
    can_chat=False,
    can_sell=False,
    stages=True,
    approval_days=28,
    points_at=frozenset({REMARK}),
    first_comment=True,
    moderates=frozenset(youtube_remarks.STATUS),
    remarks_every=60,
    looks_for_answers=True,
    needs={"": "film"},
    shows={"": showing.YOUTUBE},
    options=(
        Option("readers", "choice", choices=SEEN),
        Option("tags", "list", most=400, entries=50, pattern="[^<>,]+", read=True, example="sea"),
        Option("category", "text", most=3, pattern="[0-9]+", default=CATEGORY, example="24"),
        Option("partnership", "flag", default=options.NO),
    ),
)
"""Until Google has audited an application, all that it uploads stays private; it says nowhere how long that takes.

All channels of an application share its 10,000 units a day, and a film that nobody can make public any more is worse
than a comment that is heard late: a reading costs two units at least, so a hundred channels take half of it.
"""

_NUMBER = re.compile(r"[\w-]{6,20}", re.ASCII)
_COUNTS = {"viewCount": "views", "likeCount": "likes", "commentCount": "comments"}


class YouTube:
    """Films of one channel; pure."""

    capabilities = CAN
    form = youtube_account.FORM
    numbers_prove = False
    refresh_grace = youtube_account.KEEPS

    def count(self, unit: Unit) -> tuple[int, int]:
        """A description counts in bytes, without the first line where that is the title; a comment, in characters."""
        if unit.comment or unit.remark:
            return len(unit.text("body")), youtube_remarks.MOST_TEXT
        return fitting.in_bytes(fitting.titled(unit.text("title"), unit.text("body"))[1]), MOST_TEXT

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Upload the film as a private one, wait until it is ready, give it the picture beside it as its cover, then
        make it public; tell what an answer meant."""
        if unit.remark:
            return youtube_remarks.answer(unit, answers, CAN)
        if unit.comment == IS_COMMENT:
            return youtube_remarks.comment(unit, answers, CAN, frozenset({AI}))
        unfit = _unfit(unit)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _published(last)
        if last is not None and last.step.startswith(youtube_covers.COVER) and not goes_on(last):
            return youtube_covers.refused(last)
        if last is not None and not goes_on(last):
            return http.staged_anew() if session_lost(last) else meaning(last, creates=False)
        film = youtube_covers.film_of(unit)
        if film is None:
            return Rejected(Message("connectors.film_missing"), permanent=False)
        upload = Upload(film, _private(unit), answers)
        return upload.next() or youtube_covers.next_turn(unit, upload.id, answers) or Send(_shown(unit, upload.id))

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        """Ask how the film stands that was uploaded for it: its number was told before anybody could see it, and
        another of the same words is another one."""
        if sought.reply_to:
            return youtube_remarks.find(sought, answers)
        number = uploaded(sought.told)
        if not number:
            return Unknown(Message("connectors.no_lookup"))
        if not answers:
            return Send(_video(Copy(number, sought.account), "id,status", LOOK))
        found = items(answers[-1])
        if found is None:
            return Unknown(Message("connectors.lookup_failed"))
        there = bool(found) and part(found[0], "status").get("privacyStatus") in SEEN
        return Found(number, _url(number)) if there else Absent()

    def home(self, account: str, destination: str, base_url: str) -> str:
        """The channel."""
        return f"https://www.youtube.com/channel/{http.segment(account)}"

    def named(self, address: Address, answers: tuple[Answer, ...]) -> Send | Sighting:
        """The film of an address. One that is private still is what was uploaded ahead: nobody sees it."""
        number = _number_in(address.url)
        if not number:
            return NO_POST
        if not answers:
            return Send(_video(Copy(number, address.account), "snippet,status", LOOK))
        found = items(answers[-1])
        if found is None:
            return UNREAD
        if not found or part(found[0], "status").get("privacyStatus") == "private":
            return Absent()
        mine = part(found[0], "snippet").get("channelId") == address.account
        return Found(number, _url(number)) if mine else OTHERS

    def remove(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Delete the film, or an answer; gone already is gone."""
        if is_answer(copy.native_id):
            return youtube_remarks.remove(copy.native_id, answers)
        if not answers:
            path = f"/youtube/v3/videos?id={http.segment(copy.native_id)}"
            return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", path, action="delete"))
        last = answers[-1]
        done = isinstance(last, Response) and (last.status == 204 or reason(last) == "videoNotFound")
        return Published(copy.native_id) if done else meaning(last, creates=False)

    def read(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        """Views, likes and comments of a film; they are told as text."""
        if is_answer(copy.native_id):
            return None
        if not answers:
            return Send(_video(copy, "statistics", "metrics"))
        found = items(answers[-1])
        told = part(found[0], "statistics") if found else {}
        counts = {name: told.get(field) for field, name in _COUNTS.items()}
        return {
            name: int(count) for name, count in counts.items() if isinstance(count, str) and count.isdigit()
        } or None

    def read_back(self, copy: Copy, flags: tuple[str, ...], answers: tuple[Answer, ...]) -> Send | Shown | Outcome:
        """Whether the film is said to be made by a machine, where it was sent so."""
        if AI not in flags or is_answer(copy.native_id):
            return Shown()
        if not answers:
            return Send(_video(copy, "status", LOOK))
        found = items(answers[-1])
        if found is None:
            last = answers[-1]
            readable = isinstance(last, Response) and last.ok
            return Rejected(Message("connectors.unreadable"), False) if readable else meaning(last, creates=False)
        status = part(found[0], "status") if found else {}
        there = status.get("privacyStatus") in SEEN
        return Shown(() if not there or status.get("containsSyntheticMedia") is True else (AI,), there=there)

    def still(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Stand | None:
        """A film that was rejected after all is still told to its owner; one that is deleted is not."""
        if is_answer(copy.native_id):
            return None
        if not answers:
            return Send(_video(copy, "status", LOOK))
        found = items(answers[-1])
        if found is None:
            return None
        status = part(found[0], "status") if found else {}
        if status.get("uploadStatus") == "rejected":
            return Missing("rules", word_of(status, "rejectionReason"))
        return Standing() if found and status.get("uploadStatus") != "deleted" else Missing()

    def followers(self, account: str, destination: str, answers: tuple[Answer, ...]) -> Send | int | None:
        """How many subscribed to the channel."""
        return youtube_account.followers(answers)

    def remarks(
        self, account: str, destination: str, cursor: str, answers: tuple[Answer, ...]
    ) -> Send | Remarks | None:
        """What people said under the channel's films."""
        return remarks_of(account, cursor, answers)

    def moderate(self, spot: Spot, act: Act, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Hold a comment back, let it through, reject it, or ban its author with it."""
        return youtube_remarks.moderate(spot, act, answers)

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]
    ) -> Send | Visit | Connected | Outcome:
        """Have the person say yes, then ask which channel it is."""
        return youtube_account.connect(form, answers)

    def check(self, account: str, answers: tuple[Answer, ...]) -> Send | Outcome | None:
        """Ask whose token it is."""
        return youtube_account.check(account, answers)

    def refresh(self, grant: Grant, answers: tuple[Answer, ...]) -> Send | Renewed | Outcome:
        """A new access token."""
        return youtube_account.refresh(grant, answers)


def _unfit(unit: Unit) -> Message | None:
    """Why the unit cannot go out as it is; nothing is ever cut."""
    title, body = fitting.titled(unit.text("title"), unit.text("body"))
    size = fitting.in_bytes(body)
    if wrong := fitting.unfit(unit, CAN, length=len(body)):
        return wrong
    if wrong := youtube_covers.unfit(unit):
        return wrong
    if not title.strip():
        return Message("youtube.no_title")
    if len(title) > MOST_TITLE:
        return Message("youtube.title_too_long", {"length": len(title), "most": MOST_TITLE})
    if size > MOST_TEXT:
        return Message("connectors.text_too_heavy", {"size": size, "most": MOST_TEXT})
    if any(sign in title + body for sign in "<>"):
        return Message("youtube.signs")
    mark = next((flag for flag in unit.flags if flag != AI), "")
    return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def _status(privacy: str, *, made: bool) -> dict[str, Any]:
    """All of it, each time: what is not told falls back to nothing."""
    return {
        "privacyStatus": privacy,
        "selfDeclaredMadeForKids": False,
        "containsSyntheticMedia": made,
        "embeddable": True,
        "license": "youtube",
    }


def _private(unit: Unit) -> dict[str, Any]:
    title, body = fitting.titled(unit.text("title"), unit.text("body"))
    chosen = options.said(unit)
    snippet: dict[str, Any] = {"title": title, "description": body, "categoryId": chosen.text("category") or CATEGORY}
    if tags := chosen.items("tags"):
        snippet["tags"] = tags
    said = {"snippet": snippet, "status": _status("private", made=AI in unit.flags)}
    return said | ({PAID: {"hasPaidProductPlacement": True}} if chosen.flag("partnership") else {})


def _shown(unit: Unit, number: str) -> WireStep:
    body = {"id": number, "status": _status(options.said(unit).text("readers") or "public", made=AI in unit.flags)}
    return WireStep(PUBLISH, StepKind.PUBLISH, "PUT", "/youtube/v3/videos?part=status", body)


def _published(answer: Answer) -> Outcome:
    told = http.told_by(answer)
    number, privacy = told.get("id"), part(told, "status").get("privacyStatus")
    if isinstance(number, str) and privacy in SEEN:
        return Published(number, _url(number))
    if isinstance(number, str) and privacy == "private":
        return Rejected(Message("youtube.kept_private"), permanent=False)
    if told:
        return Uncertain(Message("connectors.unclear_answer", {"status": 200}))
    return http.staged_anew() if reason(answer) == "videoNotFound" else meaning(answer, creates=True)


def _video(copy: Copy, wanted: str, action: str) -> WireStep:
    path = f"/youtube/v3/videos?part={wanted}&id={http.segment(copy.native_id)}"
    return WireStep(action, StepKind.CONTROL, "GET", path, action=action)


def _number_in(url: str) -> str:
    """The number of the film that an address names; "" for none. The forms people copy: the page, a short, a link."""
    path = path_of(url, "youtube.com")
    if path == ("watch",):
        number = asked(url, "v")
    else:
        short = path_of(url, "youtu.be")
        number = path[1] if len(path) == 2 and path[0] in ("shorts", "live", "embed") else "".join(short[:1])
    return number if _NUMBER.fullmatch(number) else ""


def _url(number: str) -> str:
    return f"https://www.youtube.com/watch?v={number}"
