"""WebSockets open only for the origin of the dashboard."""

from urllib.parse import urlsplit

import pytest

from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

REFUSED = r"403|rejected|1008"


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:1",
        "http://localhost:{other}",
        "https://localhost:{port}",
        "http://127.0.0.1:{port}",
        "http://[::1]:{port}",
        "http://localhost:{port}.evil.example",
        "ws://localhost:{port}",
        "null",
        "",
    ],
)
def test_other_origins_are_refused(door: Door, lumiere: Agency, origin: str) -> None:
    port = urlsplit(door.url).port or 0
    sent = origin.format(port=port, other=port + 1)
    with (
        pytest.raises(Exception, match=REFUSED),
        stream(door.url, door.cookie(lumiere), origin=sent or " "),
    ):
        pass


def test_own_origin_is_accepted(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere), origin=door.url):
        pass
