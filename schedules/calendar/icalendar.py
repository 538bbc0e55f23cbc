"""iCalendar (RFC 5545) files of scheduled posts."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

from schedules.calendar.exports import ExportedDelivery, ExportedPost

FOLD = 75
"""Maximum octets of a line, without its line break (RFC 5545, 3.1)."""


def render_icalendar(
    found: Sequence[ExportedPost],
    *,
    now: datetime,
    name: str,
    words: bool = True,
    withheld: Collection[UUID] = (),
) -> bytes:
    """Render an iCalendar file (RFC 5545) with one event per delivery, identified by its ID; times
    in UTC.

    Without `words` an event contains the creator, account and time, but no text of the post; nor do
    the events of `withheld` deliveries. Events have no duration and do not mark the member as busy.
    """
    out = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Greenroom//Calendar//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{escape_ics_text(name)}",
    ]
    for line in found:
        for place in line.places:
            shown = words and place.delivery_id not in withheld
            out += _build_ics_event(line, place, now, words=shown)
    out.append("END:VCALENDAR")
    return b"".join(fold_ics_line(one) for one in out)


def _build_ics_event(
    line: ExportedPost, place: ExportedDelivery, now: datetime, *, words: bool
) -> list[str]:
    said = [line.creator, place.account]
    if words:
        said.append(" ".join((place.title or place.body).split())[:80] or "…")
    event = [
        "BEGIN:VEVENT",
        f"UID:{place.delivery_id}@greenroom",
        f"DTSTAMP:{_format_ics_time(now)}",
        f"DTSTART:{_format_ics_time(line.due)}",
        f"SEQUENCE:{place.version}",
        f"SUMMARY:{escape_ics_text(' · '.join(said))}",
        f"STATUS:{place.status}",
        "TRANSP:TRANSPARENT",
    ]
    if not words:
        return [*event, "END:VEVENT"]
    event.append(f"DESCRIPTION:{escape_ics_text(place.body)}")
    if place.url and place.url.isascii() and place.url.isprintable():
        event.append(f"URL:{place.url}")
    return [*event, "END:VEVENT"]


def _format_ics_time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def escape_ics_text(text: str) -> str:
    """Escape a TEXT value (RFC 5545, 3.3.11) and remove forbidden control characters."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(one for one in plain if one in "\n\t" or (one >= " " and one != "\x7f"))
    return kept.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def fold_ics_line(line: str) -> bytes:
    """Fold a content line into pieces of at most 75 octets without splitting a character.

    Continuation lines begin with a space (RFC 5545, 3.1).
    """
    pieces_of = list[bytes]()
    piece = b""
    room = FOLD
    for letter in line:
        octets = letter.encode()
        if len(piece) + len(octets) > room:
            pieces_of.append(piece)
            piece = b""
            room = FOLD - 1
        piece += octets
    return b"\r\n ".join([*pieces_of, piece]) + b"\r\n"
