"""Mastodon: posts on a server of its own rules. The account is in `connectors/mastodon_account.py`, messages are in
`mastodon_chats.py`.

A post travels with an `Idempotency-Key`, which a server honours for an hour and some servers never; so a lost answer is
looked up among the account's own posts, by the words as they were sent, and sent again only where they are not there.
Source: https://docs.joinmastodon.org/methods/statuses/#create
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors import (
    fitting,
    mastodon_account,
    mastodon_chats,
    mastodon_finding,
    mastodon_limits,
    mastodon_remarks,
    mastodon_words,
    options,
    showing,
)
from connectors.answers import segment, staged_anew, told_at, told_by
from connectors.capabilities import Capabilities, Option
from connectors.contract import Answer, Copy, FileRef, News, Response, Send, Sought, StepKind, Update, WireStep
from connectors.enrolment import Connected, Visit
from connectors.mastodon_account import (
    CHAT_SURFACE,
    NO_MORE,
    SURFACE,
    id_of,
    is_gone,
    meaning,
    number_of,
    sentence,
    url_of,
)
from connectors.mastodon_limits import FILM, USUAL, Limits
from connectors.mastodon_text import length
from connectors.naming import NO_POST, OTHERS, UNREAD, Address, parts_in, split
from connectors.outcomes import Absent, Found, Outcome, Published, Rejected, Retry, Sighting, Uncertain
from connectors.places import Destination, Seen, Shown
from connectors.remarks import Act, Remarks, Spot
from connectors.standing import Missing, Stand, Standing
from foundation.sealed import Sealed
from foundation.words import Message
from gate.units import REMARK, Medium, Unit

PUBLISH = "publish"
SENSITIVE, WARNED = "sensitive=true", "spoiler_text non-empty"
WARNING = "18+ · NSFW"
"""The words above a post that is folded up; a reader opens it."""

POLLS, AGAIN = 3, timedelta(seconds=5)
"""How often one try asks whether a picture is ready, and how long the next try waits."""

UNREADY = "Cannot attach files"
"""How a refusal begins that comes too early."""

REMOVED = "removed-"
"""In place of a native id: it was posted and deleted before its answer was read."""

MESSAGE = CHAT_SURFACE.partition(".")[2]
_COUNTS = {
    "favourites_count": "likes",
    "replies_count": "comments",
    "reblogs_count": "reposts",
    "quotes_count": "quotes",
}
CAN = Capabilities(
    platform="mastodon",
    surfaces=(SURFACE.partition(".")[2], MESSAGE),
    max_text=USUAL.text,
    max_media=USUAL.media,
    mimes=USUAL.mimes,
    max_bytes=USUAL.film_bytes,
    look="listing",
    resend_is_look=False,
    can_delete=True,
    edits=True,
    can_chat=True,
    can_sell=False,
    stages=True,
    threads=25,
    poll_seconds=mastodon_chats.POLL_SECONDS,
    sizes={MESSAGE: (USUAL.text - mastodon_chats.RESERVED, 0)},
    points_at=frozenset({REMARK}),
    moderates=mastodon_remarks.MODERATES,
    remarks_every=5,  # one request of the 300 that an account, and an address, has in as many minutes
    names_whom_it_answers=True,
    shows={"": showing.MASTODON},
    options=(
        Option("visibility", "choice", choices=("public", "unlisted", "private")),
        Option("warning", "text", most=200, read=True, example="Food"),
        Option("language", "text", most=3, pattern="[a-z]{2,3}", example="fr"),
    ),
)


class Mastodon:
    """Posts with a few pictures, or a film, within the limits of a server; pure."""

    form = mastodon_account.FORM
    numbers_prove = True

    def __init__(self, limits: Limits = USUAL) -> None:
        heaviest = max(limits.picture_bytes, limits.film_bytes)
        self._limits = limits
        self.capabilities = replace(
            CAN,
            max_text=limits.text,
            max_media=limits.media,
            mimes=limits.mimes,
            max_bytes=heaviest,
            sizes={MESSAGE: (limits.text - mastodon_chats.RESERVED, 0)},
        )

    def own_limits(self, answers: tuple[Answer, ...]) -> Send | Mapping[str, Any] | None:
        """Ask the server what it lets its accounts do."""
        return mastodon_limits.own_limits(answers)

    def within(self, limits: Mapping[str, Any]) -> "Mastodon":
        """The connector on a server of these limits."""
        return Mastodon(mastodon_limits.read(limits))

    def count(self, unit: Unit) -> tuple[int, int]:
        """Characters as readers see them, the warning's too; every address counts the same."""
        return self._length(unit), self.capabilities.size(unit.surface)[0]

    def warning(self, unit: Unit) -> str:
        """What stands before its words until a reader presses."""
        return _warning(unit)

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Upload each picture, wait until the server has worked through it, then post; tell what an answer meant. A
        message is sent to its reader alone."""
        if unit.viewer:
            return mastodon_chats.next_turn(unit, answers, self.capabilities, self._limits.per_address)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:  # also where a limit fell meanwhile: it stands, or does not
            return _published(last, unit)
        unfit = self._unfit(unit)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        made = {answer.step: answer for answer in answers if answer.step.startswith("stage:")}
        if last is not None and last.step.startswith("stage:") and not id_of(last):
            return mastodon_limits.over(last) or meaning(last, creates=False)
        for medium in unit.media:
            if _stage_name(medium) not in made:
                return Send(_stage(medium))
        uploads = [made[_stage_name(medium)] for medium in unit.media]
        return _waiting(uploads, answers) or Send(_post(unit, [id_of(upload) for upload in uploads]))

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        """Look among the account's own posts and messages, by the words or, where there are none, by the pictures."""
        return mastodon_finding.find(sought, answers)

    def home(self, account: str, destination: str, base_url: str) -> str:
        """The server, where whoever is signed in finds the account."""
        return f"https://{account.partition('@')[2]}/"

    def named(self, address: Address, answers: tuple[Answer, ...]) -> Send | Sighting:
        """The post whose number is in an address of the account's own server: another one has numbers of its own."""
        number = _number_in(address.url, address.account.partition("@")[2])
        if not number:
            return NO_POST
        if not answers:
            return Send(_asked("look", f"/api/v1/statuses/{segment(number)}"))
        last = answers[-1]
        if id_of(last) != number:
            return Absent() if is_gone(last) else UNREAD
        told, author = told_by(last), told_by(last).get("account")
        mine = isinstance(author, dict) and segment(str(author.get("id"))) == number_of(address.account)
        return Found(number, url_of(told), told_at(told.get("created_at"))) if mine else OTHERS

    def remove(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Delete the post; gone already is gone. Other servers are told, and delete as they see fit."""
        if copy.native_id.startswith(REMOVED):
            return Published(copy.native_id)
        if not answers:
            path = f"/api/v1/statuses/{segment(copy.native_id)}"
            return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", path, action="delete"))
        last = answers[-1]
        if id_of(last) == copy.native_id or is_gone(last):
            return Published(copy.native_id)
        return meaning(last, creates=False)

    def edit(self, unit: Unit, native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Other words in the place of those of a post; its pictures are named, so that they stay."""
        unfit = self._unfit(unit) if not answers else None
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        return mastodon_words.edit(_said(unit), native_id, answers, files=bool(unit.media))

    def read(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        """Favourites, replies, boosts and quotes, as far as this server heard of them; nobody counts views."""
        if copy.native_id.startswith(REMOVED) or copy.chat:
            return None
        if not answers:
            return Send(_asked("metrics", f"/api/v1/statuses/{segment(copy.native_id)}"))
        told = told_by(answers[-1])
        counts = {name: told.get(field) for field, name in _COUNTS.items()}
        return {name: count for name, count in counts.items() if isinstance(count, int)} or None

    def still(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Stand | None:
        """What the account's own server does not know any more is gone: deleted, or taken down."""
        if copy.native_id.startswith(REMOVED):
            return None
        if not answers:
            return Send(_asked("look", f"/api/v1/statuses/{segment(copy.native_id)}"))
        return Missing() if is_gone(answers[-1]) else Standing() if told_by(answers[-1]).get("id") else None

    def read_back(self, copy: Copy, flags: tuple[str, ...], answers: tuple[Answer, ...]) -> Send | Shown | Outcome:
        """Whether the post is folded up behind its warning, where it was sent so."""
        wanted = [flag for flag in (SENSITIVE, WARNED) if flag in flags]
        if not wanted or copy.native_id.startswith(REMOVED):
            return Shown(there=not copy.native_id.startswith(REMOVED))
        if not answers:
            return Send(_asked("look", f"/api/v1/statuses/{segment(copy.native_id)}"))
        told = told_by(answers[-1])
        if told:
            borne = {SENSITIVE: told.get("sensitive") is True, WARNED: bool(told.get("spoiler_text"))}
            return Shown(tuple(flag for flag in wanted if not borne[flag]))
        return Shown(there=False) if is_gone(answers[-1]) else meaning(answers[-1], creates=False)

    def followers(self, account: str, destination: str, answers: tuple[Answer, ...]) -> Send | int | None:
        """How many follow the account."""
        return mastodon_account.followers(answers)

    def remarks(
        self, account: str, destination: str, cursor: str, answers: tuple[Answer, ...]
    ) -> Send | Remarks | None:
        """Posts of others that name the account, answers to its posts among them."""
        return mastodon_remarks.remarks(account, cursor, answers)

    def moderate(self, spot: Spot, act: Act, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Block whoever said something, or report it; nothing else is given to whom it was said to."""
        return mastodon_remarks.moderate(spot, act, answers)

    def listen(self, cursor: str, answers: tuple[Answer, ...]) -> Send | News | Outcome:
        """What people said to the account alone, after the notification the cursor names."""
        return mastodon_chats.listen(cursor, answers)

    def ack(self, update: Update) -> WireStep | None:
        """Nobody waits for that, and nothing is marked as read until the owner looks."""
        return None

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]
    ) -> Send | Visit | Connected | Outcome:
        """Introduce ourselves to the server, have the person say yes there, then ask whose token it is."""
        return mastodon_account.connect(form, answers)

    def check(self, account: str, answers: tuple[Answer, ...]) -> Send | Outcome | None:
        """Ask whose token it is."""
        return mastodon_account.check(account, answers)

    def see(self, place: Destination, answers: tuple[Answer, ...]) -> Send | Seen | Outcome:
        """Whether the server's rules are still those that somebody read."""
        return mastodon_account.see(place, answers)

    def _length(self, unit: Unit) -> int:
        each = self._limits.per_address
        return length(unit.text("body"), each) + length(_warning(unit), each)

    def _unfit(self, unit: Unit) -> Message | None:
        """Why the unit cannot go out as it is; nothing is ever cut."""
        if wrong := fitting.unfit(unit, self.capabilities, length=self._length(unit)):
            return wrong
        if _warning(unit) and not unit.text("body").strip():  # the server would make the warning the text
            return Message("mastodon.words_needed")
        if unit.remark and unit.media:
            return Message("connectors.too_many_media", {"count": len(unit.media), "most": 0})
        if wrong := self._limits.media_unfit(unit.media):
            return wrong
        mark = next((flag for flag in unit.flags if flag not in (SENSITIVE, WARNED)), "")
        return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def _warning(unit: Unit) -> str:
    """Of the gate's mark first, whatever else somebody wants to say there."""
    words = (WARNING if WARNED in unit.flags else "", options.said(unit).text("warning"))
    return " · ".join(word for word in words if word)


def _stage_name(medium: Medium) -> str:
    return f"stage:{medium.sha256[:24]}"


def _stage(medium: Medium) -> WireStep:
    """Without a name of its own: the server makes one."""
    what = "film" if medium.mime == FILM else "picture"
    file = FileRef(medium.sha256, medium.mime, f"{what}.{medium.mime.rpartition('/')[2]}")
    said, name = {"description": medium.alt}, _stage_name(medium)
    return WireStep(name, StepKind.STAGE, "POST", "/api/v2/media", said, files={"file": file}, deadline=120.0)


def _asked(name: str, path: str) -> WireStep:
    """A harmless request for what stands somewhere."""
    return WireStep(name, StepKind.CONTROL, "GET", path, action="metrics" if name == "metrics" else "look")


def _post(unit: Unit, media: list[str]) -> WireStep:
    said: dict[str, Any] = {**_said(unit), "visibility": options.said(unit).text("visibility") or "public"}
    if media:
        said["media_ids"] = media
    if unit.under:
        said["in_reply_to_id"] = unit.under
    headers = {"idempotency-key": unit.native_key}
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/api/v1/statuses", said, headers=headers)


def _said(unit: Unit) -> dict[str, Any]:
    """What of a post may be changed later: its words, and how it is marked."""
    said: dict[str, Any] = {"status": unit.text("body")}
    if SENSITIVE in unit.flags:
        said["sensitive"] = True
    if warning := _warning(unit):
        said["spoiler_text"] = warning
    if language := options.said(unit).text("language") or unit.language.partition("-")[0]:
        said["language"] = language
    return said


def _waiting(uploads: list[Answer], answers: tuple[Answer, ...]) -> Send | Outcome | None:
    """The next question, or why it must wait, until every picture can be shown; None then.

    A picture that is not ready is left out of its post by some servers: https://github.com/mastodon/mastodon/issues/21864
    """
    for upload in uploads:
        name = f"poll:{id_of(upload)}"
        told = [answer for answer in answers if answer.step == name]
        last = told[-1] if told else upload
        if isinstance(told_by(last).get("url"), str):
            continue
        if is_gone(last):
            return staged_anew()
        if not id_of(last):
            return meaning(last, creates=False)
        if len(told) >= POLLS:
            return Retry(AGAIN, "account", Message("connectors.preparing"))
        return Send(_asked(name, f"/api/v1/media/{segment(id_of(upload))}"))
    return None


def _published(answer: Answer, unit: Unit) -> Outcome:
    told = told_by(answer)
    if native_id := id_of(answer):
        shown = told.get("media_attachments")
        fewer = isinstance(shown, list) and len(shown) < len(unit.media)  # seen of servers under load, mastodon #21864
        return Published(native_id, url_of(told), told_at(told.get("created_at")), fewer=fewer)
    if not isinstance(answer, Response):
        return meaning(answer, creates=True)
    said = sentence(answer)
    if answer.ok:
        return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
    if answer.status == 422 and said.startswith(UNREADY):
        return Retry(AGAIN, "account", Message("connectors.preparing"))
    if answer.status == 422 and said.startswith("Media ") and "not found" in said:
        return staged_anew()
    if answer.status == 404 and said == NO_MORE:
        if unit.under:  # older servers say so too of a post above that is gone
            return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
        return Published(f"{REMOVED}{segment(unit.native_key)}")
    if answer.status == 404 and unit.under:
        gone = "connectors.remark_gone" if unit.remark else "connectors.above_gone"
        return Rejected(Message(gone), permanent=False)
    return mastodon_limits.over(answer) or meaning(answer, creates=True)


def _number_in(url: str, server: str) -> str:
    """The number of the post in an address of a server; "" for none."""
    parts = split(url)
    if parts is None or parts.netloc.lower() != server.lower():
        return ""
    path = parts_in(parts)
    below = len(path) >= 2 and (path[-2].startswith("@") or path[-2] == "statuses")
    return path[-1] if below and path[-1].isascii() and path[-1].isalnum() and len(path[-1]) <= 64 else ""
