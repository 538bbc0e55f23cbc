"""How X tells posts: by which names fields are asked for, what a post was put under, its words as
they were sent."""

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.contract.connector import Response, StepResult
from connectors.contract.post_addresses import path_segments
from connectors.shared.http_responses import json_body

_NAMES = re.compile(r"(?:@\w{1,50}\s+)+", re.ASCII)


def post_url(number: str) -> str:
    """Where people see a post."""
    return f"https://x.com/i/status/{number}"


def post_id_in(url: str) -> str:
    """The number of the post that an address names; "" for none."""
    path = path_segments(url, "x.com", "twitter.com")
    place = path.index("status") if "status" in path else len(path)
    number = path[place + 1] if 0 < place < len(path) - 1 else ""
    return number if number.isascii() and number.isdigit() and len(number) <= 20 else ""


def field_names(
    answers: tuple[StepResult, ...], asked: str, more: str = "", newer: str = ""
) -> str:
    """What to ask for: by the names every client uses or, where these are refused, by the newest
    description's. `more` is a field by the first names alone, `newer` an expansion by the
    second."""
    if answers and is_unknown_field(answers[0]):
        return f"post.fields={asked}" + (f"&expansions={newer}" if newer else "")
    return f"tweet.fields={asked}" + (f",{more}" if more else "")


def is_unknown_field(answer: StepResult) -> bool:
    """Whether a request was refused as one that is wrong in itself."""
    return isinstance(answer, Response) and answer.status == 400


def listing_meta(answer: StepResult) -> dict[str, Any]:
    """What a listing says of itself."""
    told = json_body(answer).get("meta")
    return told if isinstance(told, dict) else {}


def usernames_by_id(pages: Iterable[StepResult]) -> dict[str, str]:
    """What those are called who are named beside what some answers list, by their ids."""
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
    """What a post was put under."""
    found = post.get("referenced_tweets", post.get("referenced_posts"))
    told = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return next((str(one.get("id", "")) for one in told if one.get("type") == "replied_to"), "")


def original_text(post: Mapping[str, Any]) -> str:
    """The words as they were sent: X shortens addresses, adds one for its pictures, and escapes
    three signs. Of a long post it tells the whole in a field of its own."""
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
    """The ids of its media: a media key is a kind, `_`, and the id that the upload had.

    Source: https://docs.x.com/x-api/fundamentals/data-dictionary#media
    """
    attached = post.get("attachments")
    keys = attached.get("media_keys") if isinstance(attached, dict) else None
    return {str(key).rpartition("_")[2] for key in keys} if isinstance(keys, list) else set()


def without_mentions(text: str) -> str:
    """A reply's text without the names of those it answers, which X puts before it."""
    return _NAMES.sub("", text.lstrip(), count=1) if _NAMES.match(text.lstrip()) else text
