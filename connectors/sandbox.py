"""The sandbox: the test network inside the installation. Its API and its options are told in `workers/sandbox.py`.

The account's name says what the account can do, as a real platform's documentation would:
`…+key` honours idempotency keys and finds posts by them; without it a repeat is a second post and a look-up reads
the timeline; `…-nolook` cannot look its chat messages up, so that a person decides; `…-nomarks` keeps a post and
forgets that it is for adults or made by a model.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors import fitting, following, remarks, sandbox_naming, sandbox_words, showing
from connectors.answers import error_word, meaning, segment, told_at, told_by
from connectors.capabilities import Capabilities
from connectors.contract import Answer, Copy, FileRef, News, Response, Send, Sought, StepKind, Update, WireStep
from connectors.outcomes import Absent, Found, Outcome, Published, Rejected, Sighting, Uncertain, Unknown
from connectors.places import Shown
from connectors.remarks import Act, Remark, Remarks, Spot
from foundation.words import Message
from gate.units import REMARK, Medium, Unit

ACCOUNT_GONE = frozenset({"no_such_account", "account_suspended"})
LISTED = 50
"""Posts on one page of the timeline."""

MOST_PAGES = 5
WINDOW = timedelta(seconds=60)
"""A post older than this before the attempt is another one with the same text."""

ADULT_FLAGS = frozenset({"adult", "adult_content", "nsfw", "sensitive", "has_spoiler", "protect_content"})
AI_FLAGS = frozenset({"ai", "made_with_ai", "is_ai_generated"})
KINDS = frozenset({"message", "button", "checkout", "payment", "refund", "age", "stop"})
UPDATES_WAIT = 20
"""Seconds the sandbox may hold the request for updates open."""


class Sandbox:
    """Posts, chat and sales on the sandbox; pure."""

    capabilities = Capabilities(
        platform="sandbox",
        surfaces=("post", "chat", "as_x", "as_instagram", "as_telegram", "as_fanvue"),
        max_text=4096,
        max_media=10,
        mimes=("image/jpeg", "image/png", "image/webp", "video/mp4", "audio/ogg", "audio/mp4", "application/zip"),
        max_bytes=25 * 1024 * 1024,
        look="listing",
        resend_is_look=False,
        can_delete=True,
        edits=True,
        can_chat=True,
        can_sell=True,
        stages=True,
        points_at=frozenset({"quote", REMARK}),
        moderates=frozenset({"like", "unlike", "hide", "show", "delete", "block", "report"}),
        remarks_every=1,
        threads=25,
        shows=showing.SANDBOX,
        sizes={"as_x": (280, 4), "as_instagram": (2200, 10), "as_telegram": (4096, 10), "as_fanvue": (5000, 10)},
        needs={"as_instagram": "media"},
    )

    home, named = staticmethod(sandbox_naming.home), staticmethod(sandbox_naming.named)

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Stage each medium by its digest, then publish in one request; tell what the last answer meant."""
        unfit = fitting.unfit(unit, self.capabilities, length=len(unit.text("body")))
        if len(unit.references) > (0 if unit.viewer else 1):  # a post quotes one other, a message none
            unfit = Message("connectors.cannot_point", {"kind": unit.references[0].kind})
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _published(last)
        if last is not None and not _staged(last):
            return meaning(last, creates=False, account_gone=ACCOUNT_GONE)
        done = {answer.step for answer in answers if _staged(answer)}
        for medium in unit.media:
            if _stage_name(medium) not in done:
                return Send(_stage(medium))
        return Send(_message(unit) if unit.viewer else _post(unit))

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        """Look by key where the account keeps keys, else read the timeline back to before the attempt."""
        if sought.chat and sought.account.endswith("-nolook"):
            return Unknown(Message("connectors.no_lookup"))
        by_key = bool(sought.chat) or keeps_keys(sought.account)
        if not answers:
            return Send(_look_by_key(sought) if by_key else _look_at_page(""))
        posts = _listed(answers[-1])
        if posts is None:
            return Unknown(Message("connectors.lookup_failed"))
        if by_key:
            return _sighting([post for post in posts if post.get("key") == sought.native_key])
        return _in_timeline(sought, answers, posts)

    def remove(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Delete the copy; gone already is gone."""
        if not answers:
            return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", _place(copy), action="delete"))
        last = answers[-1]
        if isinstance(last, Response) and (last.ok or (last.status == 404 and error_word(last) == "no_such_post")):
            return Published(copy.native_id)
        return meaning(last, creates=False, account_gone=ACCOUNT_GONE)

    def edit(self, unit: Unit, native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Other words in the place of those of a post; its media stay."""
        can = self.capabilities
        return sandbox_words.edit(unit, native_id, _content(unit), answers, can=can, account_gone=ACCOUNT_GONE)

    def read(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        """Views, likes, comments and clicks of a post; messages have none."""
        if copy.chat:
            return None
        if not answers:
            return Send(WireStep("metrics", StepKind.CONTROL, "GET", f"{_place(copy)}/metrics", action="metrics"))
        last = answers[-1]
        if not isinstance(last, Response) or not last.ok or not isinstance(last.body, dict):
            return None
        return {name: value for name, value in last.body.items() if isinstance(value, int)}

    def followers(self, account: str, destination: str, answers: tuple[Answer, ...]) -> Send | int | None:
        """How many follow the account, as the sandbox keeps it."""
        if not answers:
            return following.asked("/api/{account}/followers")
        return following.number(told_by(answers[-1]).get("followers"))

    def remarks(
        self, account: str, destination: str, cursor: str, answers: tuple[Answer, ...]
    ) -> Send | Remarks | None:
        """What people said under the account's posts after the cursor, a hundred at a time."""
        if not answers:
            return remarks.asked(f"/api/{{account}}/remarks?after={segment(cursor)}")
        told = told_by(answers[-1])
        entries, after = told.get("remarks"), told.get("cursor")
        if not isinstance(entries, list) or not isinstance(after, str):
            return None
        if not all(isinstance(entry, dict) and entry.get("id") and entry.get("fan") for entry in entries):
            return None
        return Remarks(tuple(_remark(entry) for entry in entries), after)

    def moderate(self, spot: Spot, act: Act, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Do what was asked with a remark; done before is done, and one that its author took back is gone."""
        if not answers:
            return remarks.acted("POST", f"/api/{{account}}/remarks/{segment(spot.native_id)}/{act}", {})
        last = answers[-1]
        gone = isinstance(last, Response) and last.status == 404 and error_word(last) == "no_such_remark"
        if (isinstance(last, Response) and last.ok) or gone:
            return Published(spot.native_id)
        return meaning(last, creates=False, account_gone=ACCOUNT_GONE)

    def read_back(self, copy: Copy, flags: tuple[str, ...], answers: tuple[Answer, ...]) -> Send | Shown | Outcome:
        """Whether a post is shown for adults and as made by a model, where it was sent so; messages show neither."""
        marks = {flag: mark for flag in flags if (mark := _mark(flag))}
        if copy.chat or not marks:
            return Shown()
        if not answers:
            return Send(WireStep("look", StepKind.CONTROL, "GET", _place(copy), action="look"))
        last = answers[-1]
        if isinstance(last, Response) and last.ok and isinstance(last.body, dict):
            shown: Mapping[str, Any] = last.body
            return Shown(tuple(flag for flag, mark in marks.items() if shown.get(mark) is not True))
        if isinstance(last, Response) and last.status == 404 and error_word(last) == "no_such_post":
            return Shown(there=False)
        return meaning(last, creates=False, account_gone=ACCOUNT_GONE)

    def listen(self, cursor: str, answers: tuple[Answer, ...]) -> Send | News | None:
        """What happened after `cursor`; the sandbox answers as soon as something did, at the latest after 20 s."""
        if answers:
            return _news(answers[-1])
        path = f"/api/{{account}}/updates?after={segment(cursor)}&wait={UPDATES_WAIT}"
        step = WireStep("updates", StepKind.CONTROL, "GET", path, action="updates", deadline=UPDATES_WAIT + 10.0)
        return Send(step)

    def checkout_yes(self, query_id: str) -> WireStep:
        """Let a checkout go through; the sandbox refuses the payment 10 s after it asked."""
        path = f"/api/{{account}}/checkouts/{segment(query_id)}"
        return WireStep("checkout", StepKind.CONTROL, "POST", path, {"ok": True}, action="checkout_yes", deadline=8.0)

    def refund(self, charge_id: str, fan_id: str, amount_minor: int, currency: str) -> WireStep:
        """Give a charge back; may be repeated, the sandbox refunds once."""
        body = {"charge_id": charge_id, "amount": amount_minor, "currency": currency}
        return WireStep("refund", StepKind.CONTROL, "POST", "/api/{account}/refunds", body, action="refund")

    def refunded(self, answer: Answer) -> Outcome:
        """`Published` with the charge id once the money is back, also when it already was."""
        if isinstance(answer, Response) and isinstance(answer.body, dict):
            charge = answer.body.get("charge_id")
            already = answer.status == 409 and error_word(answer) == "charge_already_refunded"
            if (answer.ok or already) and isinstance(charge, str):
                return Published(charge)
        return meaning(answer, creates=False, account_gone=ACCOUNT_GONE)

    def refund_seen(self, charge_id: str, answers: tuple[Answer, ...]) -> Send | Outcome | None:
        """Nothing to look at: the sandbox gives a charge back once, however often it is asked."""
        return None

    def ack(self, update: Update) -> WireStep | None:
        """The sandbox waits for nothing."""
        return None


PUBLISH = "publish"


def keeps_keys(account: str) -> bool:
    """Whether the account's name says that it honours idempotency keys."""
    return account.removesuffix("-nolook").removesuffix("-nomarks").endswith("+key")


def _stage_name(medium: Medium) -> str:
    return f"stage:{medium.sha256[:24]}"


def _stage(medium: Medium) -> WireStep:
    path = f"/api/{{account}}/files/{segment(medium.sha256)}"
    file = FileRef(medium.sha256, medium.mime)
    return WireStep(_stage_name(medium), StepKind.STAGE, "PUT", path, file=file, deadline=120.0)


def _staged(answer: Answer) -> bool:
    return isinstance(answer, Response) and answer.ok and answer.step.startswith("stage:")


def _mark(flag: str) -> str:
    """What the sandbox calls a mark of the gate: adult, ai, or nothing."""
    name = flag.partition("=")[0].rpartition(".")[2] if not flag.endswith("=false") else ""
    return "adult" if name in ADULT_FLAGS else "ai" if name in AI_FLAGS else ""


def _content(unit: Unit) -> dict[str, Any]:
    marks = {_mark(flag) for flag in unit.flags}
    media = [
        {"sha256": medium.sha256, "mime": medium.mime, "alt": medium.alt, "ai": medium.ai, "name": medium.name}
        for medium in unit.media
    ]
    return {
        "key": unit.native_key,
        "text": unit.text("body"),
        "media": media,
        "adult": "adult" in marks,
        "ai": "ai" in marks or any(m.ai != "none" for m in unit.media),
        "flags": list(unit.flags),
    }


def _post(unit: Unit) -> WireStep:
    surface = unit.surface.rpartition(".")[2].rpartition("/")[2]
    under = {"reply_to": unit.under} if unit.under else {}
    body = {**_content(unit), "surface": surface, "title": unit.text("title"), **under}
    if unit.references and not unit.remark:
        body["quote"] = unit.references[0].native_id
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/api/{account}/posts", body)


def _message(unit: Unit) -> WireStep:
    invoice = unit.invoice
    asked = (
        None
        if invoice is None
        else {
            "title": invoice.title,
            "description": invoice.description,
            "amount": invoice.amount_minor,
            "currency": invoice.currency,
            "payload": invoice.payload,
        }
    )
    buttons = [{"label": button.label, "action": button.action, "ref": button.ref} for button in unit.buttons]
    body = {**_content(unit), "buttons": buttons, "invoice": asked, "service": unit.service}
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", f"/api/{{account}}/chats/{segment(unit.viewer)}/messages", body)


def _published(answer: Answer) -> Outcome:
    if isinstance(answer, Response) and answer.ok and isinstance(answer.body, dict):
        native_id = answer.body.get("id")
        if isinstance(native_id, str) and native_id:
            return Published(native_id, _url(answer.body), told_at(answer.body.get("created_at")))
        return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
    return meaning(answer, creates=True, account_gone=ACCOUNT_GONE)


def _look_by_key(sought: Sought) -> WireStep:
    place = f"chats/{segment(sought.chat)}/messages" if sought.chat else "posts"
    path = f"/api/{{account}}/{place}?key={segment(sought.native_key)}"
    return WireStep("look", StepKind.CONTROL, "GET", path, action="look")


def _look_at_page(before: str) -> WireStep:
    older = f"&before={segment(before)}" if before else ""
    path = f"/api/{{account}}/posts?limit={LISTED}{older}"
    return WireStep("look", StepKind.CONTROL, "GET", path, action="look")


def _listed(answer: Answer) -> list[dict[str, Any]] | None:
    """The posts of a listing, newest first; None when it is no look."""
    if not isinstance(answer, Response) or not answer.ok or not isinstance(answer.body, dict):
        return None
    posts = answer.body.get("posts")
    if not isinstance(posts, list) or not all(isinstance(post, dict) and post.get("id") for post in posts):
        return None
    return posts


def _in_timeline(sought: Sought, answers: tuple[Answer, ...], posts: list[dict[str, Any]]) -> Send | Sighting:
    """Compare rendered texts, newest first, back to a minute before the attempt.

    In a compressed day the house's clock runs ahead of the sandbox's: by as much as they are apart now, the minute
    begins earlier. A clock that leapt between attempt and look makes it longer, never too short.
    """
    last = answers[-1]
    now = told_at(last.headers.get("x-sandbox-now")) if isinstance(last, Response) else None
    asked_at = sought.asked_at or sought.armed_at
    start = sought.armed_at - WINDOW - max(asked_at - now, timedelta()) if now is not None else None
    inside = [post for post in posts if start is None or _since(post, start)]
    foreign = [post for post in inside if str(post["id"]) not in sought.known]
    here = [post for post in foreign if str(post.get("reply_to") or "") == sought.reply_to]
    same = [post for post in here if _is_it(post, sought)]
    if same:
        return _sighting(same)
    if len(posts) < LISTED or len(inside) < len(posts):
        return Absent()
    if len(answers) < MOST_PAGES:
        return Send(_look_at_page(str(posts[-1]["id"])))
    return Unknown(Message("connectors.lookup_failed"))


def _is_it(post: Mapping[str, Any], sought: Sought) -> bool:
    """Whether it says this; of no words, whether it shows these very files."""
    same = str(post.get("text", "")).strip() == sought.text.strip()
    return same and (bool(sought.text.strip()) or post.get("files") == [medium.sha256 for medium in sought.media])


def _since(post: Mapping[str, Any], start: datetime) -> bool:
    at = told_at(post.get("created_at"))
    return at is None or at >= start


def _sighting(posts: list[dict[str, Any]]) -> Sighting:
    """The oldest of what was seen, should there be two."""
    if not posts:
        return Absent()
    first = posts[-1]
    return Found(str(first["id"]), _url(first), told_at(first.get("created_at")))


def _place(copy: Copy) -> str:
    if copy.chat:
        return f"/api/{{account}}/chats/{segment(copy.chat)}/messages/{segment(copy.native_id)}"
    return f"/api/{{account}}/posts/{segment(copy.native_id)}"


def _url(entry: Mapping[str, Any]) -> str:
    url = entry.get("url")
    return url if isinstance(url, str) else ""


def _remark(entry: Mapping[str, Any]) -> Remark:
    return Remark(
        native_id=str(entry["id"]),
        author=str(entry["fan"]),
        handle=str(entry.get("handle") or entry["fan"]),
        text=str(entry.get("text") or ""),
        under=str(entry.get("post") or ""),
        url=_url(entry),
        at=told_at(entry.get("at")),
    )


def _news(answer: Answer) -> News | None:
    """Updates in order and the next cursor; None when the answer cannot be used as a whole."""
    told = told_by(answer)
    entries, cursor = told.get("updates"), told.get("cursor")
    if not isinstance(entries, list) or not isinstance(cursor, str):
        return None
    if not all(isinstance(entry, dict) and entry.get("id") and entry.get("fan") for entry in entries):
        return None
    return News(tuple(_update(entry) for entry in entries), cursor)


def _update(entry: Mapping[str, Any]) -> Update:
    kind, payload = entry.get("type"), str(entry.get("payload") or "")
    amount = entry.get("amount")
    return Update(
        key=str(entry["id"]),
        kind=kind if kind in KINDS else "unsupported",
        fan=str(entry["fan"]),
        handle=str(entry.get("handle") or ""),
        language=str(entry.get("language") or ""),
        native_id=str(entry.get("message_id") or ""),
        at=told_at(entry.get("at")),
        text=str(entry.get("text") or ""),
        ref=str((entry.get("query_id") if kind == "checkout" else entry.get("ref")) or payload),
        payload=payload,
        charge_id=str(entry.get("charge_id") or ""),
        amount_minor=amount if isinstance(amount, int) else 0,
        currency=str(entry.get("currency") or ""),
    )
