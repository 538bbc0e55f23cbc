"""Fanvue: posts for subscribers, with pictures and films. The account is in `connectors/fanvue_account.py`.

No key travels with a post; a lost answer is looked up among the account's own posts.
Source: https://api.fanvue.com/docs/api-reference/reference/posts/create-post, …/media/create-upload-session
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors import fanvue_account, fanvue_earnings, fitting
from connectors.answers import SHORT_WAIT, ahead, segment, staged_anew, told_at, told_by
from connectors.capabilities import Capabilities
from connectors.contract import Answer, Copy, Grant, Renewed, Response, Send, Sought, StepKind, WireStep
from connectors.earning import Span, Told
from connectors.enrolment import Connected, Visit
from connectors.fanvue_account import SURFACE, VERSION, meaning, said, uuid_of
from connectors.fanvue_upload import FILM, PUT, Upload
from connectors.outcomes import Absent, Found, Outcome, Published, Rejected, Retry, Sighting, Unknown
from foundation.sealed import Sealed
from foundation.words import Message
from gate.units import Unit

PUBLISH = "publish"
SUBSCRIBERS = "audience=subscribers"
EVERYBODY = "followers-and-subscribers"
WINDOW = timedelta(seconds=60)
"""A post older than this before the attempt is another one with the same words."""

LISTED, MOST_PAGES = 50, 5
CAN = Capabilities(
    platform="fanvue",
    surfaces=(SURFACE.partition(".")[2],),
    max_text=5000,
    max_media=10,
    mimes=("image/jpeg", "image/png", "image/webp", FILM),
    max_bytes=200 * 1024 * 1024,
    look="listing",
    resend_is_look=False,
    can_delete=True,
    can_chat=False,
    can_sell=False,
    stages=True,
)
"""How many pictures and films a post takes, and how large, is nowhere said."""


class Fanvue:
    """Posts with pictures and films; pure."""

    capabilities = CAN
    form = fanvue_account.FORM
    refresh_grace = fanvue_account.ONCE
    earns_as = "Fanvue"

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Bring each file to its store, wait until it is ready, then post; tell what an answer meant."""
        unfit = _unfit(unit)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _published(last)
        if last is not None and not (isinstance(last, Response) and last.ok):
            return _not_staged(last)
        uploads = [Upload(medium, answers) for medium in unit.media]
        turns = (upload.next() for upload in uploads)
        waiting = next((turn for turn in turns if turn is not None), None)
        return waiting or Send(_post(unit, [upload.uuid for upload in uploads]))

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        """Page through the account's posts. Pinned ones come first, whenever they were made."""
        if not sought.text.strip():
            return Unknown(Message("connectors.no_lookup"))
        if not answers:
            return Send(_listing(1))
        posts = _listed(answers[-1])
        if posts is None:
            return Unknown(Message("connectors.lookup_failed"))
        start = sought.armed_at - WINDOW - ahead(answers[-1], sought.asked_at or sought.armed_at)
        recent = [post for post in posts if (told_at(post.get("createdAt")) or start) >= start]
        for post in reversed(recent):
            number = str(post["uuid"])
            if number not in sought.known and str(post.get("text") or "").strip() == sought.text.strip():
                return Found(number, "", told_at(post.get("createdAt")))
        older = any(post not in recent and not post.get("isPinned") for post in posts)
        if older or told_by(answers[-1])["pagination"].get("hasMore") is not True:
            return Absent()
        whole = len(answers) < MOST_PAGES
        return Send(_listing(len(answers) + 1)) if whole else Unknown(Message("connectors.lookup_failed"))

    def remove(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Delete the post; gone already is gone."""
        if not answers:
            path = f"/posts/{segment(copy.native_id)}"
            return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", path, headers=VERSION, action="delete"))
        last = answers[-1]
        done = isinstance(last, Response) and (last.status == 204 or (last.status == 404 and bool(said(last))))
        return Published(copy.native_id) if done or told_by(last) else meaning(last, creates=False)

    def read(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        """Likes, comments and tips; nobody tells views."""
        if not answers:
            path = f"/posts/{segment(copy.native_id)}"
            return Send(WireStep("metrics", StepKind.CONTROL, "GET", path, headers=VERSION, action="metrics"))
        told = told_by(answers[-1])
        tips = told.get("tips")
        counts = {
            "likes": told.get("likesCount"),
            "comments": told.get("commentsCount"),
            "tips": tips.get("count") if isinstance(tips, dict) else None,
        }
        return {name: int(count) for name, count in counts.items() if isinstance(count, int | float)} or None

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
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/posts", body, headers=VERSION)


def _not_staged(answer: Answer) -> Outcome:
    """What they no longer know is uploaded anew; an address that is over is asked for again."""
    if isinstance(answer, Response) and answer.step.startswith(PUT) and answer.status in (400, 403):
        return Retry(SHORT_WAIT, "account", Message("connectors.uploads_gone"))
    if isinstance(answer, Response) and answer.status == 404:
        return staged_anew()
    return meaning(answer, creates=False)


def _published(answer: Answer) -> Outcome:
    if number := uuid_of(answer):
        return Published(number, "", told_at(told_by(answer).get("createdAt")))
    if isinstance(answer, Response) and answer.status == 404 and "media" in said(answer):
        return staged_anew()
    return meaning(answer, creates=True)


def _listing(page: int) -> WireStep:
    path = f"/posts?page={page}&size={LISTED}"
    return WireStep("look", StepKind.CONTROL, "GET", path, headers=VERSION, action="look")


def _listed(answer: Answer) -> list[dict[str, Any]] | None:
    """The posts of a page; None when it is no look."""
    told = told_by(answer)
    posts = told.get("data") if isinstance(told.get("pagination"), dict) else None
    whole = isinstance(posts, list) and all(isinstance(post, dict) and post.get("uuid") for post in posts)
    return posts if whole else None
