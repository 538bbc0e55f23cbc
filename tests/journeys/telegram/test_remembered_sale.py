"""A fan is remembered by the bot and buys a pack: the sale is divided by the creator's split, and the
payout statement and the table of sales show it."""

from datetime import timedelta

import pytest

from foundation.ops.wall_time import local_day
from subscribers.ledger import entries, payout_statements
from subscribers.ledger.entries import SplitShares
from subscribers.orders import sales
from subscribers.orders.sales import SaleFilter, SaleState
from tenants.agencies.queries import get_creator
from tests.conftest import wait_until
from tests.journeys.telegram.test_bot import (  # noqa: F401  fixtures
    lea,
    sandbox,
    services,
    telegram,
)
from tests.journeys.telegram_creator import PRICE, TelegramCreator
from tests.subscribers.builders import build_model_reply

pytestmark = pytest.mark.heavy

SHARES = SplitShares(agency=4000, creator=6000, chatter=0)
CREATOR_SHARE = PRICE * 60 // 100


def test_sale_to_a_remembered_fan_is_on_the_statement(
    lea: TelegramCreator,  # noqa: F811  the fixture
) -> None:
    with lea.desk.scope() as scope:  # the clock of the platform is behind ours
        yesterday = scope.now - timedelta(days=1)
        entries.set_revenue_split(scope, lea.desk.creator_id, SHARES, effective_from=yesterday)
    lea.connected()
    lea.world.say(lea.bot, "leo", "Bonjour ! Je m'appelle Tom et j'adore la voile")
    lea.waits(lambda seen: len(seen) >= 2, seconds=60)
    lea.world.say(lea.bot, "leo", "tu te souviens de moi ?")
    lea.waits(lambda _: any("Tom" in text for text in lea.texts()[1:]), seconds=60)

    lea.writer.says = [build_model_reply("Regarde ce que j'ai pris", offer_id="o1")]
    lea.world.say(lea.bot, "leo", "tu as des photos ?")
    lea.waits(lambda seen: any("reply_markup" in one for one in seen), seconds=60)
    lea.world.press(lea.bot, "leo", "buy:")
    lea.waits(lambda seen: any("invoice" in one for one in seen), seconds=60)
    checkout = lea.world.pay(lea.bot, "leo")
    wait_until(lambda: checkout.state == "paid")
    lea.waits(lambda seen: sum("photo" in one for one in seen) >= 2, seconds=60)

    with lea.desk.scope() as scope:
        creator = get_creator(scope, lea.desk.creator_id)
        today = local_day(scope.now, creator.zone)
        statement = payout_statements.load_payout_statement(scope, creator.id, today)
        asked = SaleFilter((creator,), today.replace(day=1), today)
        (row,) = sales.list_sales(scope, asked).rows
        (total,) = sales.sum_sales(scope, asked).currencies
    (section,) = statement.sections
    assert (section.currency, section.sales.minor, section.refunds.minor) == ("XTR", PRICE, 0)
    assert {line.account: line.money.minor for line in section.split} == {
        "creator_due": CREATOR_SHARE,
        "agency_due": PRICE - CREATOR_SHARE,
    }
    assert section.closing.minor == CREATOR_SHARE
    assert (row.fan, row.title, row.net.minor) == ("@leo", "Matin calme", PRICE)
    assert row.state is SaleState.DELIVERED
    assert total.net == section.sales
