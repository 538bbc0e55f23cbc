"""X: posts, threads and pictures. The account is in `connectors/x_account.py`, messages are in `x_chats.py`.

No key travels with a post. X refuses the same words within some hours, which brakes a repeat and proves nothing; so a
lost answer is looked up in the account's own timeline, which costs as every read there does.
Source: https://docs.x.com/x-api/posts/create-post
"""

from collections.abc import Mapping
from typing import Any

from connectors import fitting, options, showing, x_account, x_chats, x_finding, x_remarks
from connectors.answers import body_of, segment, staged_anew, told_at
from connectors.capabilities import Capabilities, Option
from connectors.charges import What
from connectors.contract import (
    Answer,
    Copy,
    FileRef,
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
from connectors.outcomes import Absent, Found, Outcome, Published, Rejected, Sighting
from connectors.remarks import Act, Remarks, Spot
from connectors.revoking import Held
from connectors.standing import Missing, Stand, Standing
from connectors.x_account import CHAT_SURFACE, SURFACE, data_of, id_of, meaning, said
from connectors.x_films import MIME, OPEN, PART, Film
from connectors.x_finding import STAGE, step_of
from connectors.x_reading import fields, is_unknown_name, number_in, url_of
from connectors.x_text import length
from foundation.sealed import Sealed
from foundation.words import Message
from gate.units import REMARK, Medium, Unit

PUBLISH, TOLD = "publish", "told:"
ADULT, AI = "media_metadata.sensitive_media_warning.adult_content=true", "made_with_ai=true"
MOST_ALT, PICTURE_BYTES = 1000, 5_000_000
BAD_MEDIA = "media id"
"""What a refusal says of pictures that are gone by now."""

NOT_FOUND = "resource-not-found"
_COUNTS = {
    "impression_count": "views",
    "like_count": "likes",
    "reply_count": "comments",
    "repost_count": "reposts",
    "retweet_count": "reposts",
    "quote_count": "quotes",
    "bookmark_count": "saves",
}
"""Older answers say `retweet`."""

MESSAGE = CHAT_SURFACE.partition(".")[2]
CAN = Capabilities(
    platform="x",
    surfaces=(SURFACE.partition(".")[2], MESSAGE),
    max_text=280,
    max_media=4,
    mimes=("image/jpeg", "image/png", "image/webp", MIME),
    max_bytes=100 * 1024 * 1024,
    film_seconds=(0, 140),  # https://docs.x.com/x-api/media/quickstart/best-practices
    look="listing",
    resend_is_look=False,
    can_delete=True,
    can_chat=True,
    keeps_messages=True,
    poll_seconds=x_chats.POLL_SECONDS,
    sizes={MESSAGE: (x_chats.MOST_TEXT, 0)},
    can_sell=False,
    stages=True,
    points_at=frozenset({REMARK}),
    moderates=x_remarks.ACTS,
    remarks_every=x_remarks.EVERY,
    threads=25,
    cost="used",
    shows={"": showing.X},
    options=(
        Option("answers", "choice", choices=("following", "mentionedUsers", "subscribers", "verified")),
        Option("partnership", "flag", default=options.NO),
    ),
)


class X:
    """Posts with up to four pictures; pure."""

    capabilities = CAN
    form = x_account.FORM
    numbers_prove = True
    refresh_grace = x_account.ONCE

    def count(self, unit: Unit) -> tuple[int, int]:
        """The weighted length; a message's is its characters."""
        if unit.viewer:
            return len(unit.text("body")), x_chats.MOST_TEXT
        return length(unit.text("body")), CAN.max_text

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Upload each picture and tell what it shows, then post; tell what an answer meant. A message is sent to its
        reader alone."""
        if unit.viewer:
            return x_chats.next_turn(unit, answers, CAN)
        unfit = _unfit(unit)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _published(last, unit)
        if last is not None and not _is_good(last):
            return _not_staged(last)
        uploads: list[str] = []
        for medium in unit.media:
            film = Film(medium, answers) if medium.mime == MIME else None
            uploaded = film.id if film is not None else _id_in(_last(step_of(STAGE, medium), answers))
            waiting = film.next() if film is not None else None if uploaded else Send(_stage(medium))
            if waiting is not None:
                return waiting
            told = _last(step_of(TOLD, medium), answers)
            if told is None or id_of(told) != uploaded:
                return Send(_tell(medium, uploaded, adult=ADULT in unit.flags))
            if ADULT in unit.flags and not _is_warned(told):
                return Rejected(Message("x.not_warned"), permanent=False)
            uploads.append(uploaded)
        return Send(_post(unit, uploads))

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        """List what the account posted since the attempt: words say which it is or, where there are none, its media. A
        message is looked for in its conversation."""
        if sought.chat:
            return x_chats.find(sought, answers)
        return x_finding.find(sought, answers)

    def home(self, account: str, destination: str, base_url: str) -> str:
        """The profile."""
        return f"https://x.com/i/user/{segment(account)}"

    def named(self, address: Address, answers: tuple[Answer, ...]) -> Send | Sighting:
        """The post whose number is in an address, and who wrote it."""
        number = number_in(address.url)
        if not number:
            return NO_POST
        if not answers or (len(answers) == 1 and is_unknown_name(answers[0])):
            path = f"/2/tweets/{segment(number)}?{fields(answers, 'created_at', 'author_id', 'author_id')}"
            return Send(WireStep("look", StepKind.CONTROL, "GET", path, action="look"))
        told = data_of(answers[-1])
        if told.get("id") != number:
            return Absent() if _is_gone(answers[-1], Copy(number, address.account)) else UNREAD
        mine = str(told.get("author_id", "")) == address.account
        return Found(number, url_of(number), told_at(told.get("created_at"))) if mine else OTHERS

    def remove(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Delete the post; gone already is gone. A message is deleted for its sender alone: its reader keeps it."""
        if copy.chat:
            return Rejected(Message("x.message_stays"), permanent=True)
        if not answers:
            path = f"/2/tweets/{segment(copy.native_id)}"
            return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", path, action="delete"))
        last = answers[-1]
        if data_of(last).get("deleted") is True or _is_gone(last, copy):
            return Published(copy.native_id)
        return meaning(last, creates=False)

    def read(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        """Views, likes, replies, reposts, quotes and saves; of a message nothing is counted."""
        if copy.chat:
            return None
        if not answers or (len(answers) == 1 and is_unknown_name(answers[0])):
            path = f"/2/tweets/{segment(copy.native_id)}?{fields(answers, 'public_metrics')}"
            return Send(WireStep("metrics", StepKind.CONTROL, "GET", path, action="metrics"))
        told = data_of(answers[-1]).get("public_metrics")
        found = told if isinstance(told, dict) else {}
        return {name: found[field] for field, name in _COUNTS.items() if isinstance(found.get(field), int)} or None

    def still(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Stand | None:
        """What X itself does not find is gone; it says the same of every reason."""
        if copy.chat:
            return None
        if not answers:
            path = f"/2/tweets/{segment(copy.native_id)}"
            return Send(WireStep("look", StepKind.CONTROL, "GET", path, action="look"))
        if data_of(answers[-1]).get("id") == copy.native_id:
            return Standing()
        return Missing() if _is_gone(answers[-1], copy) else None

    def followers(self, account: str, destination: str, answers: tuple[Answer, ...]) -> Send | int | None:
        """How many follow the account."""
        return x_account.followers(answers)

    def remarks(
        self, account: str, destination: str, cursor: str, answers: tuple[Answer, ...]
    ) -> Send | Remarks | None:
        """What names the account: answers to its posts, and posts elsewhere."""
        return x_remarks.remarks(account, cursor, answers)

    def moderate(self, spot: Spot, act: Act, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Hide an answer in a conversation of the account's, or show it again."""
        return x_remarks.moderate(spot, act, answers)

    def listen(self, cursor: str, answers: tuple[Answer, ...]) -> Send | News | Outcome:
        """What people wrote to the account alone since the cursor."""
        return x_chats.listen(cursor, answers)

    def charged(self, cursor: str, answers: tuple[Answer, ...]) -> Mapping[What, int]:
        """What listening came to."""
        return x_chats.charged(cursor, answers)

    def ack(self, update: Update) -> WireStep | None:
        """Nobody waits for that, and nothing is marked as read until the owner looks."""
        return None

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]
    ) -> Send | Visit | Connected | Outcome:
        """Have the person say yes, then ask whose tokens these are."""
        return x_account.connect(form, answers)

    def check(self, account: str, answers: tuple[Answer, ...]) -> Send | Outcome | None:
        """Ask whose token it is."""
        return x_account.check(account, answers)

    def revoke(self, held: Held, answers: tuple[Answer, ...]) -> Send | Outcome:
        """End the pair of tokens."""
        return x_account.revoke(held, answers)

    def refresh(self, grant: Grant, answers: tuple[Answer, ...]) -> Send | Renewed | Outcome:
        """A new pair of tokens; the old refresh token is used up by that."""
        return x_account.refresh(grant, answers)


def _unfit(unit: Unit) -> Message | None:
    """Why the unit cannot go out as it is; nothing is ever cut."""
    if wrong := fitting.unfit(unit, CAN, length=length(unit.text("body"))):
        return wrong
    if unit.remark and unit.media:
        return Message("connectors.too_many_media", {"count": len(unit.media), "most": 0})
    if not unit.media and not unit.text("body").strip():
        return Message("x.empty")
    if len(unit.media) > 1 and any(medium.mime == MIME for medium in unit.media):
        return Message("x.film_alone")
    for place, medium in enumerate(unit.media, start=1):
        if medium.mime != MIME and medium.size > PICTURE_BYTES:
            return Message("connectors.medium_unfit", {"mime": medium.mime, "size": medium.size})
        if not medium.alt.strip():
            return Message("connectors.alt_missing", {"place": place})
        if len(medium.alt) > MOST_ALT:
            return Message("connectors.text_too_long", {"length": len(medium.alt), "most": MOST_ALT})
    if ADULT in unit.flags and not unit.media:  # also of a thread that shows such a picture further up
        return Message("x.words_unmarked")
    mark = next((flag for flag in unit.flags if flag not in (ADULT, AI)), "")
    return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def _stage(medium: Medium) -> WireStep:
    """One picture in one go: https://docs.x.com/x-api/media/media-upload"""
    file = FileRef(medium.sha256, medium.mime, f"picture.{medium.mime.rpartition('/')[2]}")
    fields, name = {"media_category": "tweet_image"}, step_of(STAGE, medium)
    return WireStep(name, StepKind.STAGE, "POST", "/2/media/upload", fields, files={"media": file}, deadline=120.0)


def _tell(medium: Medium, uploaded: str, *, adult: bool) -> WireStep:
    """What it shows, in words, and whether for adults: https://docs.x.com/x-api/media/create-media-metadata"""
    told: dict[str, Any] = {"alt_text": {"text": medium.alt}}
    if adult:
        told["sensitive_media_warning"] = {"adult_content": True}
    body = {"id": uploaded, "metadata": told}
    return WireStep(step_of(TOLD, medium), StepKind.STAGE, "POST", "/2/media/metadata", body)


def _post(unit: Unit, media: list[str]) -> WireStep:
    body: dict[str, Any] = {"text": unit.text("body")} if unit.text("body") else {}
    if media:
        body["media"] = {"media_ids": media}
    if AI in unit.flags:
        body["made_with_ai"] = True
    if options.said(unit).flag("partnership"):
        body["paid_partnership"] = True
    if (answers := options.said(unit).text("answers")) and not unit.under:  # a thread is its first post's
        body["reply_settings"] = answers
    if unit.under:
        body["reply"] = {"in_reply_to_tweet_id": unit.under}
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/2/tweets", body)


def _not_staged(answer: Answer) -> Outcome:
    """What they no longer know is uploaded anew."""
    refused = isinstance(answer, Response) and answer.status in (400, 404)
    known = answer.step.startswith((STAGE, OPEN))
    if not known and refused and (NOT_FOUND in said(answer) or BAD_MEDIA in said(answer)):
        return staged_anew()
    return meaning(answer, creates=False)


def _last(step: str, answers: tuple[Answer, ...]) -> Answer | None:
    return next((answer for answer in reversed(answers) if answer.step == step), None)


def _id_in(answer: Answer | None) -> str:
    return id_of(answer) if answer is not None else ""


def _is_good(answer: Answer) -> bool:
    """Whether a step before the post did what it was for; a segment's answer names nothing."""
    if answer.step.startswith(PART):
        return isinstance(answer, Response) and answer.ok
    return bool(id_of(answer))


def _is_warned(answer: Answer) -> bool:
    """Whether X took the warning: it tells back what it holds of a picture."""
    told = data_of(answer).get("associated_metadata")
    warning = told.get("sensitive_media_warning") if isinstance(told, dict) else None
    return isinstance(warning, dict) and warning.get("adult_content") is True


def _published(answer: Answer, unit: Unit) -> Outcome:
    if number := id_of(answer):
        return Published(number, url_of(number))
    if isinstance(answer, Response) and answer.status == 400 and BAD_MEDIA in said(answer):
        return staged_anew()
    refused = x_remarks.unanswerable(answer) if unit.remark else None
    return refused or meaning(answer, creates=True)


def _is_gone(answer: Answer, copy: Copy) -> bool:
    """Whether X itself says that there is no such post: another's 404 page proves nothing."""
    if not isinstance(answer, Response) or NOT_FOUND not in said(answer):
        return False
    return answer.status in (200, 404) and copy.native_id in str(body_of(answer))
