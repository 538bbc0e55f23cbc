"""Asking our own form for removal requests, as a visitor would: it must answer, and reach its database."""

from contextlib import closing

from foundation import telemetry
from foundation.addresses import Reach
from foundation.database import OpenScope
from foundation.http import HttpClient, Reply, Request
from gate import intake
from gate.events import IntakeDue

ACTOR = "system:intake"
SECONDS = 10.0
ASKED = ("/readyz", "/report")
MARK = b'name="form"'

log = telemetry.log("workers.reaching")


def asking(address: str, reach: Reach) -> bool:
    """Whether the form at an address of ours answers, and could take a request now."""
    with closing(HttpClient(reach=reach)) as http:
        replies = [http.exchange(Request("GET", f"{address.rstrip('/')}{path}", deadline=SECONDS)) for path in ASKED]
    well = all(isinstance(reply, Reply) and reply.status == 200 for reply in replies)
    return well and isinstance(replies[-1], Reply) and MARK in replies[-1].body


def probe(event: IntakeDue, *, tenant: OpenScope, address: str, reach: Reach) -> None:
    """Note that the form was reached. Where it was not, nothing is written: after an hour that counts."""
    if not asking(address, reach):
        log.warning("intake.unreached", address=address)
        return
    with tenant(event.tenant_id, ACTOR) as scope:
        intake.note(scope)
