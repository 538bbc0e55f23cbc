"""The connector for the creator's own page, and the reference implementation of the contract.

`web` serves the page's API on loopback with a credential of the installation. All requests use
content IDs (files by digest, items by the delivery's native key), so repeats are harmless.
"""

from collections.abc import Mapping
from datetime import timedelta

from connectors.contract import edits
from connectors.contract.capabilities import Capabilities
from connectors.contract.connector import (
    FileRef,
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Unknown,
)
from connectors.contract.post_addresses import (
    ADDRESS_UNREADABLE,
    NO_POST_THERE,
    OTHER_ACCOUNTS_POST,
    ClaimedAddress,
    decoded_segments,
    is_post_key,
    is_same_page,
    parse_url,
)
from connectors.shared import unit_checks
from connectors.shared.feed_layouts import OWN_PAGE_LAYOUT
from connectors.shared.http_responses import (
    SHORT_RETRY,
    edit_outcome,
    outcome_of_status,
    quote_segment,
    restage_uploads,
)
from foundation.i18n.translation import Message
from gate.contract.units import Medium, Unit

PUBLISH = "publish"
DISK_FULL = 507
HOUSE_WAIT = timedelta(seconds=60)
"""The delay after the installation refuses its own credential, until it is repaired."""


class OwnPage:
    """The connector for items of a creator's page and feeds."""

    capabilities = Capabilities(
        platform="own_page",
        surfaces=("public", "assured", "feed"),
        max_text=20_000,
        max_media=40,
        mimes=(
            "image/jpeg",
            "image/png",
            "image/webp",
            "video/mp4",
            "audio/ogg",
            "audio/mp4",
            "application/zip",
        ),
        max_bytes=32 * 1024 * 1024,
        look="key",
        resend_is_look=True,
        can_delete=True,
        edits=True,
        can_chat=False,
        can_sell=False,
        stages=True,
        in_house=True,
        shows={"": OWN_PAGE_LAYOUT},
        joins_parts=True,
    )

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Upload each file by its digest, then create the item, or return the outcome of the last
        answer."""
        unfit = _unit_problem(unit, self.capabilities)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _publish_outcome(last, unit.native_key)
        if last is not None and not _is_staged(last):
            return _failure_outcome(last, creates=False)
        done = {answer.step for answer in answers if _is_staged(answer)}
        for medium in unit.media:
            if _stage_name(medium) not in done:
                return Send(_build_stage_step(medium))
        return Send(_build_publish_step(unit))

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Read the item by its content ID."""
        if not answers:
            return Send(
                WireStep(
                    "look", StepKind.CONTROL, "GET", _item_path(sought.native_key), action="look"
                )
            )
        match answers[-1]:
            case Response(status=404):
                return Absent()
            case Response(status=410):  # deleted after publication
                return Found(sought.native_key)
            case Response(body={"id": str(native_id), "url": str(url)}) as seen if seen.is_success:
                return Found(native_id, url)
            case _:
                return Unknown(Message("connectors.lookup_failed"))

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """Return the item at the end of a URL, if the page reports that exact URL for it."""
        parts = parse_url(address.url)
        path = decoded_segments(parts) if parts is not None else ()
        if not path or not is_post_key(path[-1]):
            return NO_POST_THERE
        if not answers:
            return Send(
                WireStep("look", StepKind.CONTROL, "GET", _item_path(path[-1]), action="look")
            )
        match answers[-1]:
            case Response(status=404 | 410):
                return Absent()
            case Response(body={"id": str(native_id), "url": str(url)}) as seen if seen.is_success:
                return (
                    Found(native_id, url) if is_same_page(address.url, url) else OTHER_ACCOUNTS_POST
                )
            case _:
                return ADDRESS_UNREADABLE

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Delete the item. An existing tombstone counts as deleted."""
        if not answers:
            return Send(
                WireStep(
                    "delete",
                    StepKind.RESTRICT,
                    "DELETE",
                    _item_path(copy.native_id),
                    action="delete",
                )
            )
        last = answers[-1]
        if isinstance(last, Response) and (200 <= last.status < 300 or last.status in {404, 410}):
            return Published(copy.native_id)
        return _failure_outcome(last, creates=False)

    def edit(self, unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Replace the item under its content ID; its files are already uploaded. A deleted item is
        never overwritten."""
        if not answers:
            unfit = unit_checks.unit_problem(
                unit, self.capabilities, length=len(unit.text_of("body"))
            )
            return (
                Rejected(unfit, permanent=False)
                if unfit is not None
                else Send(_build_edit_step(unit, native_id))
            )
        last = answers[-1]
        trouble = (
            isinstance(last, Response) and not last.is_success and last.status not in {404, 410}
        )
        return _failure_outcome(last, creates=False) if trouble else edit_outcome(last, native_id)

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return the page's counters, which use no cookies or personal data."""
        if not answers:
            path = f"{_item_path(copy.native_id)}/metrics"
            return Send(WireStep("metrics", StepKind.CONTROL, "GET", path, action="metrics"))
        last = answers[-1]
        if not isinstance(last, Response) or not last.is_success or not isinstance(last.body, dict):
            return None
        return {name: value for name, value in last.body.items() if isinstance(value, int)}


def _unit_problem(unit: Unit, can: Capabilities) -> Message | None:
    if not unit.native_key:
        return Message("connectors.no_key")
    return unit_checks.unit_problem(unit, can, length=len(unit.text_of("body")))


def _stage_name(medium: Medium) -> str:
    return f"stage:{medium.sha256[:24]}"


def _build_stage_step(medium: Medium) -> WireStep:
    path = f"/house/{{account}}/files/{quote_segment(medium.sha256)}"
    file = FileRef(medium.sha256, medium.mime)
    return WireStep(_stage_name(medium), StepKind.STAGE, "PUT", path, file=file, deadline=120.0)


def _is_staged(answer: StepResult) -> bool:
    return isinstance(answer, Response) and answer.is_success and answer.step.startswith("stage:")


def _item_path(native_key: str) -> str:
    return f"/house/{{account}}/items/{quote_segment(native_key)}"


def _build_publish_step(unit: Unit) -> WireStep:
    return WireStep(
        PUBLISH, StepKind.PUBLISH, "PUT", _item_path(unit.native_key), _build_body(unit)
    )


def _build_edit_step(unit: Unit, native_id: str) -> WireStep:
    return WireStep(
        edits.EDIT_STEP, StepKind.MUTATE, "PUT", _item_path(native_id), _build_body(unit)
    )


def _build_body(unit: Unit) -> dict[str, object]:
    media = [
        {"sha256": medium.sha256, "mime": medium.mime, "alt": medium.alt, "ai": medium.ai}
        for medium in unit.media
    ]
    return {
        "title": unit.text_of("title"),
        "text": unit.text_of("body"),
        "media": media,
        "rating_flags": list(unit.flags),
        "ai": any(medium.ai != "none" for medium in unit.media) or "ai=true" in unit.flags,
    }


def _publish_outcome(answer: StepResult, native_key: str) -> Outcome:
    match answer:
        case Response(body={"id": str(native_id), "url": str(url)}) if (
            answer.is_success and native_id == native_key
        ):
            return Published(native_id, url)
        case Response(status=410):  # a content ID is never reused
            return Rejected(
                Message("connectors.refused", {"status": 410, "word": "gone"}), permanent=True
            )
        case Response(
            status=422, body={"error": "file_not_staged"}
        ):  # the file was deleted with another item
            return restage_uploads()
        case _:
            return _failure_outcome(answer, creates=True)


def _failure_outcome(answer: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of a failure. A full disk and a refused credential of the installation are
    retried."""
    if isinstance(answer, Response) and answer.status == DISK_FULL:
        return Retry(SHORT_RETRY, "account", Message("connectors.disk_full"))
    outcome = outcome_of_status(answer, creates=creates)
    return (
        Retry(HOUSE_WAIT, "account", outcome.reason)
        if isinstance(outcome, Reauthorize)
        else outcome
    )
