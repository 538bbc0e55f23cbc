"""Parsing of requests to the fake Discord: kind, JSON and files."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from foundation.ops.fault_injection import PlatformCall
from tests.fakes.discord.state import Json, Refusal

API = "/api/v10"


@dataclass(frozen=True)
class ParsedRequest:
    """The JSON of a request, its files by part name (file name and content), and its size in bytes."""

    said: Any
    files: Mapping[str, tuple[str, bytes]]
    size: int


def read(kind: str, body: bytes) -> tuple[Any, dict[str, tuple[str, bytes]]]:
    """Return the JSON of a request and its files by part name: file name and content."""
    if not kind.startswith("multipart/form-data"):
        return (json.loads(body) if body else None), {}
    whole = BytesParser(policy=HTTP).parsebytes(
        b"content-type: " + kind.encode() + b"\r\n\r\n" + body
    )
    said, files = None, {}
    for part in whole.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        data = part.get_payload(decode=True)
        if name == "payload_json":
            said = json.loads(data)
        else:
            files[name] = (str(part.get_filename()), data)
    return said, files


def kept(said: Json, files: Mapping[str, tuple[str, bytes]]) -> Json:
    kept = []
    for one in said.get("attachments") or ():
        name, data = files[f"files[{one['id']}]"]
        address = f"https://cdn.example/{name}?ex=1"
        kept.append(
            {
                "id": one["id"],
                "filename": name,
                "size": len(data),
                "url": address,
                "proxy_url": address,
            }
        )
    return {**said, "attachments": kept}


def headers_of(refusal: Refusal) -> dict[str, str]:
    if refusal.status != 429:
        return {}
    everywhere = refusal.more["global"]
    headers = {"retry-after": str(math.ceil(refusal.more["retry_after"])), "via": "1.1 google"}
    scope = "global" if everywhere else "user"
    return (
        headers
        | {"x-ratelimit-scope": scope}
        | ({"x-ratelimit-global": "true"} if everywhere else {})
    )


_OF_MESSAGE = {"GET": "metrics", "DELETE": "deletes", "PATCH": "edits"}


def classify_request(method: str, path: str) -> PlatformCall | None:
    """Return the kind of a request for the fault book. Its account is the channel."""
    parts = path.removeprefix(API).strip("/").split("/")
    if not path.startswith(API):
        return None
    match method, parts:
        case "POST", ["channels", channel, "messages"]:
            return PlatformCall(method, path, channel, "posts")
        case "POST", ["channels", channel, "messages", _, "crosspost"]:
            return PlatformCall(method, path, channel, "passes")
        case "GET", ["channels", channel, "messages"] | ["channels", channel]:
            return PlatformCall(method, path, channel, "lookups")
        case (("GET" | "DELETE" | "PATCH"), ["channels", channel, "messages", _]):
            return PlatformCall(method, path, channel, _OF_MESSAGE[method])
        case "GET", ["guilds", guild]:
            return PlatformCall(method, path, guild, "guilds")
        case _, ["guilds", guild, "members", _, "roles", _]:
            return PlatformCall(method, path, guild, "roles")
        case "POST", ["users", "@me", "channels"]:
            return PlatformCall(method, path, "@me", "files")
        case _, ["applications", application, "commands", *_]:
            return PlatformCall(method, path, application, "menus")
        case _, ["interactions", made, _, "callback"]:
            return PlatformCall(method, path, made, "acks")
        case _, ["webhooks", application, _, "messages", "@original"]:
            return PlatformCall(method, path, application, "answers")
        case _:
            return PlatformCall(method, path, "", "other")
