"""Requests to the fake X, directly and through tweepy, the most common Python client."""

import io
import json
from typing import Any

import requests
import tweepy  # type: ignore[import-untyped]  # ships no types
from PIL import Image
from requests.adapters import HTTPAdapter

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse, encode_multipart
from tests.fakes.x.server import FakeX
from tests.fakes.x.spec import JSON
from tests.fakes.x.state import Member

HTTP = HttpClient()


def send(
    fake: FakeX, method: str, path: str, header: str, content: tuple[str, bytes] = ("", b"")
) -> Any:
    """Send a request. Return the response or the network failure. `content` is a media type and a
    body."""
    headers = {"authorization": header, "content-type": content[0]}
    sent = {name: value for name, value in headers.items() if value}
    return HTTP.send(HttpRequest(method, fake.url + path, sent, content[1], 5.0))


def ask(
    fake: FakeX, mine: Member | str, method: str, path: str, said: Any = None
) -> tuple[int, Any, Any]:
    """Return the status, JSON and headers of a request."""
    token = mine if isinstance(mine, str) else mine.token
    body = (JSON, json.dumps(said).encode()) if said is not None else ("", b"")
    reply = send(fake, method, path, f"Bearer {token}" if token else "", body)
    assert isinstance(reply, HttpResponse), reply
    return reply.status, json.loads(reply.body), reply.headers


def post(fake: FakeX, mine: Member | str, text: str, **more: Any) -> tuple[int, Any]:
    return ask(fake, mine, "POST", "/2/tweets", {"text": text, **more})[:2]


def create_post(fake: FakeX, mine: Member, text: str, **more: Any) -> str:
    status, told = post(fake, mine, text, **more)
    assert status == 201, told
    return str(told["data"]["id"])


def picture(kind: str = "PNG", size: tuple[int, int] = (4, 3), **more: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, kind, **more)
    return file.getvalue()


def upload(
    fake: FakeX, mine: Member, data: bytes, category: str = "tweet_image"
) -> tuple[int, Any]:
    body = encode_multipart(
        {"media_category": category}, {"media": ("a", data, "application/octet-stream")}
    )
    reply = send(fake, "POST", "/2/media/upload", f"Bearer {mine.token}", body)
    assert isinstance(reply, HttpResponse)
    return reply.status, json.loads(reply.body)


def uploaded(fake: FakeX, mine: Member, number: int = 1) -> list[str]:
    return [
        str(upload(fake, mine, picture(size=(number, at + 1)))[1]["data"]["id"])
        for at in range(number)
    ]


def describe(fake: FakeX, mine: Member, medium: str, **metadata: Any) -> tuple[int, Any]:
    return ask(fake, mine, "POST", "/2/media/metadata", {"id": medium, "metadata": metadata})[:2]


class FakeRoutingAdapter(HTTPAdapter):
    """Redirects the requests of a library to the fake."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        request.url = (request.url or "").replace("https://api.twitter.com", self.url)
        return super().send(request, *args, **more)


def tweepy_client(fake: FakeX, token: str) -> Any:
    """Return a tweepy client that uses the fake."""
    client = tweepy.Client(token)
    client.session.mount("https://api.twitter.com", FakeRoutingAdapter(fake.url))
    return client
