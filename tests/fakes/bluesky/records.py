"""What a record of the fake Bluesky shows: its files, and the places in its words that lead
somewhere."""

from typing import Any

from tests.fakes.bluesky.sessions import XrpcError


def blobs(record: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What an embed shows: a picture, that of a card or a film, and its file."""
    embed = record.get("embed") or {}
    one = [("video", embed["video"])] if "video" in embed else []
    one += [("thumb", embed["external"]["thumb"])] if "thumb" in embed.get("external", {}) else []
    return one + [("image", image["image"]) for image in embed.get("images", [])]


def check_facets(record: dict[str, Any]) -> None:
    """Raises Refused where one lies outside the words, or cuts a character."""
    text = record["text"].encode()
    for facet in record.get("facets", []):
        start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        if not 0 <= start < end <= len(text):
            raise XrpcError(400, "InvalidRequest", "a facet lies outside the text")
        try:
            text[:start].decode(), text[start:end].decode()
        except UnicodeDecodeError as error:
            raise XrpcError(400, "InvalidRequest", "a facet cuts a character") from error
