"""What a fan edits after it was heard: heard again for an age and for danger, kept beside what was said, answered by
nobody."""

from channels.reads import Channel
from connectors.contract import Update
from foundation.database import Scope
from gate.text import MinorSignal
from subscribers import directory, heard, safety, signals, talks
from subscribers.heard import Reading


def hear(scope: Scope, channel: Channel, update: Update) -> None:
    """Take in what a message says now; words that it is known to have said change nothing, whoever tells them again.

    Somebody unknown here, or forgotten, is met for a signal alone: no word put right brings anybody back.
    """
    fan = directory.known_on(scope, channel.id, update.fan)
    if not _has_words(update) or (fan is not None and _is_old(scope, fan, channel, update)):
        return
    danger = signals.crisis(scope, update.text)
    age = signals.age(scope, *_readings(scope, fan, channel, update))
    if fan is None and not danger and age is MinorSignal.NONE:
        return
    fan = fan or directory.find_or_add(
        scope,
        creator_id=channel.creator_id,
        channel_id=channel.id,
        native_id=update.fan,
        handle=update.handle,
        language=update.language,
        said=update.text,
    )
    minor = signals.tell(scope, channel.platform, update.fan, age)  # the fan is held before, the conversation after
    talk = talks.opened(scope, fan, channel)
    if _is_old(scope, fan, channel, update):  # another process heard it meanwhile
        return
    talks.edited(scope, talk, native_id=update.native_id, words=update.text)
    if danger or minor:
        talks.reopen(scope, talk)
    if danger:
        safety.crisis(scope, talk, update.text)
    if minor:
        safety.minor(scope, talk, fan, update.text)


def _has_words(update: Update) -> bool:
    """Whether it is words of a message that has a name: a press, a picture without any or a place that moves is not."""
    return update.kind in (*talks.WORDS, talks.EDITED) and bool(update.native_id and update.text.strip())


def _is_old(scope: Scope, fan: directory.Identity, channel: Channel, update: Update) -> bool:
    return talks.has_said(scope, fan, channel, update.native_id, update.text)


def _readings(scope: Scope, fan: directory.Identity | None, channel: Channel, update: Update) -> tuple[Reading, ...]:
    """The words alone, as the last thing that was said, and where they stand, if that is known."""
    if fan is None:
        return (Reading(update.text),)
    at = talks.seq_of(scope, fan, channel, update.native_id)
    in_place = heard.said_in_place(scope, fan, channel, update.text, at=at) if at is not None else ()
    return (*heard.said_now(scope, fan, channel, update.text), *in_place)
