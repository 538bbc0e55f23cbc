"""Helpers for X's responses: field names, parents, user names and original texts of posts."""

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.contract.connector import Response, StepResult
from connectors.contract.post_addresses import path_segments
from connectors.shared.http_responses import json_body

_NAMES = re.compile(r"(?:@\w{1,50}\s+)+", re.ASCII)


def post_url(number: str) -> str:
    """Return the public URL of a post."""
    return f"https://x.com/i/status/{number}"


def post_id_in(url: str) -> str:
    """Return the post ID in a URL, or ""."""
    path = path_segments(url, "x.com", "twitter.com")
    place = path.index("status") if "status" in path else len(path)
    number = path[place + 1] if 0 < place < len(path) - 1 else ""
    return number if number.isascii() and number.isdigit() and len(number) <= 20 else ""


def is_unknown_field(answer: StepResult) -> bool:
    """Return True if X refused the request as malformed."""
    return isinstance(answer, Response) and answer.status == 400


def listing_meta(answer: StepResult) -> dict[str, Any]:
    """Return the `meta` object of a listing."""
    told = json_body(answer).get("meta")
    return told if isinstance(told, dict) else {}


def usernames_by_id(pages: Iterable[StepResult]) -> dict[str, str]:
    """Return the names of the users included in some responses, by ID."""
    included = (json_body(page).get("includes") for page in pages)
    listed = (told.get("users") for told in included if isinstance(told, dict))
    found = [
        one for users in listed if isinstance(users, list) for one in users if isinstance(one, dict)
    ]
    return {
        str(one.get("id")): str(one["username"])
        for one in found
        if isinstance(one.get("username"), str)
    }


def parent_id(post: Mapping[str, Any]) -> str:
    """Return the ID of the post that this one replies to, or ""."""
    found = post.get("referenced_tweets", post.get("referenced_posts"))
    told = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return next((str(one.get("id", "")) for one in told if one.get("type") == "replied_to"), "")


def original_text(post: Mapping[str, Any]) -> str:
    """Return the text of a post as it was sent.

    X shortens URLs, appends one for its pictures and escapes three characters. The full text of a
    long post is in a separate field.
    """
    long = post.get("note_tweet", post.get("note_post"))
    told = long if isinstance(long, dict) and isinstance(long.get("text"), str) else post
    text = str(told.get("text", ""))
    entities = told.get("entities")
    found = entities.get("urls") if isinstance(entities, dict) else None
    for link in [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []:
        short = str(link.get("url", ""))
        full = str(link.get("expanded_url", ""))
        of_picture = "media_key" in link or re.search(r"/status/\d+/(photo|video)/\d+$", full)
        text = text.replace(short, "" if of_picture else full) if short else text
    return html.unescape(text)


def media_ids(post: Mapping[str, Any]) -> set[str]:
    """Return the IDs of a post's media. A media key is a kind, `_` and the ID of the upload.

    Source: https://docs.x.com/x-api/fundamentals/data-dictionary#media
    """
    attached = post.get("attachments")
    keys = attached.get("media_keys") if isinstance(attached, dict) else None
    return {str(key).rpartition("_")[2] for key in keys} if isinstance(keys, list) else set()


def without_mentions(text: str) -> str:
    """Return a reply's text without the leading mentions that X adds."""
    return _NAMES.sub("", text.lstrip(), count=1) if _NAMES.match(text.lstrip()) else text
