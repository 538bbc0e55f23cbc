"""Private messages of the fake Reddit: sending, inboxes and the sent list.

Based on the code that Reddit published in 2017 (github.com/reddit-archive/reddit,
r2/r2/controllers/api.py: `POST_comment`, `POST_compose`, `POST_del_msg`, `POST_read_message`;
r2/r2/models/link.py: `Message`) and praw's representation of inboxes. It reproduces behaviour of
the real platform that clients often get wrong: a reply is sent to the author of the message, even
if that is the account itself; deleting a message removes it from the account's inbox only; the
lists with messages only redirect to the login page, as praw's issues 2077 and 2081 report; comments
and messages share an inbox.

Unverified: the errors for a message to a user who blocked the sender (`USER_BLOCKED`) or accepts
messages from trusted users only (`NOT_WHITELISTED_BY_USER_MESSAGE`), whether an inbox still
contains messages from Reddit's chat (`chats_told`), and that `/message/sent` works (`hides_sent`
returns an empty list, `shuts_sent` redirects to the login page).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.reddit.comments import RedditComments, entry, page
from tests.fakes.reddit.models import Member, base36
from tests.fakes.reddit.spec import Json, ParsedRequest, PostErrors, Refusal, forbidden

LONGEST, LONGEST_SUBJECT = 10_000, 100


@dataclass
class PrivateMessage:
    """A message. `under` is the message it replies to."""

    number: int
    author: Member
    to: Member
    subject: str
    body: str
    at: datetime
    under: "PrivateMessage | None" = None
    new: bool = True
    deleted: bool = False
    """True if the recipient deleted it. It remains for its author."""

    @property
    def name(self) -> str:
        """Fullname."""
        return f"t4_{base36(self.number)}"

    @property
    def first(self) -> "PrivateMessage":
        """First message of the conversation."""
        return self.under.first if self.under is not None else self


@dataclass
class PrivateMessages(RedditComments):
    """Private messages of all accounts."""

    letters: dict[str, PrivateMessage] = field(default_factory=dict)
    """Messages by fullname, oldest first."""
    notices: dict[str, list[Json]] = field(default_factory=dict)
    """Inbox entries from Reddit and subreddits by account name, newest first."""
    few: set[str] = field(default_factory=set)
    """Names of accounts that accept messages from trusted users only."""
    chats_told: bool = True
    """True if inboxes contain messages."""
    hides_sent: bool = False
    shuts_sent: bool = False

    def write(
        self, who: Member, to: Member, body: str, subject: str = "hello", under: str = ""
    ) -> PrivateMessage:
        """Send a message to a user. Raise PostErrors."""
        if not body.strip():
            raise PostErrors("NO_TEXT", "we need something here", "text")
        if len(body) > LONGEST or len(subject) > LONGEST_SUBJECT:
            raise PostErrors("TOO_LONG", f"this is too long (max: {LONGEST})", "text")
        if who.name in self.kept_away.get(to.name, ()):
            raise PostErrors("USER_BLOCKED", "you can't send to a user that you have blocked", "to")
        if to.name in self.few:
            told = "unable to message this user; they only accept messages from trusted users"
            raise PostErrors("NOT_WHITELISTED_BY_USER_MESSAGE", told, "to")
        made = PrivateMessage(
            self._next(), who, to, subject, body, self.clock(), self.letters.get(under)
        )
        self.letters[made.name] = made
        who.taken.append((made.name, body))
        return made

    def compose(self, mine: Member, asked: ParsedRequest) -> None:
        """Start a conversation. Raise PostErrors."""
        to = self.who(asked.said("to"))
        if to is None:
            raise PostErrors("USER_DOESNT_EXIST", "that user doesn't exist", "to")
        if not asked.said("subject").strip():
            raise PostErrors("NO_SUBJECT", "please enter a subject", "subject")
        self.write(mine, to, asked.said("text"), asked.said("subject"))

    def commented(self, mine: Member, asked: ParsedRequest) -> Json:
        """Return `json.data` of a reply; the reply to a message is a message. Raise Refusal or
        PostErrors."""
        above = self.letters.get(asked.said("thing_id"))
        if above is None:
            if asked.said("thing_id").startswith("t4_"):
                raise forbidden()
            return super().commented(mine, asked)
        if mine not in (above.author, above.to):
            raise forbidden()
        subject = above.subject if above.subject.startswith("re: ") else f"re: {above.subject}"
        made = self.write(
            mine, above.author, asked.said("text"), subject[:LONGEST_SUBJECT], above.name
        )
        return {"things": [_told(made)]}

    def inbox(self, mine: Member, query: Mapping[str, str]) -> Json:
        """Return a page of an account's inbox, newest first."""
        away = self.kept_away.get(mine.name, set())
        heard = [(why, one) for why, one in self.inboxes.get(mine.name, []) if not one.deleted]
        rows = [entry(why, one, mine) for why, one in heard if one.author.name not in away]
        letters = [
            one
            for one in self.letters.values()
            if one.to is mine and not one.deleted and self.chats_told
        ]
        rows += [_told(one) for one in letters if one.author.name not in away]
        rows += reversed(self.notices.get(mine.name, []))
        rows.sort(key=lambda one: float(one["data"]["created_utc"]))
        return page(rows[::-1], query)

    def sent(self, mine: Member, query: Mapping[str, str], lag: float) -> Json:
        """Return a page of sent messages, newest first, without those of the last `lag` seconds.
        Raise Refusal."""
        if self.shuts_sent:
            raise signing_in()
        until = self.clock() - timedelta(seconds=max(lag, self.lag))
        own = [one for one in self.letters.values() if one.author is mine and one.at <= until]
        return page([_told(one) for one in reversed(own) if not self.hides_sent], query)

    def forget(self, mine: Member, name: str) -> None:
        """Delete a message from the account's inbox. A missing message is ignored."""
        found = self.letters.get(name)
        if found is not None and found.to is mine:
            found.deleted = True

    def mark_read(self, mine: Member, names: str) -> None:
        """Mark messages in the account's inbox as read."""
        for name in names.split(","):
            found = self.letters.get(name)
            if found is not None and found.to is mine:
                found.new = False

    def block(self, mine: Member, name: str) -> Json:
        """Block the author of an inbox entry, including messages."""
        found = self.letters.get(name)
        if found is not None and found.to is mine:
            self.kept_away.setdefault(mine.name, set()).add(found.author.name)
        return super().block(mine, name)


def signing_in() -> Refusal:
    """Return the redirect to the login page. Since 2025 it is also the response to lists with
    messages only."""
    return Refusal(302, {}, {"location": "https://www.reddit.com/login/"})


def _told(one: PrivateMessage) -> Json:
    """Return a message as the API does (kind t4)."""
    above = one.under
    created = float(int(one.at.timestamp()))
    told: Json = {
        "id": base36(one.number),
        "name": one.name,
        "author": one.author.name,
        "dest": one.to.name,
    }
    told |= {
        "author_fullname": f"t2_{one.author.id}",
        "subject": one.subject,
        "body": one.body,
        "new": one.new,
    }
    told |= {
        "created_utc": created,
        "created": created,
        "was_comment": False,
        "subreddit": None,
        "context": "",
    }
    told |= {
        "subreddit_name_prefixed": None,
        "distinguished": None,
        "type": "unknown",
        "replies": "",
        "score": 0,
    }
    told |= {
        "parent_id": above.name if above is not None else None,
        "likes": None,
        "num_comments": None,
    }
    told |= {
        "first_message": one.first.number if above is not None else None,
        "first_message_name": one.first.name if above is not None else None,
    }
    return {"kind": "t4", "data": told}
