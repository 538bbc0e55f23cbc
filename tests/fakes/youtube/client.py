"""Requests of tests to the fake YouTube."""

import json
from typing import Any
from urllib.parse import urlsplit

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from tests.fakes.youtube.server import FakeYouTube, Member
from tests.fakes.youtube.uploads import PIECE

HTTP = HttpClient()
FILM = b"\0\0\0\x18ftypmp42" + bytes(PIECE * 2)
"""Two pieces and the start of a third."""
INSERT = "/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status"
API = "/youtube/v3/"


def send(
    fake: FakeYouTube,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> HttpResponse:
    """Send a request."""
    reply = HTTP.send(HttpRequest(method, fake.url + path, headers or {}, body, 5.0))
    assert isinstance(reply, HttpResponse), reply
    return reply


def ask(
    fake: FakeYouTube, mine: Member | str, method: str, path: str, said: Any = None, **more: str
) -> HttpResponse:
    """Send a request with a token and a JSON body. `more` are headers."""
    token = mine if isinstance(mine, str) else mine.token
    headers = {"authorization": f"Bearer {token}"} | {
        name.replace("_", "-"): value for name, value in more.items()
    }
    body = b"" if said is None else json.dumps(said).encode()
    return send(
        fake, method, path, headers | ({"content-type": "application/json"} if body else {}), body
    )


def read_json(reply: HttpResponse, status: int = 200) -> Any:
    """Return the JSON of a response with the expected status."""
    assert reply.status == status, reply.body
    return json.loads(reply.body)


def refusal_reason(reply: HttpResponse) -> tuple[int, str]:
    """Return the status and reason of an error."""
    error = json.loads(reply.body)["error"]
    assert error["code"] == reply.status
    assert error["message"]
    return reply.status, error["errors"][0]["reason"]


def video_metadata(privacy: str = "private", **snippet: Any) -> dict[str, Any]:
    """Return the metadata of a video. `snippet` changes its texts."""
    status = {
        "privacyStatus": privacy,
        "selfDeclaredMadeForKids": False,
        "containsSyntheticMedia": True,
    }
    return {
        "snippet": {"title": "A wall", "description": "waves", "categoryId": "22", **snippet},
        "status": status,
    }


def open_session(
    fake: FakeYouTube, mine: Member | str, said: Any = None, *, size: int = len(FILM), **more: str
) -> HttpResponse:
    """Return the response to a request for an upload session. `more` are headers."""
    more = {"x_upload_content_length": str(size), "x_upload_content_type": "video/mp4"} | more
    return ask(fake, mine, "POST", INSERT, video_metadata() if said is None else said, **more)


def create_session(fake: FakeYouTube, mine: Member | str, said: Any = None, **more: Any) -> str:
    """Return the path and query of a new session."""
    reply = open_session(fake, mine, said, **more)
    assert (reply.status, reply.body) == (200, b"")
    address = urlsplit(reply.headers["location"])
    assert f"{address.scheme}://{address.netloc}" == fake.url
    return f"{address.path}?{address.query}"


def send_bytes(
    fake: FakeYouTube, path: str, data: bytes, content_range: str = "", **headers: str
) -> HttpResponse:
    """Send bytes to a session, or query its status."""
    return send(
        fake,
        "PUT",
        path,
        ({"content-range": content_range} if content_range else {}) | headers,
        data,
    )


def film_piece(fake: FakeYouTube, path: str, first: int, film: bytes = FILM) -> HttpResponse:
    """Send the piece of a video that starts at `first`."""
    data = film[first : first + PIECE]
    return send_bytes(fake, path, data, f"bytes {first}-{first + len(data) - 1}/{len(film)}")


def upload_video(fake: FakeYouTube, mine: Member, said: Any = None, film: bytes = FILM) -> str:
    """Upload a video and return its ID."""
    return str(
        read_json(send_bytes(fake, create_session(fake, mine, said, size=len(film)), film), 201)[
            "id"
        ]
    )


def get_video(
    fake: FakeYouTube, mine: Member | str, number: str, part: str = "snippet,status"
) -> Any:
    """Return the resource of a video, or None."""
    items = read_json(ask(fake, mine, "GET", f"{API}videos?part={part}&id={number}"))["items"]
    return items[0] if items else None


def update_video(
    fake: FakeYouTube, mine: Member | str, number: str, part: str = "status", **said: Any
) -> HttpResponse:
    """Return the response to an update of a video's parts."""
    return ask(fake, mine, "PUT", f"{API}videos?part={part}", {"id": number, **said})


def publish_video(fake: FakeYouTube, mine: Member, number: str) -> HttpResponse:
    """Return the response to an update that makes a video public."""
    return update_video(fake, mine, number, status=video_metadata("public")["status"])
