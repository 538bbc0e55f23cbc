"""Probe that loads the public form for removal requests as a visitor would, including its
database."""

from contextlib import closing

from foundation.db.database import OpenScope
from foundation.http.address_policy import AddressPolicy
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ops import telemetry
from gate.removal import intake_heartbeat
from gate.removal.events import IntakeDue

ACTOR = "system:intake"
SECONDS = 10.0
PROBED_PATHS = ("/readyz", "/report")
FORM_MARKER = b'name="form"'

log = telemetry.get_logger("workers.event_handlers.removal_form_probe")


def is_form_answering(address: str, reach: AddressPolicy) -> bool:
    """Return True if the form at this URL responds and can accept a request."""
    with closing(HttpClient(reach=reach)) as http:
        replies = [
            http.send(HttpRequest("GET", f"{address.rstrip('/')}{path}", deadline=SECONDS))
            for path in PROBED_PATHS
        ]
    well = all(isinstance(reply, HttpResponse) and reply.status == 200 for reply in replies)
    return well and isinstance(replies[-1], HttpResponse) and FORM_MARKER in replies[-1].body


def probe_removal_form(
    event: IntakeDue, *, tenant: OpenScope, address: str, reach: AddressPolicy
) -> None:
    """Record that the form was reached. After a failure nothing is recorded; an hour without a
    record counts as an outage."""
    if not is_form_answering(address, reach):
        log.warning("intake.unreached", address=address)
        return
    with tenant(event.tenant_id, ACTOR) as scope:
        intake_heartbeat.record_reached(scope)
