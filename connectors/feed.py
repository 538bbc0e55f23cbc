"""The creator's own page: the reference of the contract and the one destination that always works.

Served by the room `web` on loopback under a credential of the house. Everything is addressed by content id, so a
repeat is harmless: files by their digest, the item by the delivery's native key.
"""

from collections.abc import Mapping
from datetime import timedelta

from connectors import editing, fitting, showing
from connectors.answers import SHORT_WAIT, meaning, segment, staged_anew
from connectors.capabilities import Capabilities
from connectors.contract import Answer, Copy, FileRef, Response, Send, Sought, StepKind, WireStep
from connectors.naming import NO_POST, OTHERS, UNREAD, Address, is_key, parts_in, same_page, split
from connectors.outcomes import Absent, Found, Outcome, Published, Reauthorize, Rejected, Retry, Sighting, Unknown
from foundation.words import Message
from gate.units import Medium, Unit

PUBLISH = "publish"
DISK_FULL = 507
HOUSE_WAIT = timedelta(seconds=60)
"""The house refuses its own credential: somebody is repairing it."""


class Feed:
    """Items of a creator's page and feeds; pure."""

    capabilities = Capabilities(
        platform="own_page",
        surfaces=("public", "assured", "feed"),
        max_text=20_000,
        max_media=40,
        mimes=("image/jpeg", "image/png", "image/webp", "video/mp4", "audio/ogg", "audio/mp4", "application/zip"),
        max_bytes=32 * 1024 * 1024,
        look="key",
        resend_is_look=True,
        can_delete=True,
        edits=True,
        can_chat=False,
        can_sell=False,
        stages=True,
        in_house=True,
        shows={"": showing.OWN_PAGE},
        joins_parts=True,
    )

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Stage each file by its digest, then put the item; tell what the last answer meant."""
        unfit = _unfit(unit, self.capabilities)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _published(last, unit.native_key)
        if last is not None and not _staged(last):
            return _meaning(last, creates=False)
        done = {answer.step for answer in answers if _staged(answer)}
        for medium in unit.media:
            if _stage_name(medium) not in done:
                return Send(_stage(medium))
        return Send(_put(unit))

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        """Ask for the item by its content id."""
        if not answers:
            return Send(WireStep("look", StepKind.CONTROL, "GET", _item(sought.native_key), action="look"))
        match answers[-1]:
            case Response(status=404):
                return Absent()
            case Response(status=410):  # a tombstone: it was published, and is gone
                return Found(sought.native_key)
            case Response(body={"id": str(native_id), "url": str(url)}) as seen if seen.ok:
                return Found(native_id, url)
            case _:
                return Unknown(Message("connectors.lookup_failed"))

    def named(self, address: Address, answers: tuple[Answer, ...]) -> Send | Sighting:
        """The item at the end of an address, where the page says that it stands under that very one."""
        parts = split(address.url)
        path = parts_in(parts) if parts is not None else ()
        if not path or not is_key(path[-1]):
            return NO_POST
        if not answers:
            return Send(WireStep("look", StepKind.CONTROL, "GET", _item(path[-1]), action="look"))
        match answers[-1]:
            case Response(status=404 | 410):
                return Absent()
            case Response(body={"id": str(native_id), "url": str(url)}) as seen if seen.ok:
                return Found(native_id, url) if same_page(address.url, url) else OTHERS
            case _:
                return UNREAD

    def remove(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Leave a tombstone; one that stands already proves it gone."""
        if not answers:
            return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", _item(copy.native_id), action="delete"))
        last = answers[-1]
        if isinstance(last, Response) and (200 <= last.status < 300 or last.status in {404, 410}):
            return Published(copy.native_id)
        return _meaning(last, creates=False)

    def edit(self, unit: Unit, native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Write the item anew under its content id; its files lie there. A tombstone is never written over."""
        if not answers:
            unfit = fitting.unfit(unit, self.capabilities, length=len(unit.text("body")))
            return Rejected(unfit, permanent=False) if unfit is not None else Send(_reput(unit, native_id))
        last = answers[-1]
        trouble = isinstance(last, Response) and not last.ok and last.status not in {404, 410}
        return _meaning(last, creates=False) if trouble else editing.changed(last, native_id)

    def read(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        """Our own counters: no cookies, no personal data."""
        if not answers:
            path = f"{_item(copy.native_id)}/metrics"
            return Send(WireStep("metrics", StepKind.CONTROL, "GET", path, action="metrics"))
        last = answers[-1]
        if not isinstance(last, Response) or not last.ok or not isinstance(last.body, dict):
            return None
        return {name: value for name, value in last.body.items() if isinstance(value, int)}


def _unfit(unit: Unit, can: Capabilities) -> Message | None:
    if not unit.native_key:
        return Message("connectors.no_key")
    return fitting.unfit(unit, can, length=len(unit.text("body")))


def _stage_name(medium: Medium) -> str:
    return f"stage:{medium.sha256[:24]}"


def _stage(medium: Medium) -> WireStep:
    path = f"/house/{{account}}/files/{segment(medium.sha256)}"
    file = FileRef(medium.sha256, medium.mime)
    return WireStep(_stage_name(medium), StepKind.STAGE, "PUT", path, file=file, deadline=120.0)


def _staged(answer: Answer) -> bool:
    return isinstance(answer, Response) and answer.ok and answer.step.startswith("stage:")


def _item(native_key: str) -> str:
    return f"/house/{{account}}/items/{segment(native_key)}"


def _put(unit: Unit) -> WireStep:
    return WireStep(PUBLISH, StepKind.PUBLISH, "PUT", _item(unit.native_key), _body(unit))


def _reput(unit: Unit, native_id: str) -> WireStep:
    return WireStep(editing.EDIT, StepKind.MUTATE, "PUT", _item(native_id), _body(unit))


def _body(unit: Unit) -> dict[str, object]:
    media = [
        {"sha256": medium.sha256, "mime": medium.mime, "alt": medium.alt, "ai": medium.ai} for medium in unit.media
    ]
    return {
        "title": unit.text("title"),
        "text": unit.text("body"),
        "media": media,
        "rating_flags": list(unit.flags),
        "ai": any(medium.ai != "none" for medium in unit.media) or "ai=true" in unit.flags,
    }


def _published(answer: Answer, native_key: str) -> Outcome:
    match answer:
        case Response(body={"id": str(native_id), "url": str(url)}) if answer.ok and native_id == native_key:
            return Published(native_id, url)
        case Response(status=410):  # a content id is never used again
            return Rejected(Message("connectors.refused", {"status": 410, "word": "gone"}), permanent=True)
        case Response(status=422, body={"error": "file_not_staged"}):  # another item with the same file was taken away
            return staged_anew()
        case _:
            return _meaning(answer, creates=True)


def _meaning(answer: Answer, *, creates: bool) -> Outcome:
    """The common meaning, but for what the house does to itself: a full disk, its own credential."""
    if isinstance(answer, Response) and answer.status == DISK_FULL:
        return Retry(SHORT_WAIT, "account", Message("connectors.disk_full"))
    outcome = meaning(answer, creates=creates)
    return Retry(HOUSE_WAIT, "account", outcome.reason) if isinstance(outcome, Reauthorize) else outcome
