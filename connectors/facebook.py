"""Facebook: posts of a Page, of words, up to ten pictures or one film, each fetched from an address of ours; messages.

Pictures are brought ahead, unpublished, and the last request names them. A film is shown by the request that brings it,
and worked on for minutes after: it is asked after by its number. No key travels: a lost answer is sought in the posts.
Source: https://developers.facebook.com/docs/pages-api/posts,
https://developers.facebook.com/docs/graph-api/reference/page/photos, /videos and /published_posts
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors import (
    facebook_account,
    facebook_chats,
    facebook_remarks,
    facebook_words,
    fitting,
    meta_calls,
    meta_chats,
    showing,
    wordless,
)
from connectors.answers import ahead, body_of, segment, told_at, told_by
from connectors.calling import Wakes
from connectors.capabilities import Capabilities
from connectors.contract import Answer, Copy, FileRef, News, Response, Send, Sought, StepKind, Update, WireStep
from connectors.enrolment import Connected, Visit
from connectors.facebook_addresses import address_of, number_in
from connectors.facebook_answers import is_post, meaning, number_of, post_of
from connectors.facebook_hearing import remarks_of
from connectors.instagram_answers import data_of, goes_on, id_of
from connectors.naming import NO_POST, UNREAD, Address
from connectors.outcomes import (
    Absent,
    Failed,
    Found,
    Outcome,
    Processing,
    Published,
    Rejected,
    Sighting,
    Uncertain,
    Unknown,
)
from connectors.remarks import Act, Remarks, Spot, is_answer
from connectors.standing import Missing, Stand, Standing
from connectors.threads_answers import is_gone, lacks_right
from connectors.threads_remarks import unless_there
from foundation.sealed import Sealed
from foundation.words import Message
from gate.units import IS_COMMENT, REMARK, Medium, Unit

PUBLISH = "publish"
MOST_TEXT, MOST_PICTURES = 63_206, 10
"""Characters; and pictures, as many as others bring in one post: nobody tells the most."""

FILM, PICTURE_BYTES = "video/mp4", 10_000_000
"""A film may be larger than a picture. How long it lasts and what shape it has is theirs to judge."""

FILM_SECONDS = 180.0
"""They fetch a film while the request waits."""

WINDOW = timedelta(seconds=60)
"""A post older than this before the attempt is another one with the same words."""

WORKED_ON = timedelta(minutes=30)
"""For so long a film that nobody answered for may still appear: longer than our address for it is good."""

LISTED, MOST_PAGES = 50, 5
_POST = "id,message,created_time,permalink_url,attachments{target{id},subattachments{target{id}}}"
_FIGURES = "shares,reactions.limit(0).summary(total_count),comments.filter(stream).limit(0).summary(total_count)"


class Facebook:
    """Posts and messages of a Page; pure."""

    capabilities = Capabilities(
        platform="facebook",
        surfaces=("page", facebook_chats.SURFACE.partition(".")[2]),
        max_text=MOST_TEXT,
        max_media=MOST_PICTURES,
        mimes=("image/jpeg", "image/png", FILM),
        max_bytes=200 * 1024 * 1024,
        look="listing",
        resend_is_look=False,
        can_delete=True,
        edits=True,
        can_chat=True,
        keeps_messages=True,
        reply_hours=meta_chats.REPLY_HOURS,
        poll_seconds=facebook_chats.POLL_SECONDS,
        poll_gap=meta_chats.POLL_GAP,
        sizes={facebook_chats.SURFACE.partition(".")[2]: (facebook_chats.MOST_TEXT, 0)},
        can_sell=False,
        stages=True,
        shows={"": showing.FACEBOOK},
        points_at=frozenset({REMARK}),
        first_comment=True,
        moderates=facebook_remarks.MODERATES,
        remarks_every=10,  # one to five requests; how many a Page may ask a day grows with who follows it
    )
    form = facebook_account.FORM
    numbers_prove = True

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Pictures, then the post that shows them, or a film; tell what the last answer meant. A message is one
        request."""
        if unit.viewer:
            return meta_chats.next_turn(facebook_chats.NETWORK, unit, answers, self.capabilities)
        if unit.remark:
            return facebook_remarks.answer(unit, answers, self.capabilities)
        if unit.comment == IS_COMMENT:
            return facebook_remarks.comment(unit, answers, self.capabilities)
        unfit = _unfit(unit, self.capabilities)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        film = next((medium for medium in unit.media if medium.mime == FILM), None)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _published(last, film=film is not None)
        if last is not None and last.step.startswith("stage:") and not id_of(last):
            return meaning(last, creates=False)
        if film is not None:
            return Send(_film(unit, film))
        made = {answer.step: id_of(answer) for answer in answers if answer.step.startswith("stage:")}
        for medium in unit.media:
            if _stage_name(medium) not in made:
                return Send(_picture(medium))
        return Send(_post(unit, [made[_stage_name(medium)] for medium in unit.media]))

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        """Ask after a film by its number; else read the Page's posts back to a minute before the attempt: its words and
        the time say which it is, or a picture that was brought for it. Of a message, the conversation."""
        if sought.chat:
            return meta_chats.find(facebook_chats.NETWORK, sought, answers)
        if sought.reply_to:
            return facebook_remarks.find(sought, answers)
        if film := next((id_of(one) for one in sought.told if one.step == PUBLISH and id_of(one)), ""):
            return _stands(film, sought.account, answers)
        pictures = {id_of(one) for one in sought.told if one.step.startswith("stage:")} - {""}
        if not _sought(sought) and not pictures:
            return Unknown(Message("connectors.no_lookup"))
        if not answers:
            return Send(_listing(""))
        last = answers[-1]
        posts = data_of(told_by(last))
        if posts is None or any(not number_of(post) for post in posts):
            return Unknown(Message("connectors.lookup_failed"))
        start = sought.armed_at - WINDOW - ahead(last, sought.asked_at or sought.armed_at)
        inside = [post for post in posts if (told_at(post.get("created_time")) or start) >= start]
        same = [post for post in inside if _is_it(post, sought, pictures)]
        if same:
            return _found(same[-1])
        after = goes_on(told_by(last))
        if len(inside) < len(posts) or not after:
            return _unseen(sought, inside, len(pictures))
        more = len(answers) < MOST_PAGES
        return Send(_listing(after)) if more else Unknown(Message("connectors.lookup_failed"))

    def home(self, account: str, destination: str, base_url: str) -> str:
        """The Page."""
        return f"https://www.facebook.com/{segment(account)}"

    def named(self, address: Address, answers: tuple[Answer, ...]) -> Send | Sighting:
        """An address has one of several numbers of a post: the Page's posts are read until one has it."""
        wanted = number_in(address.url)
        if not wanted:
            return NO_POST
        if not answers:
            return Send(_listing(""))
        posts = data_of(told_by(answers[-1]))
        if posts is None or any(not number_of(post) for post in posts):
            return UNREAD
        for post in posts:
            found, own = _found(post), number_of(post)
            if wanted in {own, own.partition("_")[2], number_in(found.url), *_shown(post)}:
                return found
        after = goes_on(told_by(answers[-1]))
        return Send(_listing(after)) if after and len(answers) < MOST_PAGES else Absent()

    def remove(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Delete a post or an answer. What cannot be deleted is asked after: gone already is gone."""
        if copy.chat:
            return Rejected(Message("meta.message_stays"), permanent=True)
        if is_answer(copy.native_id):
            return facebook_remarks.remove(copy.native_id, answers)
        if not answers:
            path = f"/{segment(copy.native_id)}"
            return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", path, action="delete"))
        first, there = answers[0], Message("facebook.no_delete")
        if isinstance(first, Response) and first.ok and body_of(first).get("success") is not False:
            return Published(copy.native_id)
        if lacks_right(first):  # it may still post: no reason to connect it anew at once
            return Rejected(there, permanent=False)
        if not is_gone(first):
            return meaning(first, creates=False)
        return unless_there(copy.native_id, answers[1:], answers[-1], there)

    def edit(self, unit: Unit, native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Other words in the place of those of a post that was made as we make them; a film keeps its own."""
        unfit = _unfit(unit, self.capabilities)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        if any(medium.mime == FILM for medium in unit.media):
            return Rejected(Message("edit.not_there"), permanent=True)
        return facebook_words.edit(_words(unit), native_id, answers)

    def read(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        """Reactions, comments and shares of a post; an answer has none."""
        if is_answer(copy.native_id) or copy.chat:
            return None
        if not answers:
            return Send(_asked("metrics", f"/{segment(copy.native_id)}?fields={segment(_FIGURES)}"))
        told = told_by(answers[-1])
        counted = {
            "likes": _within(told.get("reactions"), "summary", "total_count"),
            "comments": _within(told.get("comments"), "summary", "total_count"),
            "shares": _within(told.get("shares"), "count") if told else None,
        }
        found = {name: n for name, n in counted.items() if isinstance(n, int) and not isinstance(n, bool)}
        return {"shares": 0} | found if found else None  # nothing is told of shares where there are none

    def still(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Stand | None:
        """A post that the Page itself may not find is gone; nobody says who took it away."""
        if is_answer(copy.native_id) or copy.chat:
            return None
        if not answers:
            return Send(_asked("look", f"/{segment(copy.native_id)}?fields=id"))
        return Missing() if is_gone(answers[-1]) else Standing() if told_by(answers[-1]).get("id") else None

    def followers(self, account: str, destination: str, answers: tuple[Answer, ...]) -> Send | int | None:
        """How many follow the Page."""
        return facebook_account.followers(answers)

    def remarks(
        self, account: str, destination: str, cursor: str, answers: tuple[Answer, ...]
    ) -> Send | Remarks | None:
        """What people said under the Page's posts."""
        return remarks_of(account, cursor, answers)

    def subscribe(self, account: str, about: frozenset[Wakes], answers: tuple[Answer, ...]) -> Send | Outcome:
        """Be called about what people say."""
        return meta_calls.subscribed("facebook", account, about, answers)

    def listen(self, cursor: str, answers: tuple[Answer, ...]) -> Send | News | Outcome:
        """The Page's conversations, then the messages of those that changed."""
        return meta_chats.listen(facebook_chats.NETWORK, cursor, answers)

    def ack(self, update: Update) -> WireStep | None:
        """Nobody waits for that, and nothing is marked as read until the owner looks."""
        return None

    def moderate(self, spot: Spot, act: Act, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Hide, show or delete a comment, or block its author."""
        return facebook_remarks.moderate(spot, act, answers)

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]
    ) -> Send | Visit | Connected | Outcome:
        """Ask whose token it is, and what it may do."""
        return facebook_account.connect(form, answers)

    def check(self, account: str, answers: tuple[Answer, ...]) -> Send | Outcome | None:
        """Ask whose token it is."""
        return facebook_account.check(account, answers)


def _unfit(unit: Unit, can: Capabilities) -> Message | None:
    """Why the unit cannot go out as it is; nothing is ever cut."""
    if wrong := fitting.unfit(unit, can, length=len(_words(unit))):
        return wrong
    alone = not (unit.viewer or unit.buttons or unit.invoice is not None)
    if not alone or not (unit.media or _words(unit).strip()):
        return Message("facebook.words_or_files")
    if len(unit.media) > 1 and any(medium.mime == FILM for medium in unit.media):
        return Message("facebook.film_alone")
    for medium in unit.media:
        if medium.mime != FILM and medium.size > PICTURE_BYTES:
            return Message("connectors.medium_unfit", {"mime": medium.mime, "size": medium.size})
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def _words(unit: Unit) -> str:
    return unit.text("body") or unit.text("title")


def _stage_name(medium: Medium) -> str:
    return f"stage:{medium.sha256[:24]}"


def _picture(medium: Medium) -> WireStep:
    """One picture that nobody sees yet."""
    body = {"published": False, **({"alt_text_custom": medium.alt} if medium.alt else {})}
    file, path = FileRef(medium.sha256, medium.mime), "/{account}/photos"
    return WireStep(_stage_name(medium), StepKind.STAGE, "POST", path, body, fetched={"url": file}, deadline=60.0)


def _post(unit: Unit, pictures: list[str]) -> WireStep:
    words: dict[str, Any] = {"message": _words(unit)} if _words(unit) else {}
    shown = {"attached_media": [{"media_fbid": each} for each in pictures]} if pictures else {}
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/{account}/feed", words | shown)


def _film(unit: Unit, film: Medium) -> WireStep:
    """A film and its words, at once; they take no description of one."""
    words = {"description": _words(unit)} if _words(unit) else {}
    fetched, path = {"file_url": FileRef(film.sha256, film.mime)}, "/{account}/videos"
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", path, words, fetched=fetched, deadline=FILM_SECONDS)


def _asked(name: str, path: str) -> WireStep:
    """A harmless request for what stands somewhere."""
    action = "metrics" if name == "metrics" else "look"
    return WireStep(name, StepKind.CONTROL, "GET", path, action=action)


def _listing(after: str) -> WireStep:
    cursor = f"&after={segment(after)}" if after else ""
    return _asked("look", f"/{{account}}/published_posts?fields={segment(_POST)}&limit={LISTED}{cursor}")


def _published(answer: Answer, *, film: bool) -> Outcome:
    native_id = id_of(answer) if film else post_of(answer)
    if native_id:
        return Processing(native_id) if film else Published(native_id, address_of(native_id))
    if isinstance(answer, Response) and answer.ok:
        return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
    return meaning(answer, creates=True)


def _stands(film: str, page: str, answers: tuple[Answer, ...]) -> Send | Sighting:
    """How a film stands that they took: shown once it is worked through, or refused by then.

    Source: https://developers.facebook.com/docs/graph-api/reference/video-status
    """
    if not answers:
        return Send(_asked("look", f"/{film}?fields=status,post_id"))
    told = told_by(answers[-1])
    status = _within(told.get("status"), "video_status")
    if status == "error":
        phase = _within(told.get("status"), "processing_phase")
        errors = phase.get("errors") if isinstance(phase, dict) else None
        first = errors[0] if isinstance(errors, list) and errors else None
        code = _within(first, "code")
        return Failed(Message("facebook.film_refused", {"code": code if isinstance(code, int) else 0}))
    number = str(told.get("post_id") or "")
    native_id = number if "_" in number else f"{page}_{number}"
    if status == "ready" and is_post(native_id):
        return Found(native_id, address_of(native_id))
    return Unknown(Message("facebook.preparing" if told else "connectors.lookup_failed"))


def _within(value: Any, *names: str) -> Any:
    """What stands under a path of names; None for nothing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _sought(sought: Sought) -> str:
    """The words of a post, as its list tells them."""
    return (sought.text or sought.title).strip()


def _found(post: Mapping[str, Any]) -> Found:
    url = post.get("permalink_url")
    there = isinstance(url, str) and url.startswith("https://")
    return Found(number_of(post), str(url) if there else address_of(number_of(post)), told_at(post.get("created_time")))


def _is_it(post: Mapping[str, Any], sought: Sought, pictures: set[str]) -> bool:
    if number_of(post) in sought.known:
        return False
    words = _sought(sought)
    same = words and str(post.get("message") or "").strip() == words
    return bool(same) or bool(pictures & _shown(post))


def _shown(post: Mapping[str, Any]) -> set[str]:
    """The numbers of what a post shows."""
    listed = data_of(post["attachments"]) or [] if isinstance(post.get("attachments"), dict) else []
    below = [data_of(one["subattachments"]) or [] for one in listed if isinstance(one.get("subattachments"), dict)]
    every = (*listed, *(each for some in below for each in some))
    return {number for one in every if (number := str(_within(one, "target", "id") or ""))}


def _unseen(sought: Sought, inside: list[dict[str, Any]], known: int) -> Sighting:
    """Not in the list: absent, unless a film may still be worked on or, of no words, something there may be it."""
    film = any(medium.mime == FILM for medium in sought.media)
    if not _sought(sought):
        if film or known < len({medium.sha256 for medium in sought.media}):
            return Unknown(Message("connectors.no_lookup"))
        others = (post for post in inside if number_of(post) not in sought.known)
        alike = any(wordless.is_like(sought, post.get("message"), _shown(post)) for post in others)
        return wordless.DOUBT if alike else Absent()
    now, sent = sought.asked_at or sought.armed_at, sought.sent_at or sought.armed_at
    return Unknown(Message("facebook.preparing")) if film and now - sent < WORKED_ON else Absent()
