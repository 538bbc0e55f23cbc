"""Threads: posts of words, of one picture or film, or of up to twenty; part under part. Threads fetches each file from
an address of ours.

A container is made for each file, and for a carousel one around them; words alone are a container too. When they are
ready the last request publishes the outer one. No key travels: what became of a lost answer is read in the list of
posts, or of replies. Source: https://developers.facebook.com/docs/threads/posts,
https://developers.facebook.com/docs/threads/retrieve-and-manage-replies/create-replies
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors import (
    fitting,
    meta_tokens,
    meta_wordless,
    showing,
    threads_account,
    threads_listing,
    threads_remarks,
    wordless,
)
from connectors.answers import ahead, body_of, segment, staged_anew, told_at
from connectors.capabilities import Capabilities
from connectors.contract import (
    Answer,
    Copy,
    FileRef,
    Grant,
    Renewed,
    Response,
    Send,
    Sought,
    StepKind,
    WireStep,
)
from connectors.enrolment import Connected, Visit
from connectors.instagram_answers import id_of
from connectors.instagram_remarks import number_of
from connectors.naming import Address
from connectors.outcomes import Absent, Found, Outcome, Published, Rejected, Retry, Sighting, Uncertain, Unknown
from connectors.places import Located, shown_at
from connectors.remarks import Act, Remarks, Spot
from connectors.standing import Stand
from connectors.threads_answers import AGAIN, FILM_AGAIN, failure, is_gone, lacks_right, meaning
from connectors.threads_hearing import remarks_of
from connectors.threads_listing import MOST_PAGES, POSTS, REPLIES, asked, goes_on, listing, posts_of
from connectors.threads_text import MOST_ALT, MOST_LINKS, MOST_TEXT, length, links
from foundation.sealed import Sealed
from foundation.words import Message
from gate.units import REMARK, Medium, Unit

PUBLISH, PARENT = "publish", "stage:parent"
FILM, PICTURE_BYTES = "video/mp4", 8 * 1024 * 1024
"""A film may be larger than a picture: a gigabyte, which is more than any of ours."""

LONGEST_SIDE = 10
"""So many times the other one, at most."""

POLLS = 3
"""How often one try asks whether a container is ready."""

WINDOW = timedelta(seconds=60)
"""A post older than this before the attempt is another one with the same words."""

_NUMBERS = {
    "views": "views",
    "likes": "likes",
    "replies": "comments",
    "reposts": "reposts",
    "quotes": "quotes",
    "shares": "shares",
}


class Threads:
    """Posts, and replies to them; pure."""

    capabilities = Capabilities(
        platform="threads",
        surfaces=("post",),
        max_text=MOST_TEXT,
        max_media=20,
        mimes=("image/jpeg", "image/png", FILM),
        max_bytes=200 * 1024 * 1024,
        film_seconds=(0, 300),  # https://developers.facebook.com/docs/threads/overview, "Video Specifications"
        look="listing",
        resend_is_look=False,
        can_delete=True,
        can_chat=False,
        can_sell=False,
        stages=True,
        threads=25,
        shows={"": showing.THREADS},
        points_at=frozenset({REMARK}),
        moderates=threads_remarks.MODERATES,
        remarks_every=5,  # eight requests at most, of 48,000 a day that an account has at the least
    )
    form = threads_account.FORM
    numbers_prove = True
    refresh_grace = meta_tokens.STAYS

    def count(self, unit: Unit) -> tuple[int, int]:
        """Characters, an emoji by its bytes."""
        return length(_words(unit)), MOST_TEXT

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Containers, until they are ready, then the publication; tell what the last answer meant."""
        unfit = _unfit(unit, self.capabilities)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _published(last, unit)
        if last is not None and last.step.startswith("stage:") and not id_of(last):
            return _refused(last, unit, creates=False)
        made = {answer.step: id_of(answer) for answer in answers if answer.step.startswith("stage:")}
        for medium in unit.media:
            if meta_wordless.stage_name(medium) not in made:
                return Send(_container(unit, medium))
        inner = [made[meta_wordless.stage_name(medium)] for medium in unit.media]
        again = FILM_AGAIN if any(medium.mime == FILM for medium in unit.media) else AGAIN
        if (waiting := _waiting(inner, answers, again)) is not None:
            return waiting
        if len(inner) == 1:
            return Send(_publish(inner[0]))
        if PARENT not in made:
            return Send(_outer(unit, inner))
        return _waiting([made[PARENT]], answers, again) or Send(_publish(made[PARENT]))

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        """Read the account's posts, or its replies, back to a minute before the attempt: words, time and what it stands
        under say which it is, its container where it has no words."""
        if wordless.is_wordless(sought):
            return meta_wordless.find(NETWORK, sought, PARENT, answers)
        if not _said(sought):
            return Unknown(Message("connectors.no_lookup"))
        if not answers:
            return Send(listing("look", _list_of(sought), ""))
        last = answers[-1]
        posts = posts_of(last)
        if posts is None:
            return Unknown(Message("connectors.lookup_failed"))
        start = sought.armed_at - WINDOW - ahead(last, sought.asked_at or sought.armed_at)
        inside = [post for post in posts if (told_at(post.get("timestamp")) or start) >= start]
        same = [post for post in inside if _is_it(post, sought)]
        if same:
            first = same[-1]
            return Found(number_of(first), str(first.get("permalink") or ""), told_at(first.get("timestamp")))
        after = goes_on(last)
        if len(inside) < len(posts) or not after:
            return Absent()
        more = len(answers) < MOST_PAGES
        return Send(listing("look", _list_of(sought), after)) if more else Unknown(Message("connectors.lookup_failed"))

    def home(self, account: str, destination: str, base_url: str) -> str:
        """The site: accounts are known by a number that leads nowhere."""
        return "https://www.threads.net/"

    def named(self, address: Address, answers: tuple[Answer, ...]) -> Send | Sighting:
        """The account's own post whose code is in an address."""
        return threads_listing.named(address, answers)

    def still(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Stand | None:
        """A read of what is there may say that it is not: what is in neither of the account's lists is gone."""
        return threads_listing.still(copy, answers)

    def remove(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Delete a post or an answer; a hundred a day. What cannot be deleted is asked after: gone already is gone.

        Source: https://developers.facebook.com/docs/threads/posts/delete-posts
        """
        if not answers:
            path = f"/{segment(copy.native_id)}"
            return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", path, action="delete"))
        first, last = answers[0], answers[-1]
        if isinstance(first, Response) and first.ok and body_of(first).get("success") is not False:
            return Published(copy.native_id)
        if lacks_right(first):  # it still posts: no reason to connect it anew at once
            return Rejected(Message("threads.no_delete"), permanent=False)
        if not is_gone(first):
            return meaning(first, creates=False)
        return threads_remarks.unless_there(copy.native_id, answers[1:], last, Message("threads.no_delete"))

    def read(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        """Views, likes, replies, reposts, quotes and shares; None where the token may not read them.

        Source: https://developers.facebook.com/docs/threads/insights#media-insights
        """
        if not answers:
            return Send(asked("metrics", f"/{segment(copy.native_id)}/insights?metric={','.join(_NUMBERS)}"))
        told = threads_account.figures(answers[-1])
        found = {name: told.get(theirs) for theirs, name in _NUMBERS.items()}
        return {name: n for name, n in found.items() if isinstance(n, int) and not isinstance(n, bool)} or None

    def address(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Located | None:
        """Where people find a post."""
        if not answers:
            return Send(asked("look", f"/{segment(copy.native_id)}?fields=permalink"))
        told = body_of(answers[-1]).get("permalink")
        return Located(url) if (url := shown_at(told, "threads.net", "threads.com")) else None

    def followers(self, account: str, destination: str, answers: tuple[Answer, ...]) -> Send | int | None:
        """How many follow the account."""
        return threads_account.followers(answers)

    def remarks(
        self, account: str, destination: str, cursor: str, answers: tuple[Answer, ...]
    ) -> Send | Remarks | None:
        """What people said under the account's posts, and where they name it."""
        return remarks_of(cursor, answers)

    def moderate(self, spot: Spot, act: Act, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Hide or show what stands under a post of the account's."""
        return threads_remarks.moderate(spot, act, answers)

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]
    ) -> Send | Visit | Connected | Outcome:
        """Ask whose token it is."""
        return threads_account.connect(form, answers)

    def check(self, account: str, answers: tuple[Answer, ...]) -> Send | Outcome | None:
        """Ask whose token it is."""
        return threads_account.check(account, answers)

    def refresh(self, grant: Grant, answers: tuple[Answer, ...]) -> Send | Renewed | Outcome:
        """The token that follows; the one before stays good."""
        return threads_account.refresh(grant, answers)


def _unfit(unit: Unit, can: Capabilities) -> Message | None:
    """Why the unit cannot go out as it is; nothing is ever cut."""
    words = _words(unit)
    if wrong := fitting.unfit(unit, can, length=length(words)):
        return wrong
    alone = not (unit.viewer or unit.buttons or unit.invoice is not None)
    if unit.remark and (unit.media or unit.text("title") or not alone or not threads_remarks.is_remark(unit.remark)):
        return Message("threads.words_alone")
    if not alone or not (unit.media or words.strip()):
        return Message("threads.words_or_files")
    if links(words) > MOST_LINKS:
        return Message("threads.too_many_links", {"most": MOST_LINKS})
    for place, medium in enumerate(unit.media, start=1):
        if len(medium.alt) > MOST_ALT:
            return Message("connectors.text_too_long", {"length": len(medium.alt), "most": MOST_ALT})
        if medium.mime == FILM:
            continue
        if medium.size > PICTURE_BYTES:
            return Message("connectors.medium_unfit", {"mime": medium.mime, "size": medium.size})
        if max(medium.width, medium.height) > LONGEST_SIDE * min(medium.width, medium.height):
            return Message("threads.shape", {"place": place})
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def _words(unit: Unit) -> str:
    return unit.text("body") or unit.text("title")


def _shown(unit: Unit) -> dict[str, Any]:
    """What people read of a post, and what it is put under."""
    under = {"reply_to_id": unit.under} if unit.under else {}
    return ({"text": _words(unit)} if _words(unit) else {}) | under


def _container(unit: Unit, medium: Medium) -> WireStep:
    """One picture or film: a whole post, or an item of a carousel, which says nothing of its own."""
    file = FileRef(medium.sha256, medium.mime)
    said = {"is_carousel_item": True} if len(unit.media) > 1 else _shown(unit)
    alt = {"alt_text": medium.alt} if medium.alt else {}
    kind, field = ("VIDEO", "video_url") if medium.mime == FILM else ("IMAGE", "image_url")
    return _made(meta_wordless.stage_name(medium), {"media_type": kind, **said, **alt}, {field: file})


def _outer(unit: Unit, inner: list[str]) -> WireStep:
    """What holds the files together, or words alone."""
    kind = {"media_type": "CAROUSEL", "children": ",".join(inner)} if inner else {"media_type": "TEXT"}
    return _made(PARENT, {**kind, **_shown(unit)}, {})


def _made(name: str, body: Mapping[str, Any], fetched: Mapping[str, FileRef]) -> WireStep:
    return WireStep(name, StepKind.STAGE, "POST", "/{account}/threads", body, fetched=fetched, deadline=60.0)


def _list_of(sought: Sought) -> str:
    """Replies stand in a list of their own."""
    return REPLIES if sought.reply_to else POSTS


def _publish(container: str) -> WireStep:
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/{account}/threads_publish", {"creation_id": container})


def _waiting(containers: list[str], answers: tuple[Answer, ...], again: timedelta) -> Send | Outcome | None:
    """The next question, or why it must wait, until every container is ready; None then."""
    for container in containers:
        name = f"poll:{container}"
        told = [answer for answer in answers if answer.step == name]
        status = body_of(told[-1]).get("status") if told else None
        if status == "FINISHED":
            continue
        if status == "ERROR" and (word := failure(told[-1])):
            return Rejected(Message("threads.file_refused", {"code": word}), permanent=False)
        if status in ("ERROR", "EXPIRED"):
            return staged_anew()
        if status == "PUBLISHED":  # by an attempt nobody lived to settle
            return Uncertain(Message("connectors.answer_lost", {"detail": "published"}))
        if told and status != "IN_PROGRESS" and not is_gone(told[-1]):
            return meaning(told[-1], creates=False)
        if len(told) >= POLLS or (told and status is None):
            return Retry(again, "account", Message("threads.preparing"))
        return Send(asked(name, f"/{container}?fields=status,error_message"))
    return None


def _published(answer: Answer, unit: Unit) -> Outcome:
    if native_id := id_of(answer):
        return Published(native_id)
    if isinstance(answer, Response) and answer.ok:
        return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
    return _refused(answer, unit, creates=True)


def _refused(answer: Answer, unit: Unit, *, creates: bool) -> Outcome:
    """What a refusal of a container, or of its publication, means; of a reply, some speak of what it stands under."""
    if unit.under and lacks_right(answer):  # it may still post what stands alone
        return Rejected(Message("threads.no_replies"), permanent=False)
    if unit.remark and not creates and is_gone(answer):
        return Rejected(Message("threads.remark_gone"), permanent=False)
    return meaning(answer, creates=creates)


def _said(sought: Sought) -> str:
    return (sought.text or sought.title).strip()


def _is_it(post: Mapping[str, Any], sought: Sought) -> bool:
    under = post.get("replied_to")
    above = number_of(under) if isinstance(under, dict) else ""
    said = str(post.get("text") or "").strip() == _said(sought)
    there = not above or above == sought.reply_to
    return said and there and number_of(post) not in sought.known


def _shaped(sought: Sought, after: str) -> WireStep:
    return listing("look", _list_of(sought), after, f",{meta_wordless.SHAPE}")


NETWORK = meta_wordless.Network("status", "text", _shaped, posts_of, goes_on, MOST_PAGES)
