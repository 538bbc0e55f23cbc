"""Files and facets of records of the fake Bluesky."""

from typing import Any

from tests.fakes.bluesky.sessions import XrpcError


def blobs(record: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the files of an embed with their kinds: pictures, the thumbnail of a card, or a video."""
    embed = record.get("embed") or {}
    one = [("video", embed["video"])] if "video" in embed else []
    one += [("thumb", embed["external"]["thumb"])] if "thumb" in embed.get("external", {}) else []
    return one + [("image", image["image"]) for image in embed.get("images", [])]


def check_facets(record: dict[str, Any]) -> None:
    """Raise XrpcError if a facet is outside the text or splits a character."""
    text = record["text"].encode()
    for facet in record.get("facets", []):
        start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        if not 0 <= start < end <= len(text):
            raise XrpcError(400, "InvalidRequest", "a facet lies outside the text")
        try:
            text[:start].decode(), text[start:end].decode()
        except UnicodeDecodeError as error:
            raise XrpcError(400, "InvalidRequest", "a facet cuts a character") from error
