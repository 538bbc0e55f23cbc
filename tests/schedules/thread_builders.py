"""Builders of threads, and readers of the parts that the network accepted."""

from typing import Any
from uuid import UUID

from gate.contract.units import Subject
from gate.copies import live_copies
from gate.ratings import ratings
from schedules.posts.thread_parts import ThreadPart
from tests.gate.builders import real_person
from tests.schedules.builders import SandboxAgency

WORDS = ("Good evening.", "The shop is open.", "Until nine today.", "See you there.")
IN_ORDER = [(WORDS[0], ""), (WORDS[1], WORDS[0]), (WORDS[2], WORDS[1]), (WORDS[3], WORDS[2])]


def build_thread(*bodies: str, comment: str = "") -> tuple[ThreadPart, ...]:
    """Return the parts after the first of these texts."""
    rest = [ThreadPart(body) for body in bodies[1:]]
    return (*rest, ThreadPart(comment, comment=True)) if comment else tuple(rest)


def list_reply_chain(
    lea: SandboxAgency, channel: str = "main", *, standing: bool = False
) -> list[tuple[str, str]]:
    """Return each accepted text with the text it replies to, in order. With `standing`, omit
    deleted posts."""
    posts: list[dict[str, Any]] = sorted(lea.posts(channel), key=lambda one: int(one["id"][1:]))
    known = {one["id"]: one["text"] for one in posts}
    return [
        (one["text"], known.get(one["reply_to"], ""))
        for one in posts
        if not (standing and one["deleted_at"])
    ]


def schedule_thread(lea: SandboxAgency, **more: Any) -> UUID:
    """Schedule the thread of `WORDS`, due now, and return its delivery ID."""
    return lea.delivery(WORDS[0], parts=build_thread(*WORDS), **more)


def publish_parts(lea: SandboxAgency, delivery_id: UUID, parts: int) -> None:
    """Publish that many parts, one per call of the handler."""
    route = lea.routes.by_kind["delivery.publish"]
    for _ in range(parts):
        route.handler(route.event(lea.tenant_id, delivery_id))


def count_published_parts(lea: SandboxAgency, delivery_id: UUID) -> tuple[int, int]:
    """Return the number of published parts and of all parts."""
    entry = lea.entry(delivery_id)
    return entry.done, entry.parts


def list_permits(lea: SandboxAgency, delivery_id: UUID) -> list[live_copies.LiveCopy]:
    """Return every consumed permit of the delivery."""
    with lea.scope() as scope:
        return live_copies.list_consumed_permits(scope, Subject("delivery", delivery_id))


def add_depicted_photo(lea: SandboxAgency, number: int) -> tuple[UUID, UUID]:
    """Add a photo of a real person with valid documents. Return the asset ID and the person ID."""
    asset = lea.photo(number)
    with lea.scope(f"member:{lea.manager}") as scope:
        person = real_person(scope)
        ratings.record_depiction(
            scope, asset, person, how="face", confirmed_by=f"member:{lea.manager}"
        )
    return asset, person
