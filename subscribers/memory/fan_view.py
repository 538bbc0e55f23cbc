"""The memory as a fan sees it: the command `/memory` lists all facts, each with a way to delete
it."""

from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message, render_message
from gate.contract.units import Button
from subscribers.conversations import outgoing_messages
from subscribers.conversations.models import Conversation
from subscribers.memory import facts, recall
from subscribers.memory.facts import FanFact

PAGE = 5
"""Maximum number of facts below a message, or of messages with one fact each."""

EVERYTHING = "all"
_PAGES = "page-"


def answer_memory_command(scope: Scope, talk: Conversation, said: str, *, buttons: bool) -> None:
    """Answer `/memory`, `/memory <number>` (delete a fact) and `/memory all` (delete everything).

    `buttons` is True if the account's platform shows buttons; otherwise each fact is a message.
    """
    wanted = said.split()[1:2]
    known = _list_in_order(scope, talk)
    if wanted and wanted[0].casefold() in (EVERYTHING, "tout"):
        forget_by_button(scope, talk, EVERYTHING, buttons=buttons)
    elif wanted and wanted[0].isascii() and wanted[0].isdigit():
        place = int(wanted[0][:3])
        chosen = known[place - 1].id if 1 <= place <= len(known) else None
        forget_by_button(scope, talk, str(chosen), buttons=buttons)
    else:
        _send_memory(scope, talk, "service.memory.list", buttons=buttons)


def forget_by_button(scope: Scope, talk: Conversation, ref: str, *, buttons: bool = True) -> None:
    """Delete the fact that a button names, or everything, and send what is left. A button of a
    deleted fact sends the list again."""
    if ref == EVERYTHING:
        facts.delete_memory(scope, talk.fan_id)
        code = "service.memory.list"
    elif ref.startswith(_PAGES) and ref[len(_PAGES) :].isdigit():
        start = int(ref[len(_PAGES) :][:3])
        _send_memory(scope, talk, "service.memory.list", buttons=buttons, start=start)
        return
    else:
        fact_id = _parse_id(ref)
        deleted = fact_id is not None and facts.delete_fact(scope, talk.fan_id, fact_id)
        code = "service.memory.left" if deleted else "service.memory.list"
    _send_memory(scope, talk, code, buttons=buttons)


def _parse_id(ref: str) -> UUID | None:
    try:
        return UUID(ref)
    except ValueError:
        return None


def _list_in_order(scope: Scope, talk: Conversation) -> list[FanFact]:
    """Return the facts, oldest first, so that a number means the same fact in the next message."""
    return sorted(facts.list_facts(scope, talk.fan_id), key=lambda one: one.id)


def _send_memory(
    scope: Scope, talk: Conversation, code: str, *, buttons: bool, start: int = 0
) -> None:
    known = _list_in_order(scope, talk)
    if not known and not recall.load_summary(scope, talk.id):
        outgoing_messages.send_automated_message(scope, talk, Message("service.memory.none"))
    elif buttons:
        outgoing_messages.send_automated_message(
            scope, talk, Message(code), buttons=_build_buttons(talk, known, start)
        )
    else:
        _send_entries(scope, talk, known)


def _build_buttons(talk: Conversation, known: list[FanFact], start: int) -> list[Button]:
    language = talk.language
    shown = known[start : start + PAGE]
    found = [
        Button(_label("forget", language, _entry(one, language)), "forget", str(one.id))
        for one in shown
    ]
    if start + PAGE < len(known):
        found.append(Button(_label("more", language), "forget", f"{_PAGES}{start + PAGE}"))
    return [*found, Button(_label("forget_all", language), "forget", EVERYTHING)]


def _label(name: str, language: str, fact: str = "") -> str:
    params: dict[str, str | int] = {"fact": fact} if fact else {}
    return render_message(Message(f"service.button.{name}", params), language)


def _entry(one: FanFact, language: str) -> str:
    return outgoing_messages.template_value(facts.fact_text(one, language))


def _send_entries(scope: Scope, talk: Conversation, known: list[FanFact]) -> None:
    for number, one in enumerate(known[:PAGE], start=1):
        entry: dict[str, str | int] = {"number": number, "fact": _entry(one, talk.language)}
        outgoing_messages.send_automated_message(
            scope, talk, Message("service.memory.entry", entry)
        )
    rest = len(known) - PAGE
    how = (
        Message("service.memory.rest", {"count": rest})
        if rest > 0
        else Message("service.memory.how")
    )
    outgoing_messages.send_automated_message(scope, talk, how)
