"""The client of remote workers waits as long as the installation, or a proxy before it, requests."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.conformance.fake_servers import serve_app
from foundation.ids import uuid7
from foundation.ops.clock import wall_now
from generators.remote_protocol import LeaseHeartbeat
from workers.remote_worker.installation_api import (
    MAX_REQUESTED_RETRY,
    InstallationApi,
    InstallationUnreachable,
)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("7.5", 7.5),
        ("86400", MAX_REQUESTED_RETRY.total_seconds()),
        ("date", 120.0),
        ("", 0.0),
        ("soon", 0.0),
    ],
)
def test_requested_wait_is_read_in_any_format(status: int, value: str, seconds: float) -> None:
    def refuse(_: Request) -> Response:
        until = format_datetime(wall_now() + timedelta(seconds=120), usegmt=True)
        return Response(
            status_code=status, headers={"retry-after": until if value == "date" else value}
        )

    app = Starlette(routes=[Route("/machine/v1/beats", refuse, methods=["POST"])])
    with serve_app(app) as url, pytest.raises(InstallationUnreachable) as raised:
        InstallationApi(url, "key").send_heartbeat(LeaseHeartbeat(lease=uuid7()))
    assert seconds - 2 <= raised.value.after <= seconds
