"""A single chat poll against a fake, sent the way the listener process sends it."""

from collections.abc import Callable

from connectors.conformance.world import ConnectorWorld
from connectors.contract.chats import ChatUpdates
from connectors.contract.connector import Send, StepKind, StepResult
from connectors.contract.outcomes import Outcome
from gate.contract.permit import ControlOrder


def poll_chats(
    listen: Callable[[str, tuple[StepResult, ...]], Send | ChatUpdates | Outcome],
    world: ConnectorWorld,
    cursor: str,
) -> ChatUpdates | Outcome:
    """Poll the messages since `cursor` with harmless requests only. Return the updates, or the
    outcome that ended the poll."""
    account = world.account
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := listen(cursor, answers), Send):
        assert (turn.step.kind, turn.step.action, turn.step.method) == (
            StepKind.CONTROL,
            "updates",
            "GET",
        )
        order = ControlOrder(account.tenant_id, account.channel_id, turn.step.action)
        answers = (*answers, world.transport.send(turn.step, order, account=account))
    return turn


def unpack_updates(news: ChatUpdates | Outcome) -> tuple[list[str], str]:
    """Return the texts of a successful poll and its cursor."""
    assert isinstance(news, ChatUpdates), news
    return [update.text for update in news.updates], news.cursor
