"""Requests to the fake YouTube as tests make them."""

import json
from typing import Any
from urllib.parse import urlsplit

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from tests.fakes.google import FakeYouTube, Member
from tests.fakes.google_uploads import PIECE

HTTP = HttpClient()
FILM = b"\0\0\0\x18ftypmp42" + bytes(PIECE * 2)
"""Two pieces and a little."""
INSERT = "/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status"
API = "/youtube/v3/"


def send(
    fake: FakeYouTube,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> HttpResponse:
    """One request."""
    reply = HTTP.send(HttpRequest(method, fake.url + path, headers or {}, body, 5.0))
    assert isinstance(reply, HttpResponse), reply
    return reply


def ask(
    fake: FakeYouTube, mine: Member | str, method: str, path: str, said: Any = None, **more: str
) -> HttpResponse:
    """One request with a token and a JSON body; `more` are headers."""
    token = mine if isinstance(mine, str) else mine.token
    headers = {"authorization": f"Bearer {token}"} | {
        name.replace("_", "-"): value for name, value in more.items()
    }
    body = b"" if said is None else json.dumps(said).encode()
    return send(
        fake, method, path, headers | ({"content-type": "application/json"} if body else {}), body
    )


def told(reply: HttpResponse, status: int = 200) -> Any:
    """The JSON of an answer that is as it should be."""
    assert reply.status == status, reply.body
    return json.loads(reply.body)


def reason(reply: HttpResponse) -> tuple[int, str]:
    """Status and reason of a refusal."""
    error = json.loads(reply.body)["error"]
    assert error["code"] == reply.status
    assert error["message"]
    return reply.status, error["errors"][0]["reason"]


def wanted(privacy: str = "private", **snippet: Any) -> dict[str, Any]:
    """What is said of a video; `snippet` changes its words."""
    status = {
        "privacyStatus": privacy,
        "selfDeclaredMadeForKids": False,
        "containsSyntheticMedia": True,
    }
    return {
        "snippet": {"title": "A wall", "description": "waves", "categoryId": "22", **snippet},
        "status": status,
    }


def opened(
    fake: FakeYouTube, mine: Member | str, said: Any = None, *, size: int = len(FILM), **more: str
) -> HttpResponse:
    """The answer to the wish for a session; `more` are headers."""
    more = {"x_upload_content_length": str(size), "x_upload_content_type": "video/mp4"} | more
    return ask(fake, mine, "POST", INSERT, wanted() if said is None else said, **more)


def session(fake: FakeYouTube, mine: Member | str, said: Any = None, **more: Any) -> str:
    """Path and query of a new session."""
    reply = opened(fake, mine, said, **more)
    assert (reply.status, reply.body) == (200, b"")
    address = urlsplit(reply.headers["location"])
    assert f"{address.scheme}://{address.netloc}" == fake.url
    return f"{address.path}?{address.query}"


def put(
    fake: FakeYouTube, path: str, data: bytes, content_range: str = "", **headers: str
) -> HttpResponse:
    """Bytes for a session, or a question about it."""
    return send(
        fake,
        "PUT",
        path,
        ({"content-range": content_range} if content_range else {}) | headers,
        data,
    )


def piece(fake: FakeYouTube, path: str, first: int, film: bytes = FILM) -> HttpResponse:
    """The piece of a film that begins at `first`."""
    data = film[first : first + PIECE]
    return put(fake, path, data, f"bytes {first}-{first + len(data) - 1}/{len(film)}")


def uploaded(fake: FakeYouTube, mine: Member, said: Any = None, film: bytes = FILM) -> str:
    """The id of a new video."""
    return str(told(put(fake, session(fake, mine, said, size=len(film)), film), 201)["id"])


def video(fake: FakeYouTube, mine: Member | str, number: str, part: str = "snippet,status") -> Any:
    """What YouTube tells of a video; None where it tells nothing."""
    items = told(ask(fake, mine, "GET", f"{API}videos?part={part}&id={number}"))["items"]
    return items[0] if items else None


def update(
    fake: FakeYouTube, mine: Member | str, number: str, part: str = "status", **said: Any
) -> HttpResponse:
    """The answer to new parts of a video."""
    return ask(fake, mine, "PUT", f"{API}videos?part={part}", {"id": number, **said})


def public(fake: FakeYouTube, mine: Member, number: str) -> HttpResponse:
    """The answer to the wish that a video be public."""
    return update(fake, mine, number, status=wanted("public")["status"])
