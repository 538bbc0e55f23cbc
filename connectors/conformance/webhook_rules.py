"""The rules for webhooks, instead of polling or for an application; each returns its breaches."""

from collections.abc import Mapping
from typing import Any

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.app_webhooks import SupportsAppWebhooks
from connectors.contract.chats import SupportsWebhook
from connectors.contract.connector import Connector, StepKind, WireStep
from connectors.transport.signatures import sign_payload
from foundation.sealed import Sealed

ADDRESS = "https://house.example/hooks/1"
SECRET = "what-a-call-shows"
NO_UPDATES: tuple[object, ...] = (
    None,
    [],
    {},
    "x",
    7,
    {"update_id": "x"},
    {"update_id": 1, "message": 7},
)
NO_CALLS = (b"", b"{}", b"[]", b"null", b"\xff", b"[" * 5000)
NO_MARKS = ("", "x", "t=1", "t=,v0=", "," * 50)


def webhooks_are_read(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that a webhook is set and deleted, and that its secret is sealed until it is sent.

    A call must yield one update, the same one if it is repeated; invalid calls yield none.
    """
    if not isinstance(connector, SupportsWebhook):
        return (
            ["webhooks are sent, but the connector does not read them"]
            if world.hooks is not None
            else []
        )
    breaches = (
        []
        if connector.hook_header == connector.hook_header.lower()
        else ["the header name is not in lower case"]
    )
    for body in NO_UPDATES:
        if connector.parse_webhook(body):
            breaches.append(f"an update from {body!r}")
    if world.hooks is None:
        return breaches
    house = SendingHarness(world, world.connector)
    subscribe = connector.set_webhook(ADDRESS, Sealed(SECRET.encode()))
    for step, wanted in ((subscribe, (ADDRESS, SECRET)), (connector.delete_webhook(), ("", ""))):
        if step.kind is not StepKind.AUTH:
            return [*breaches, f"{step.name} is {step.kind}"]
        if SECRET in _visible_text(step):
            breaches.append("the secret is not encrypted")
        house.send(step)
        if (there := world.hooks.stands()) != wanted:
            breaches.append(f"after {step.name} webhooks go to {there}")
    told = world.hooks.call("hello over there")
    first = connector.parse_webhook(told)
    again = connector.parse_webhook(told)
    if first is None or len(first) != 1 or "hello over there" not in first[0].text:
        return [*breaches, f"a webhook is read as {first}"]
    return breaches + ([] if first == again else ["a repeated webhook is read as a new one"])


def _visible_text(step: WireStep) -> str:
    """Return all text of a step that is not sealed."""
    shown: Mapping[str, Any] = step.json or {}
    words = [str(value) for value in shown.values() if not isinstance(value, Sealed)]
    return " ".join((step.path, *step.headers.values(), *words))


def app_webhooks_are_verified(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that a call is verified by the signature of its exact body and names the account.

    A repeated call must have the same key; invalid calls yield nothing.
    """
    if not isinstance(connector, SupportsAppWebhooks):
        return (
            ["webhooks are sent, but the connector does not read them"]
            if world.calls is not None
            else []
        )
    breaches = (
        []
        if connector.call_header == connector.call_header.lower()
        else ["the header name is not in lower case"]
    )
    breaches += [
        f"a signature from {one!r}" for one in NO_MARKS if connector.read_signature(one) is not None
    ]
    breaches += [
        f"a notification from {one[:9]!r}"
        for one in NO_CALLS
        if connector.parse_app_webhook(one) is not None
    ]
    if world.calls is None:
        return breaches
    call = world.calls()
    shown = connector.read_signature(call.header)
    if shown is None or sign_payload(call.secret, shown.timestamp, call.body) not in shown.marks:
        breaches.append("a valid signature is rejected")
    first = connector.parse_app_webhook(call.body)
    again = connector.parse_app_webhook(call.body)
    if first is None or first.account != world.account.account or not first.wakes:
        return [*breaches, f"a webhook for the account is read as {first}"]
    other = connector.parse_app_webhook(world.calls().body)
    if first != again or other is None or other.key == first.key:
        breaches.append("webhooks of different keys are not distinguished")
    return breaches
