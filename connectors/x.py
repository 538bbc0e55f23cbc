"""X: posts, threads and pictures. The account is in `connectors/x_account.py`.

No key travels with a post. X refuses the same words within some hours, which brakes a repeat and proves nothing; so a
lost answer is looked up in the account's own timeline, which costs as every read there does.
Source: https://docs.x.com/x-api/posts/create-post
"""

from collections.abc import Mapping, Set
from datetime import timedelta
from functools import partial
from typing import Any

from connectors import fitting, options, showing, wordless, x_account, x_remarks
from connectors.answers import ahead, body_of, segment, staged_anew, told_at
from connectors.capabilities import Capabilities, Option
from connectors.contract import Answer, Copy, FileRef, Grant, Renewed, Response, Send, Sought, StepKind, WireStep
from connectors.enrolment import Connected, Visit
from connectors.naming import NO_POST, OTHERS, UNREAD, Address
from connectors.outcomes import Absent, Found, Outcome, Published, Rejected, Sighting, Unknown
from connectors.remarks import Act, Remarks, Spot
from connectors.revoking import Held
from connectors.standing import Missing, Stand, Standing
from connectors.x_account import SURFACE, data_of, id_of, meaning, said
from connectors.x_films import MIME, OPEN, PART, Film
from connectors.x_reading import above, fields, is_unknown_name, meta_of, number_in, shown, unnamed, url_of, written
from connectors.x_text import length, plain
from foundation.sealed import Sealed
from foundation.words import Message
from gate.units import REMARK, Medium, Unit

PUBLISH, STAGE, TOLD = "publish", "stage:", "told:"
ADULT, AI = "media_metadata.sensitive_media_warning.adult_content=true", "made_with_ai=true"
MOST_ALT, PICTURE_BYTES = 1000, 5_000_000
WINDOW = timedelta(seconds=60)
"""A post older than this before the attempt is another one with the same words."""

LISTED, MOST_PAGES = 20, 5
"""Posts of one page of the timeline, each of which costs, and how many pages a look reads at most."""

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

CAN = Capabilities(
    platform="x",
    surfaces=(SURFACE.partition(".")[2],),
    max_text=280,
    max_media=4,
    mimes=("image/jpeg", "image/png", "image/webp", MIME),
    max_bytes=100 * 1024 * 1024,
    film_seconds=(0, 140),  # https://docs.x.com/x-api/media/quickstart/best-practices
    look="listing",
    resend_is_look=False,
    can_delete=True,
    can_chat=False,
    can_sell=False,
    stages=True,
    points_at=frozenset({REMARK}),
    moderates=x_remarks.ACTS,
    remarks_every=x_remarks.EVERY,
    threads=25,
    cost="used",
    shows={"": showing.X},
    options=(Option("answers", "choice", choices=("following", "mentionedUsers", "subscribers", "verified")),),
)


class X:
    """Posts with up to four pictures; pure."""

    capabilities = CAN
    form = x_account.FORM
    numbers_prove = True
    refresh_grace = x_account.ONCE

    def count(self, unit: Unit) -> tuple[int, int]:
        """The weighted length."""
        return length(unit.text("body")), CAN.max_text

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Upload each picture and tell what it shows, then post; tell what an answer meant."""
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
            uploaded = film.id if film is not None else _id_in(_last(_name(STAGE, medium), answers))
            waiting = film.next() if film is not None else None if uploaded else Send(_stage(medium))
            if waiting is not None:
                return waiting
            told = _last(_name(TOLD, medium), answers)
            if told is None or id_of(told) != uploaded:
                return Send(_tell(medium, uploaded, adult=ADULT in unit.flags))
            if ADULT in unit.flags and not _is_warned(told):
                return Rejected(Message("x.not_warned"), permanent=False)
            uploads.append(uploaded)
        return Send(_post(unit, uploads))

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        """List what the account posted since the attempt: words say which it is or, where there are none, its media."""
        silent = not sought.text.strip()
        files = wordless.files_of(sought, partial(_uploaded, sought)) if silent else frozenset[str]()
        if silent and not files:
            return Unknown(Message("connectors.no_lookup"))
        asked = fields(answers, "created_at,entities,attachments", "referenced_tweets", "referenced_posts")
        if not answers or (len(answers) == 1 and is_unknown_name(answers[0])):
            return Send(_listing(sought, asked))
        posts = _listed(answers[-1])
        if posts is None:
            return Unknown(Message("connectors.lookup_failed"))
        start = sought.armed_at - WINDOW - ahead(answers[-1], sought.asked_at or sought.armed_at)
        recent = [post for post in posts if (told_at(post.get("created_at")) or start) >= start]
        here = [post for post in recent if above(post) == sought.reply_to]
        seen = _by_files(here, sought, files) if silent else _by_words(here, sought)
        if seen is not None:
            return seen
        more = meta_of(answers[-1]).get("next_token")
        if not more or len(recent) < len(posts):
            return Absent()
        pages = sum(_listed(answer) is not None for answer in answers)
        whole = pages < MOST_PAGES and isinstance(more, str)
        return Send(_listing(sought, asked, more)) if whole else Unknown(Message("connectors.lookup_failed"))

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
        """Delete the post; gone already is gone."""
        if not answers:
            path = f"/2/tweets/{segment(copy.native_id)}"
            return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", path, action="delete"))
        last = answers[-1]
        if data_of(last).get("deleted") is True or _is_gone(last, copy):
            return Published(copy.native_id)
        return meaning(last, creates=False)

    def read(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        """Views, likes, replies, reposts, quotes and saves."""
        if not answers or (len(answers) == 1 and is_unknown_name(answers[0])):
            path = f"/2/tweets/{segment(copy.native_id)}?{fields(answers, 'public_metrics')}"
            return Send(WireStep("metrics", StepKind.CONTROL, "GET", path, action="metrics"))
        told = data_of(answers[-1]).get("public_metrics")
        found = told if isinstance(told, dict) else {}
        return {name: found[field] for field, name in _COUNTS.items() if isinstance(found.get(field), int)} or None

    def still(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Stand | None:
        """What X itself does not find is gone; it says the same of every reason."""
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


def _name(kind: str, medium: Medium) -> str:
    return f"{kind}{medium.sha256[:24]}"


def _stage(medium: Medium) -> WireStep:
    """One picture in one go: https://docs.x.com/x-api/media/media-upload"""
    file = FileRef(medium.sha256, medium.mime, f"picture.{medium.mime.rpartition('/')[2]}")
    fields, name = {"media_category": "tweet_image"}, _name(STAGE, medium)
    return WireStep(name, StepKind.STAGE, "POST", "/2/media/upload", fields, files={"media": file}, deadline=120.0)


def _tell(medium: Medium, uploaded: str, *, adult: bool) -> WireStep:
    """What it shows, in words, and whether for adults: https://docs.x.com/x-api/media/create-media-metadata"""
    told: dict[str, Any] = {"alt_text": {"text": medium.alt}}
    if adult:
        told["sensitive_media_warning"] = {"adult_content": True}
    body = {"id": uploaded, "metadata": told}
    return WireStep(_name(TOLD, medium), StepKind.STAGE, "POST", "/2/media/metadata", body)


def _post(unit: Unit, media: list[str]) -> WireStep:
    body: dict[str, Any] = {"text": unit.text("body")} if unit.text("body") else {}
    if media:
        body["media"] = {"media_ids": media}
    if AI in unit.flags:
        body["made_with_ai"] = True
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


def _by_words(posts: list[dict[str, Any]], sought: Sought) -> Found | None:
    words = unnamed if sought.reply_to else str
    same = (post for post in reversed(posts) if plain(words(written(post))) == plain(words(sought.text)))
    return next((_found(post) for post in same if str(post["id"]) not in sought.known), None)


def _by_files(posts: list[dict[str, Any]], sought: Sought, files: Set[str]) -> Found | Unknown | None:
    seen = wordless.among(posts, sought, files, number=lambda post: str(post["id"]), shows=shown, says=_said)
    return seen if seen is None or isinstance(seen, Unknown) else _found(seen)


def _said(post: Mapping[str, Any]) -> str:
    return unnamed(written(post))


def _found(post: Mapping[str, Any]) -> Found:
    number = str(post["id"])
    return Found(number, url_of(number), told_at(post.get("created_at")))


def _uploaded(sought: Sought, medium: Medium) -> set[str]:
    """Every id that X gave a file of it."""
    names = (_name(STAGE, medium), _name(OPEN, medium))
    return {id_of(answer) for answer in sought.told if answer.step in names} - {""}


def _listing(sought: Sought, named: str, page: str = "") -> WireStep:
    """A page of the timeline. It begins at no time: a clock of ours that is ahead would hide what was posted."""
    asked = f"max_results={LISTED}&exclude=retweets&{named}" + (f"&pagination_token={segment(page)}" if page else "")
    path = f"/2/users/{segment(sought.account)}/tweets?{asked}"
    return WireStep("look", StepKind.CONTROL, "GET", path, action="look")


def _listed(answer: Answer) -> list[dict[str, Any]] | None:
    """The posts of a listing, newest first; None when it is no look. One without posts has no `data`."""
    if not isinstance(answer, Response) or not answer.ok or "result_count" not in meta_of(answer):
        return None
    posts = body_of(answer).get("data", [])
    whole = isinstance(posts, list) and all(isinstance(post, dict) and post.get("id") for post in posts)
    return posts if whole and len(posts) == meta_of(answer)["result_count"] else None


def _is_gone(answer: Answer, copy: Copy) -> bool:
    """Whether X itself says that there is no such post: another's 404 page proves nothing."""
    if not isinstance(answer, Response) or NOT_FOUND not in said(answer):
        return False
    return answer.status in (200, 404) and copy.native_id in str(body_of(answer))
