"""One poll of what people write, asked of a fake as the listening process asks."""

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
    """What was said since `cursor`, by harmless requests alone; why nothing was heard, where
    nothing was."""
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
    """The words of a poll that heard something, and how far it came."""
    assert isinstance(news, ChatUpdates), news
    return [update.text for update in news.updates], news.cursor
