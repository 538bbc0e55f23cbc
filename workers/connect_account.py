"""Connecting an account from the terminal: the same wish as on the page Accounts, asked and awaited here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from channels import enrolling, oauth_clients
from channels import reads as channel_reads
from channels.enrolling import Enrolment
from channels.states import EnrolmentState
from channels.visiting import PATH, RETURN
from connectors import registry
from connectors.contract import Send
from connectors.enrolment import (
    CLIENT,
    CLIENT_ID,
    CLIENT_SECRET,
    Connectable,
    ConnectForm,
    Field,
    Visit,
    choice_label,
    label,
)
from foundation.clock import monotonic, pause
from foundation.errors import BadInput, NotFound
from foundation.sealed import Sealed
from foundation.words import Message
from tenants import audit, letterbox, vault
from tenants import reads as tenant_reads
from tenants.reads import Creator, Member
from workers.asking import found_member
from workers.terminal import sentence
from workers.visiting import at_home
from workers.wiring import Services

ASKING = "system:terminal"
PATIENCE, LONG = 90.0, 16 * 60.0
"""Seconds: for a platform's answers, and for a person who says yes there."""

AskFor = Callable[[str, Field], str]
"""Has the person at the terminal type a field, under a label."""


@dataclass(frozen=True)
class _Desk:
    """Who connects what, for whom."""

    services: Services
    tenant_id: UUID
    member: Member
    creator: Creator
    platform: str
    connector: Connectable


def connect(platform: str, *, creator: str, email: str, dry: bool, ask: AskFor) -> Iterator[tuple[str, bool]]:
    """What `lines` says, of the house that runs here. Raises what it raises, and Unavailable when none does."""
    with at_home("connect") as services:
        who = found_member(services, email)
        yield from lines(services, platform, who, creator=creator, dry=dry, ask=ask, wait=lambda: pause(0.5))


def lines(
    services: Services,
    platform: str,
    who: tuple[UUID, Member],
    *,
    creator: str,
    dry: bool,
    ask: AskFor,
    wait: Callable[[], None],
) -> Iterator[tuple[str, bool]]:
    """Lines for the person, each with whether all is well so far; with `dry` what would be asked, and nothing is sent.

    `who` connects it, a member of an agency; `wait` is called between two looks at what became of it. Raises NotFound,
    BadInput.
    """
    able = registry.connectables(services.connectors)
    if platform not in able:
        raise NotFound("cli.connectors.unknown", known=", ".join(able))
    desk = _desk(services, platform, who, creator)
    yield sentence(Message(f"connect.{platform}.help")), True
    yield from _dry(desk, ask) if dry else _wet(desk, ask, wait)


def _desk(services: Services, platform: str, who: tuple[UUID, Member], slug: str) -> _Desk:
    tenant_id, member = who
    with services.tenant(tenant_id, ASKING) as scope:
        creators = [one for one in tenant_reads.creators(scope) if slug in ("", one.slug)]
    if len(creators) != 1:
        raise BadInput("cli.connect.which", creators=", ".join(one.slug for one in creators) or "–")
    connector = registry.connectables(services.connectors)[platform]
    return _Desk(services, tenant_id, member, creators[0], platform, connector)


def _wet(desk: _Desk, ask: AskFor, wait: Callable[[], None]) -> Iterator[tuple[str, bool]]:
    typed = _typed(desk, ask)
    key = letterbox.public_key(vault.master(desk.services.settings.tenants.master_key.get_secret_value()))
    letter = letterbox.seal(key, desk.tenant_id, typed)
    with desk.services.tenant(desk.tenant_id, f"member:{desk.member.id}") as scope:
        wish = enrolling.ask(scope, creator_id=desk.creator.id, platform=desk.platform, letter=letter)
        audit.note(scope, "channel.enrol_at_terminal", f"enrolment:{wish}")
    yield from _told(desk, wish, wait)


def _told(desk: _Desk, wish: UUID, wait: Callable[[], None]) -> Iterator[tuple[str, bool]]:
    """What becomes of a wish, until it has an end or nobody waits any longer."""
    shown, until = False, monotonic() + PATIENCE
    while monotonic() < until:
        found = _stands(desk, wish)
        if found.state is EnrolmentState.VISITING and not shown:
            shown, until = True, monotonic() + LONG
            said = {"address": found.visit, "email": desk.member.email}
            yield sentence(Message("cli.connect.visit", said)), True
        elif found.state is EnrolmentState.CONNECTED and found.channel_id is not None:
            with desk.services.tenant(desk.tenant_id, ASKING) as scope:
                name = channel_reads.channel(scope, found.channel_id).name
            yield sentence(Message("cli.connect.done", {"account": name, "creator": desk.creator.name})), True
            return
        elif found.state is EnrolmentState.REFUSED:
            yield sentence(found.reason or Message("enrolment.unclear")), False
            return
        wait()
    yield sentence(Message("cli.connect.waits")), False


def _stands(desk: _Desk, wish: UUID) -> Enrolment:
    with desk.services.tenant(desk.tenant_id, ASKING) as scope:
        return enrolling.enrolment(scope, wish)


def _dry(desk: _Desk, ask: AskFor) -> Iterator[tuple[str, bool]]:
    """The first request that would be made of what was typed, as the connector builds it; nothing leaves."""
    typed, form = _typed(desk, ask), desk.connector.form
    secret = {field.name for field in form.asked if field.secret}
    filled: dict[str, str | Sealed] = {
        name: Sealed(b"") if value and name in secret else value for name, value in typed.items()
    }
    turn = desk.connector.connect({**filled, **_known(desk, form), RETURN: _back(desk)}, ())
    match turn:
        case Send(step=step):
            said = Message("cli.connect.would_ask", {"request": f"{step.method} {step.path}"})
        case Visit(page=page):
            said = Message("cli.connect.would_visit", {"page": _page(desk, page), "back": _back(desk)})
        case _:
            said = getattr(turn, "reason", None) or Message("enrolment.unclear")
    yield sentence(said), isinstance(turn, Send | Visit)


def _known(desk: _Desk, form: ConnectForm) -> Mapping[str, str | Sealed]:
    """The agency's application there, where it has one."""
    if not form.registered:
        return {}
    with desk.services.tenant(desk.tenant_id, ASKING) as scope:
        client = oauth_clients.latest(scope).get(desk.platform)
    return {CLIENT_ID: client.client_id, CLIENT_SECRET: client.secret or ""} if client is not None else {}


def _page(desk: _Desk, page: str) -> str:
    addresses = registry.addresses(desk.services.connectors, desk.services.settings.connectors.addresses)
    home = addresses.get(f"{desk.platform}_pages") or addresses.get(f"{desk.platform}_auth", "")
    return home.rstrip("/") + page if page.startswith("/") else page


def _back(desk: _Desk) -> str:
    return desk.services.settings.dashboard.public_url.rstrip("/") + PATH


def _typed(desk: _Desk, ask: AskFor) -> dict[str, str]:
    """What the person types, field by field; an application that is known is not asked for. Raises BadInput."""
    form = desk.connector.form
    known, typed = bool(_known(desk, form)), dict.fromkeys((field.name for field in form.asked), "")
    for field in form.asked:
        if field in CLIENT and (known or not form.signs_in(typed)):
            continue
        name = sentence(Message(label(desk.platform, field)))
        means = {one: sentence(Message(choice_label(desk.platform, field, one))) for one in field.choices}
        typed[field.name] = ask(
            "\n".join([name, *(f"  {one}: {words}" for one, words in means.items())]), field
        ).strip()
        if not typed[field.name] and not field.optional:
            raise BadInput("cli.connect.missing", field=name)
    return typed
