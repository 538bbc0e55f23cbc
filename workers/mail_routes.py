"""Mail to members, wired: by which server, and with whose address in it."""

from functools import partial

from channels import mailing
from connectors.mail import Postbox
from tenants.mails import MailDue
from workers.dispatch import ACT_SECONDS, Route
from workers.wiring import Services


def routes(s: Services) -> tuple[Route, ...]:
    """The route of mail to members."""
    house = s.settings.dashboard.public_url
    post = Postbox(s.settings.mail, house=house).send
    send = partial(mailing.send, tenant=s.tenant, post=post, house=house)
    return (Route(MailDue, send, deadline_seconds=ACT_SECONDS, on_dead=partial(mailing.gave_up, tenant=s.tenant)),)
