"""Private messages on the fake Reddit: who wrote to whom, whose inbox has it, what was sent.

By the code Reddit published in 2017 (github.com/reddit-archive/reddit, r2/r2/controllers/api.py:
`POST_comment`, `POST_compose`, `POST_del_msg`, `POST_read_message`; r2/r2/models/link.py:
`Message`) and what praw makes of inboxes. Honest where clients stumble over the real one: an answer
goes to whoever wrote what is answered, one's own words too; deleting takes a message out of one's
own inbox alone; the lists of messages alone lead to a page for signing in, as told in praw's issues
2077 and 2081; comments and messages lie in one inbox.

Unverified: what those are told who write to somebody who keeps them away (`USER_BLOCKED`) or takes
messages of few people (`NOT_WHITELISTED_BY_USER_MESSAGE`), whether an inbox still has what was
typed into Reddit's chat (`chats_told`), and that `/message/sent` is told at all (`hides_sent`
leaves it empty, `shuts_sent` leads to the page).
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
    """One message. `under` is what it answers."""

    number: int
    author: Member
    to: Member
    subject: str
    body: str
    at: datetime
    under: "PrivateMessage | None" = None
    new: bool = True
    deleted: bool = False
    """By whom it was written to: it stays with whoever wrote it."""

    @property
    def name(self) -> str:
        """Its id with its kind."""
        return f"t4_{base36(self.number)}"

    @property
    def first(self) -> "PrivateMessage":
        """The one their talk began with."""
        return self.under.first if self.under is not None else self


@dataclass
class PrivateMessages(RedditComments):
    """What people write to each other."""

    letters: dict[str, PrivateMessage] = field(default_factory=dict)
    """By their fullnames, oldest first."""
    notices: dict[str, list[Json]] = field(default_factory=dict)
    """By the names of accounts: entries of Reddit's own and of communities, newest first."""
    few: set[str] = field(default_factory=set)
    """Names of those who take messages of people they chose alone."""
    chats_told: bool = True
    """Whether an inbox has messages at all."""
    hides_sent: bool = False
    shuts_sent: bool = False

    def write(
        self, who: Member, to: Member, body: str, subject: str = "hello", under: str = ""
    ) -> PrivateMessage:
        """Write to somebody. Raises Told."""
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
        """Begin a talk. Raises Told."""
        to = self.who(asked.said("to"))
        if to is None:
            raise PostErrors("USER_DOESNT_EXIST", "that user doesn't exist", "to")
        if not asked.said("subject").strip():
            raise PostErrors("NO_SUBJECT", "please enter a subject", "subject")
        self.write(mine, to, asked.said("text"), asked.said("subject"))

    def commented(self, mine: Member, asked: ParsedRequest) -> Json:
        """What stands under `json.data` of an answer: to a message it is one. Raises Refusal,
        Told."""
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
        """A page of what somebody was told and written, newest first."""
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
        """A page of what somebody wrote, newest first, without what is younger than `lag` seconds.
        Raises Refusal."""
        if self.shuts_sent:
            raise signing_in()
        until = self.clock() - timedelta(seconds=max(lag, self.lag))
        own = [one for one in self.letters.values() if one.author is mine and one.at <= until]
        return page([_told(one) for one in reversed(own) if not self.hides_sent], query)

    def forget(self, mine: Member, name: str) -> None:
        """Take a message out of one's own inbox; of what is not there, nothing is said."""
        found = self.letters.get(name)
        if found is not None and found.to is mine:
            found.deleted = True

    def mark_read(self, mine: Member, names: str) -> None:
        """What lies in one's inbox was read."""
        for name in names.split(","):
            found = self.letters.get(name)
            if found is not None and found.to is mine:
                found.new = False

    def block(self, mine: Member, name: str) -> Json:
        """Keep away whoever wrote what is in one's inbox, a message too."""
        found = self.letters.get(name)
        if found is not None and found.to is mine:
            self.kept_away.setdefault(mine.name, set()).add(found.author.name)
        return super().block(mine, name)


def signing_in() -> Refusal:
    """Where browsers are sent that nobody knows; and, since 2025, whoever asks for messages
    alone."""
    return Refusal(302, {}, {"location": "https://www.reddit.com/login/"})


def _told(one: PrivateMessage) -> Json:
    """A message as its reader and its writer are told of it (a thing of the kind t4)."""
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
