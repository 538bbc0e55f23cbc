"""Requests of tests to the fake Reddit."""

import io
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

from PIL import Image

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from tests.fakes.reddit.server import FakeReddit
from tests.fakes.reddit.spec import FORM, JSON
from tests.fakes.reddit.state import Member

HTTP = HttpClient()
AGENT = "python:house-tests:1.0 (by /u/nova)"


def send(
    fake: FakeReddit, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> Any:
    """Send a request. Return the response or the network failure."""
    return HTTP.send(HttpRequest(method, fake.url + path, headers, body, 5.0))


def ask(
    fake: FakeReddit, mine: Member | str, method: str, path: str, said: Any = None
) -> tuple[int, Any, Any]:
    """Return the status, JSON and headers of a request. The body is JSON if it has `items`,
    otherwise a form."""
    token = mine if isinstance(mine, str) else mine.token
    headers = {"authorization": f"Bearer {token}", "user-agent": AGENT}
    body = b""
    if said is not None:
        headers["content-type"] = JSON if "items" in said else FORM
        body = json.dumps(said).encode() if "items" in said else urlencode(said).encode()
    reply = send(fake, method, path, headers, body)
    assert isinstance(reply, HttpResponse), reply
    return reply.status, json.loads(reply.body), reply.headers


def submit(fake: FakeReddit, mine: Member, title: str = "A wall", **more: Any) -> Any:
    """Submit a post and return `json` of the response."""
    said = {"api_type": "json", "sr": "Pictures", "kind": "self", "title": title, **more}
    status, told, _ = ask(fake, mine, "POST", "/api/submit?raw_json=1", said)
    assert status == 200, told
    return told["json"]


def create_post(fake: FakeReddit, mine: Member, title: str = "A wall", **more: Any) -> str:
    """Create a post and return its fullname."""
    told = submit(fake, mine, title, **more)
    assert told["errors"] == [], told
    return str(told["data"]["name"])


def refusal_reason(fake: FakeReddit, mine: Member, **more: Any) -> tuple[str, str | None]:
    """Return the code and field of a rejected post."""
    told = submit(fake, mine, **more)
    assert "data" not in told
    [[code, message, about]] = told["errors"]
    assert message
    return code, about


def picture(shade: int = 1) -> bytes:
    """Return a small picture, a different one for each shade."""
    file = io.BytesIO()
    Image.new("RGB", (4, 4), (shade, 2, 3)).save(file, "PNG")
    return file.getvalue()


def request_lease(fake: FakeReddit, mine: Member, mime: str = "image/png") -> Any:
    """Return an upload lease."""
    status, told, _ = ask(
        fake, mine, "POST", "/api/media/asset.json", {"filepath": "a.png", "mimetype": mime}
    )
    assert status == 200, told
    return told


def send_file(fake: FakeReddit, leased: Any, data: bytes | None, **more: Any) -> HttpResponse:
    """Upload a file to the store. `more` changes fields (None removes one) or adds headers."""
    headers = more.pop("headers", {})
    fields = {one["name"]: one["value"] for one in leased["args"]["fields"]}
    fields |= {name.replace("_", "-"): value for name, value in more.items()}
    rows = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
        if value is not None
    ]
    if data is not None:
        rows += [
            b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n',
            data,
            b"\r\n",
        ]
    headers = {"content-type": "multipart/form-data; boundary=edge"} | headers
    reply = send(
        fake,
        "POST",
        urlsplit("http:" + leased["args"]["action"]).path,
        headers,
        b"".join(rows) + b"--edge--",
    )
    assert isinstance(reply, HttpResponse)
    return reply


def upload_file(
    fake: FakeReddit, mine: Member, data: bytes | None = None, mime: str = "image/png"
) -> tuple[str, str]:
    """Upload a file. Return its asset ID and the URL to use in a post."""
    leased = request_lease(fake, mine, mime)
    assert send_file(fake, leased, picture() if data is None else data).status == 201
    key = next(one["value"] for one in leased["args"]["fields"] if one["name"] == "key")
    return leased["asset"]["asset_id"], f"https:{leased['args']['action']}/{key}"


def list_posts(fake: FakeReddit, mine: Member, query: str = "", name: str = "") -> list[Any]:
    """Return the posts of an account's list."""
    status, told, _ = ask(
        fake, mine, "GET", f"/user/{name or mine.name}/submitted?raw_json=1&sort=new{query}"
    )
    assert (status, told["kind"]) == (200, "Listing")
    return [one["data"] for one in told["data"]["children"]]


def get_posts(fake: FakeReddit, mine: Member, *names: str) -> list[Any]:
    """Return posts by fullname."""
    _, told, _ = ask(fake, mine, "GET", f"/api/info?raw_json=1&id={','.join(names)}")
    return [one["data"] for one in told["data"]["children"]]


def submit_gallery(fake: FakeReddit, mine: Member, items: Any, **more: Any) -> Any:
    """Submit a gallery. Return `json` of the response, or the status of an error."""
    said = {
        "api_type": "json",
        "sr": "Pictures",
        "title": "Walls",
        "items": items,
        "nsfw": False,
        **more,
    }
    status, told, _ = ask(fake, mine, "POST", "/api/submit_gallery_post.json?raw_json=1", said)
    return told["json"] if status == 200 else status
