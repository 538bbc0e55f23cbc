"""praw, the most common Python client, signed in to the fake Reddit."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import praw
import requests

from tests.fakes.reddit.client import AGENT
from tests.fakes.reddit.server import FakeReddit
from tests.fakes.reddit.state import SCOPES

BACK = "https://house.example/back"


@contextmanager
def signed_in(fake: FakeReddit, name: str) -> Iterator[Any]:
    """Return praw with an account's approval of all scopes of our client."""
    app = fake.application(BACK)
    session = requests.Session()
    made = praw.Reddit(
        client_id=app.client_id,
        client_secret=app.secret,
        redirect_uri=BACK,
        user_agent=AGENT,
        reddit_url=fake.url,
        oauth_url=fake.url,
        check_for_updates=False,
        requestor_kwargs={"session": session},
    )
    back = fake.approve(made.auth.url(scopes=list(SCOPES), state="s", duration="permanent"), name)
    made.auth.authorize(dict(parse_qsl(urlsplit(back).query))["code"])
    yield made
    session.close()
