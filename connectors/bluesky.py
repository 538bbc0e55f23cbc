"""Bluesky: posts on a personal data server (AT Protocol). Signing in is in `connectors/bluesky_account.py`,
messages are in `bluesky_chats.py`.

A film is uploaded as a picture is. The network works through it once it is posted, so it plays some seconds later.

The record's key is ours and kept before anything is sent, and its time follows from it: the server answers a repeat of
the same record with "nothing changed", so a lost answer is looked up by its key, and sent again where it is not there.
Source: https://docs.bsky.app/docs/api/com-atproto-repo-put-record
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors import (
    bluesky_account,
    bluesky_acts,
    bluesky_cards,
    bluesky_chats,
    bluesky_names,
    bluesky_remarks,
    fitting,
    showing,
)
from connectors.answers import SHORT_WAIT, error_word, segment, told_by
from connectors.bluesky_account import CHAT_SURFACE, meaning
from connectors.bluesky_acts import is_absent, look
from connectors.bluesky_record import (
    COLLECTION,
    FILM,
    LABEL_FLAG,
    MOST_BYTES,
    MOST_GRAPHEMES,
    labels,
    labels_of,
    moment,
    record,
    tid,
    untold,
)
from connectors.bluesky_remarks import url_of
from connectors.capabilities import Capabilities, Option
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
from connectors.enrolment import Connected
from connectors.folding import Card
from connectors.naming import NO_POST, OTHERS, UNREAD, Address, is_key, path_of
from connectors.outcomes import (
    Absent,
    Found,
    Outcome,
    Published,
    Rejected,
    Retry,
    Sighting,
    Uncertain,
    Unknown,
)
from connectors.places import Shown
from connectors.remarks import Act, Remarks, Spot
from connectors.standing import Missing, Stand, Standing
from foundation.sealed import Sealed
from foundation.words import Message
from gate.units import REMARK, Medium, Unit

PUBLISH, ABOVE = "publish", "above"
PICTURE_BYTES = 2_000_000
"""A film stands alone, and may be as large as a server takes a file; older ones take less, and say so."""

CAN = Capabilities(
    platform="bluesky",
    surfaces=("post", CHAT_SURFACE.partition(".")[2]),
    max_text=MOST_GRAPHEMES,
    max_media=4,
    mimes=("image/jpeg", "image/png", "image/webp", FILM),
    max_bytes=50_000_000,
    film_seconds=(0, 180),  # https://docs.bsky.app/docs/tutorials/video: what is longer stands there and does not play
    look="key",
    resend_is_look=True,
    can_delete=True,
    can_chat=True,
    can_sell=False,
    stages=True,
    threads=25,
    poll_seconds=bluesky_chats.POLL_SECONDS,
    sizes={CHAT_SURFACE.partition(".")[2]: (bluesky_chats.MOST_TEXT, 0)},
    looks_for_messages=True,
    keeps_messages=True,
    shows={"": showing.BLUESKY},
    options=(
        Option(
            "languages",
            "list",
            most=30,
            entries=3,
            pattern="[a-z]{2,3}(-[A-Za-z]{2,8})?",
            example="fr",
        ),
        *bluesky_cards.OPTIONS,
    ),
    points_at=frozenset({REMARK}),
    moderates=bluesky_acts.MODERATES,
    remarks_every=5,  # one request of the 3000 that an address has in as many minutes
)
_COUNTS = {"likeCount": "likes", "replyCount": "comments", "repostCount": "reposts", "quoteCount": "quotes"}


class Bluesky:
    """Posts with up to four pictures, or a film; pure."""

    capabilities = CAN
    form = bluesky_account.FORM
    numbers_prove = True
    refresh_grace = bluesky_account.GRACE

    def key_of(self, key: str, at: datetime) -> str:
        """A record key of the moment `at`: readers see the post as of then."""
        return tid(key, at)

    def count(self, unit: Unit) -> tuple[int, int]:
        """Characters as readers see them."""
        return fitting.graphemes(unit.text("body")), CAN.size(unit.surface)[0]

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Upload each file, read what it is put under and whose its names are, then put the record; tell what the last
        answer meant."""
        if unit.viewer:
            wrong = bluesky_chats.unfit(unit, CAN)
            return Rejected(wrong, permanent=False) if wrong else bluesky_chats.next_turn(unit, answers)
        at = moment(unit.native_key)
        unfit = _unfit(unit)
        if at is None or unfit is not None:
            return Rejected(unfit or Message("connectors.no_key"), permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _published(last, unit, at)
        if last is not None and last.step.startswith("stage:") and _blob(last) is None:
            return meaning(last, creates=False)
        blobs = {answer.step: blob for answer in answers if (blob := _blob(answer)) is not None}
        for medium in unit.media:
            if _stage_name(medium) not in blobs:
                return Send(_stage(medium))
        above = next((answer for answer in answers if answer.step == ABOVE), None)
        if unit.remark and above is None:
            return Send(bluesky_remarks.seen(unit.remark, ABOVE))
        if unit.under and above is None:
            return Send(replace(look(unit.account, _rkey(unit.under)), name=ABOVE))
        under = _under(above, unit) if above is not None else None
        if isinstance(under, Outcome):
            return under
        people = bluesky_names.people(unit.text("body"), answers)
        if not isinstance(people, Mapping):
            return people
        uploaded = [blobs[_stage_name(medium)] for medium in unit.media]
        return Send(_put(unit, record(unit, uploaded, at, under, people)))

    def card(self, unit: Unit) -> Card | None:
        """The card of a page that somebody wrote for it."""
        return None if unit.viewer else bluesky_cards.card(unit)

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        """Read the record by its key: what stands there is ours, and must say what we said. Messages are paged."""
        if sought.chat:
            return bluesky_chats.find(sought, answers)
        if not answers:
            return Send(look(sought.account, sought.native_key))
        last = answers[-1]
        value = _record_of(last)
        if value is not None and value.get("text") == sought.text:
            uri = _uri(sought.account, sought.native_key)
            return Found(uri, url_of(sought.account, sought.native_key), moment(sought.native_key))
        if value is not None:
            return Unknown(Message("connectors.other_text_there"))
        return Absent() if is_absent(last) else Unknown(Message("connectors.lookup_failed"))

    def home(self, account: str, destination: str, base_url: str) -> str:
        """The profile."""
        return url_of(account, "").removesuffix("/post/")

    def named(self, address: Address, answers: tuple[Answer, ...]) -> Send | Sighting:
        """The record whose key is in an address, in the account's own repository: nobody else's is read."""
        path = path_of(address.url, "bsky.app")
        if len(path) != 4 or (path[0], path[2]) != ("profile", "post") or not is_key(path[3]):
            return NO_POST
        who, rkey = path[1], path[3]
        if who.startswith("did:") and who != address.account:
            return OTHERS
        if not answers:
            return Send(look(address.account, rkey))
        if _record_of(answers[-1]) is not None:
            return Found(_uri(address.account, rkey), url_of(address.account, rkey), moment(rkey))
        return Absent() if is_absent(answers[-1]) else UNREAD

    def remove(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Delete the record, then see that it is gone. A message stays with its reader: a person is told."""
        if copy.chat:
            return Rejected(Message("bluesky.message_stays"), permanent=False)
        rkey = _rkey(copy.native_id)
        if not answers:
            body = {"repo": copy.account, "collection": COLLECTION, "rkey": rkey}
            path = "/xrpc/com.atproto.repo.deleteRecord"
            return Send(WireStep("delete", StepKind.RESTRICT, "POST", path, body, action="delete"))
        last = answers[-1]
        if last.step == "delete":
            done = isinstance(last, Response) and 200 <= last.status < 300  # older servers answer without a body
            return Send(look(copy.account, rkey)) if done else meaning(last, creates=False)
        if is_absent(last):
            return Published(copy.native_id)
        return Retry(SHORT_WAIT, "account", Message("connectors.lookup_failed"))

    def read(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        """Likes, replies, reposts and quotes; the network counts no views."""
        if copy.chat:
            return None
        rkey = _rkey(copy.native_id)
        if not answers:
            path = f"/xrpc/app.bsky.feed.getPosts?uris={segment(_uri(copy.account, rkey))}"
            return Send(WireStep("metrics", StepKind.CONTROL, "GET", path, action="metrics"))
        match answers[-1]:
            case Response(body={"posts": [dict(post)]}) as last if last.ok:
                counts = {name: post.get(field) for field, name in _COUNTS.items()}
                return {name: count for name, count in counts.items() if isinstance(count, int)}
            case _:
                return None

    def still(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Stand | None:
        """Whether the account's own server keeps the record; the network's view may lag, or hide it from some."""
        if not answers:
            return Send(look(copy.account, _rkey(copy.native_id)))
        if _record_of(answers[-1]) is not None:
            return Standing()
        return Missing() if is_absent(answers[-1]) else None

    def read_back(self, copy: Copy, flags: tuple[str, ...], answers: tuple[Answer, ...]) -> Send | Shown | Outcome:
        """Whether the record bears the labels it was sent with; anybody may read it."""
        wanted = labels(flags)
        if not wanted:
            return Shown()
        if not answers:
            return Send(look(copy.account, _rkey(copy.native_id)))
        value = _record_of(answers[-1])
        if value is not None:
            borne = labels_of(value)
            return Shown(tuple(f"{LABEL_FLAG}={label}" for label in wanted if label not in borne))
        return Shown(there=False) if is_absent(answers[-1]) else meaning(answers[-1], creates=False)

    def followers(self, account: str, destination: str, answers: tuple[Answer, ...]) -> Send | int | None:
        """How many follow the account."""
        return bluesky_account.followers(answers)

    def remarks(
        self, account: str, destination: str, cursor: str, answers: tuple[Answer, ...]
    ) -> Send | Remarks | None:
        """Answers below the account's posts, and posts that name it."""
        return bluesky_remarks.remarks(account, cursor, answers)

    def moderate(self, spot: Spot, act: Act, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Hide or show an answer below the account's own post, block its author, or report it."""
        return bluesky_acts.moderate(spot, act, answers)

    def connect(self, form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]) -> Send | Connected | Outcome:
        """Sign in with the app password; it is forgotten, its tokens stay. See whether it reads messages."""
        return bluesky_account.connect(form, answers, probe=bluesky_chats.probe(), is_shut=bluesky_chats.is_shut)

    def check(self, account: str, answers: tuple[Answer, ...]) -> Send | Outcome | None:
        """Ask whose session it is."""
        return bluesky_account.check(account, answers)

    def refresh(self, grant: Grant, answers: tuple[Answer, ...]) -> Send | Renewed | Outcome:
        """A new pair of tokens for the one that is about to end."""
        return bluesky_account.refresh(grant, answers)

    def listen(self, cursor: str, answers: tuple[Answer, ...]) -> Send | News | Outcome:
        """The log of the account's conversations, then who spoke."""
        return bluesky_chats.listen(cursor, answers)

    def ack(self, update: Update) -> WireStep | None:
        """Nobody waits for that, and nothing is marked as read until the owner looks."""
        return None


def _unfit(unit: Unit) -> Message | None:
    """Why the unit cannot go out as it is; nothing is ever cut."""
    text = unit.text("body")
    if wrong := fitting.unfit(unit, CAN, length=fitting.graphemes(text)):
        return wrong
    if len(text.encode()) > MOST_BYTES:
        return Message("connectors.text_too_heavy", {"size": len(text.encode()), "most": MOST_BYTES})
    if unit.remark and unit.media:
        return Message("connectors.too_many_media", {"count": len(unit.media), "most": 0})
    if len(unit.media) > 1 and any(medium.mime == FILM for medium in unit.media):
        return Message("bluesky.film_alone")
    for place, medium in enumerate(unit.media, start=1):
        if medium.mime != FILM and medium.size > PICTURE_BYTES:
            return Message("connectors.medium_unfit", {"mime": medium.mime, "size": medium.size})
        if not medium.alt.strip():
            return Message("connectors.alt_missing", {"place": place})
    if wrong := bluesky_cards.unfit(unit):
        return wrong
    mark = untold(unit.flags)
    return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def _stage_name(medium: Medium) -> str:
    return f"stage:{medium.sha256[:24]}"


def _stage(medium: Medium) -> WireStep:
    path, file = "/xrpc/com.atproto.repo.uploadBlob", FileRef(medium.sha256, medium.mime)
    return WireStep(_stage_name(medium), StepKind.STAGE, "POST", path, file=file, deadline=120.0)


def _blob(answer: Answer) -> Mapping[str, Any] | None:
    """What an upload is named by from then on; None where there is none."""
    match answer:
        case Response(body={"blob": {"ref": {"$link": str()}} as blob}) if answer.ok:
            return blob if answer.step.startswith("stage:") else None
        case _:
            return None


def _put(unit: Unit, made: Mapping[str, Any]) -> WireStep:
    """`swapRecord` null: what stands there already is never written over. The same record again changes nothing."""
    body = {
        "repo": unit.account,
        "collection": COLLECTION,
        "rkey": unit.native_key,
        "record": made,
        "validate": True,
        "swapRecord": None,
    }
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/xrpc/com.atproto.repo.putRecord", body)


def _published(answer: Answer, unit: Unit, at: datetime) -> Outcome:
    uri = _uri(unit.account, unit.native_key)
    match answer:
        case Response(body={"uri": str(told), "cid": str()}) if answer.ok and told == uri:
            return Published(uri, url_of(unit.account, unit.native_key), at)
        case Response(status=400) if error_word(answer) == "blobnotfound":
            reason = Message("connectors.uploads_gone")
            return Retry(timedelta(seconds=1), "account", reason, uploads_gone=True)
        case Response(status=400) if error_word(answer) == "invalidswap":
            return Uncertain(Message("connectors.other_text_there"))  # something of ours stands under this key
        case Response() if answer.ok:
            return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
        case _:
            return meaning(answer, creates=True)


def _record_of(answer: Answer) -> Mapping[str, Any] | None:
    match answer:
        case Response(body={"uri": str(), "value": dict(value)}) if answer.ok:
            return value
        case _:
            return None


def _under(answer: Answer, unit: Unit) -> Mapping[str, Any] | Outcome:
    """What a reply names: the record it is put under, and the first one of the thread; or why it cannot be.

    Source: https://docs.bsky.app/docs/advanced-guides/posts#replies
    """
    found = bluesky_remarks.put_under(answer) if unit.remark else told_by(answer)
    match found:
        case {"uri": str(uri), "cid": str(cid), "value": dict(value)}:
            parent = {"uri": uri, "cid": cid}
            match value.get("reply"):
                case {"root": {"uri": str(first), "cid": str(first_cid)}}:
                    return {"root": {"uri": first, "cid": first_cid}, "parent": parent}
                case _:
                    return {"root": parent, "parent": parent}
        case Mapping():
            gone = Rejected(Message("connectors.above_gone"), permanent=False)
            return gone if is_absent(answer) else meaning(answer, creates=False)
        case _:
            return found


def _rkey(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2]


def _uri(account: str, rkey: str) -> str:
    return f"at://{account}/{COLLECTION}/{rkey}"
