"""What refusals of Meta's networks mean where messages are concerned: most are about one person, or about the one right
for messages, and say nothing of the account. Pure.

Source: https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes; subcodes of
Instagram, which that page leaves out, as others met them: https://github.com/ComposioHQ/composio/issues/3604,
https://github.com/chatwoot/chatwoot/pull/13002
"""

from datetime import timedelta

from connectors import answers, windows
from connectors.answers import READER_GONE, SHORT_WAIT
from connectors.contract import Answer, Response
from connectors.instagram_answers import BUSY, RATES, READ_BUG, RIGHTS, error, meaning, regained
from connectors.outcomes import Outcome, Rejected, Retry, Uncertain
from foundation.words import Message

WINDOW_OVER = frozenset({2534022, 2018278, 2018065})
"""Written to a person who wrote too long ago, on Instagram and on Facebook."""

GONE = frozenset({2534014, 2018001, 1545041, 2018108})
"""The person is not to be found, takes no messages, or blocked the account."""

UNAVAILABLE = 551
CAPABILITY = 3
"""The application was never given messages."""

BLOCKED = 368
"""Messages of this account are stopped for a while, for what it did."""

ARCHIVED = 2534001
"""Its owner deleted the conversation, or put it away."""

UNCERTAIN_RATE = 2207051
"""Told of posts that were live all the same (`instagram_answers`): no proof that nothing left."""

TEMPORARY = 1200
"""Told of messages that failed for the moment; that none left is not said."""

A_WHILE = timedelta(minutes=15)


def of_message(answer: Answer) -> Outcome:
    """What an answer to a message meant that is no success. A limit is a plain no: nothing was said."""
    code, sub = error(answer)
    if sub in WINDOW_OVER:
        return Rejected(Message(windows.CLOSED, {"hours": 24}), permanent=False)
    if sub in GONE or code == UNAVAILABLE:
        return Rejected(Message(READER_GONE), permanent=True)
    if sub == ARCHIVED:
        return Rejected(Message("meta.archived"), permanent=False)
    if code == BLOCKED:
        return Rejected(Message("meta.messages_stopped"), permanent=False)
    if code == TEMPORARY and isinstance(answer, Response):
        return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
    if lacks_right(answer):
        return Rejected(Message(windows.NO_MESSAGES), permanent=False)
    if isinstance(answer, Response) and answer.status < 500 and code in RATES and sub != UNCERTAIN_RATE:
        return Retry(regained(answer), answers.limited(answer), Message("connectors.rate_limited"))
    return meaning(answer, creates=True)


def of_reading(answer: Answer) -> Outcome:
    """What an answer meant that tells no messages. Without the right the account goes on posting."""
    if lacks_right(answer):
        return Rejected(Message(windows.NO_MESSAGES), permanent=False)
    outcome = meaning(answer, creates=False)
    waits = isinstance(answer, Response) and error(answer)[0] in BUSY
    return Retry(SHORT_WAIT, "account", outcome.reason) if waits and isinstance(outcome, Rejected) else outcome


def unheard(probed: Answer) -> Outcome | None:
    """Why messages that somebody wants cannot be read, as an account is connected. A bad moment is none: listening says
    what it meets."""
    refused = None if isinstance(probed, Response) and probed.ok else of_reading(probed)
    return None if isinstance(refused, Retry) else refused


def lacks_right(answer: Answer) -> bool:
    """Whether the token, or its application, may not read or write messages."""
    code, sub = error(answer)
    return (code in RIGHTS or code == CAPABILITY) and sub not in WINDOW_OVER | GONE


def is_missing(answer: Answer) -> bool:
    """Whether a conversation is told as not there, or put away: nobody can answer in it, and the others go on."""
    return error(answer) == READ_BUG or error(answer)[1] == ARCHIVED
