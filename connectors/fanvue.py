"""Fanvue: posts for subscribers, with pictures. The account is in `connectors/fanvue_account.py`.

A picture goes to a store at an address they give for it, and is ready some time later. No key travels with a post; a
lost answer is looked up among the account's own posts.
Source: https://api.fanvue.com/docs/api-reference/reference/posts/create-post, …/media/create-upload-session
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors import fanvue_account, fitting
from connectors.answers import SHORT_WAIT, ahead, segment, told_at, told_by
from connectors.capabilities import Capabilities
from connectors.contract import Answer, Copy, FileRef, Grant, Renewed, Response, Send, Sought, StepKind, WireStep
from connectors.enrolment import Connected, Visit
from connectors.fanvue_account import SURFACE, VERSION, meaning, said, uuid_of
from connectors.outcomes import Absent, Found, Outcome, Published, Rejected, Retry, Sighting, Unknown
from foundation.sealed import Sealed
from foundation.words import Message
from gate.units import Medium, Unit

PUBLISH = "publish"
SUBSCRIBERS = "audience=subscribers"
EVERYBODY = "followers-and-subscribers"
STORES = ("amazonaws.com", "cloudflarestorage.com", "fanvue.com")
"""Where the address for a picture may lie."""

POLLS, AGAIN = 3, timedelta(seconds=5)
"""How often one try asks whether a picture is ready, and how long the next try waits."""

WINDOW = timedelta(seconds=60)
"""A post older than this before the attempt is another one with the same words."""

LISTED, MOST_PAGES = 50, 5
CAN = Capabilities(
    platform="fanvue",
    surfaces=(SURFACE.partition(".")[2],),
    max_text=5000,
    max_media=10,
    mimes=("image/jpeg", "image/png", "image/webp"),
    max_bytes=10 * 1024 * 1024,
    look="listing",
    resend_is_look=False,
    can_delete=True,
    can_chat=False,
    can_sell=False,
    stages=True,
)
"""A picture is sent in one part; they take parts of at most 10 MB. How many pictures a post takes is nowhere said."""


class Fanvue:
    """Posts with pictures; pure."""

    capabilities = CAN
    form = fanvue_account.FORM
    refresh_grace = fanvue_account.ONCE

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Bring each picture to its store, wait until it is ready, then post; tell what an answer meant."""
        unfit = _unfit(unit)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _published(last)
        if last is not None and not (isinstance(last, Response) and last.ok):
            return _not_staged(last)
        uploads = [_Upload(medium, answers) for medium in unit.media]
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


class _Upload:
    """One picture on its way: opened, sent to its store, said to be whole, ready."""

    def __init__(self, medium: Medium, answers: tuple[Answer, ...]) -> None:
        self._medium, self._name = medium, medium.sha256[:24]
        self._answers = [one for one in answers if one.step.endswith(self._name)]
        opened = self._answer("stage:open:")
        self.uuid = uuid_of(opened, "mediaUuid") if opened is not None else ""
        told = told_by(opened).get("uploadId") if opened is not None else None
        self._upload = segment(told) if isinstance(told, str) and 0 < len(told) <= 500 else ""

    def _answer(self, kind: str) -> Answer | None:
        return next((one for one in reversed(self._answers) if one.step == f"{kind}{self._name}"), None)

    def next(self) -> Send | Outcome | None:
        """The next request of it, or why it waits; None when it can be shown."""
        if not self.uuid or not self._upload:
            unreadable = self._answer("stage:open:") is not None
            return Rejected(Message("connectors.unreadable"), permanent=False) if unreadable else Send(self._open())
        if self._answer("stage:done:") is not None:
            return self._ready()
        sent, where = self._answer("stage:put:"), self._answer("where:")
        if isinstance(sent, Response):
            return Send(self._done(sent.headers.get("etag", "")))
        told = where.sealed if isinstance(where, Response) else {}
        address = told.get("address", told.get("url"))
        return Send(self._put(address) if address is not None else self._where())

    def _open(self) -> WireStep:
        """Its name tells it from the others: what was opened for one picture is never taken for another's."""
        file = f"{self._name}.{self._medium.mime.rpartition('/')[2]}"
        body = {"name": self._name, "filename": file, "mediaType": "image"}
        name = f"stage:open:{self._name}"
        return WireStep(name, StepKind.STAGE, "POST", "/media/uploads", body, headers=VERSION)

    def _where(self) -> WireStep:
        """Told as text; the description has it in JSON."""
        path, name = f"/media/uploads/{self._upload}/parts/1/url", f"where:{self._name}"
        asked = WireStep(name, StepKind.CONTROL, "GET", path, headers=VERSION, action="look", text_as="address")
        return replace(asked, secret_fields=("url",))

    def _put(self, address: Sealed) -> WireStep:
        """Without a credential: whoever has the address may send to it."""
        return WireStep(
            f"stage:put:{self._name}",
            StepKind.STAGE,
            "PUT",
            "/",
            file=FileRef(self._medium.sha256, self._medium.mime),
            token="none",  # noqa: S106  no secret
            deadline=120.0,
            address=address,
            within=STORES,
            text_as="receipt",
        )

    def _done(self, etag: str) -> WireStep:
        body = {"parts": [{"PartNumber": 1, "ETag": etag}]}
        name, path = f"stage:done:{self._name}", f"/media/uploads/{self._upload}"
        return WireStep(name, StepKind.STAGE, "PATCH", path, body, headers=VERSION)

    def _ready(self) -> Send | Outcome | None:
        told = [one for one in self._answers if one.step == f"poll:{self._name}"]
        status = told_by(told[-1]).get("status") if told else ""
        if status == "ready":
            return None
        if status == "error":
            return Rejected(Message("fanvue.picture_failed"), permanent=False)
        if status == "created":  # nothing of it arrived
            return _staged_anew()
        if len(told) >= POLLS:
            return Retry(AGAIN, "account", Message("connectors.preparing"))
        path = f"/media/{self.uuid}"
        return Send(WireStep(f"poll:{self._name}", StepKind.CONTROL, "GET", path, headers=VERSION, action="look"))


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
    if isinstance(answer, Response) and answer.step.startswith("stage:put:") and answer.status in (400, 403):
        return Retry(SHORT_WAIT, "account", Message("connectors.uploads_gone"))
    if isinstance(answer, Response) and answer.status == 404:
        return _staged_anew()
    return meaning(answer, creates=False)


def _staged_anew() -> Retry:
    return Retry(SHORT_WAIT, "account", Message("connectors.uploads_gone"), uploads_gone=True)


def _published(answer: Answer) -> Outcome:
    if number := uuid_of(answer):
        return Published(number, "", told_at(told_by(answer).get("createdAt")))
    if isinstance(answer, Response) and answer.status == 404 and "media" in said(answer):
        return _staged_anew()
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
