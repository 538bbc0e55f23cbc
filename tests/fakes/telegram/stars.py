"""Movements of a bot's Stars outside its requests: charges without an update, withdrawals and ads."""

import secrets
from dataclasses import dataclass

from tests.fakes.telegram.chats import Refusal, Told
from tests.fakes.telegram.state import Bot, TelegramState


@dataclass
class Stars:
    """The Stars of a bot, as its owner, its fans and Telegram move them."""

    world: TelegramState
    bot: Bot

    def charge(
        self,
        name: str,
        amount: int,
        payload: str,
        *,
        told: bool = True,
        kept: int = 0,
        recurring: bool = False,
    ) -> str:
        """Pay an invoice, or another month of it, as a user. `kept` is the commission of an
        affiliate."""
        with self.world.lock:
            chat, month = self.world.chat(self.bot, name), "again" if recurring else ""
            charge = self.world.charged(self.bot, chat, amount, payload, told=told, month=month)
            self.bot.transactions[-1]["amount"] -= kept
        return charge

    def media(self, name: str, amount: int, payload: str) -> str:
        """Pay for the paid media of a post as a user."""
        with self.world.lock:
            user = self.world.person(name).told()
            partner = {"type": "user", "transaction_type": "paid_media_payment", "user": user}
            return self._moved(amount, "source", partner | {"paid_media_payload": payload})

    def tell(self, name: str, payload: str) -> Told:
        """Send the update for purchased paid media with a payload."""
        bought = {"from": self.world.person(name).told(), "paid_media_payload": payload}
        return self.world.tell(self.bot, "purchased_paid_media", bought)

    def back(self, charge: str, *, told: bool = False) -> None:
        """Refund a charge without the bot. Raise Refusal for a second refund."""
        with self.world.lock:
            mine = [one for one in self.bot.transactions if one["id"] == charge]
            if len(mine) != 1:
                raise Refusal(400, "CHARGE_ALREADY_REFUNDED")
            self.world.given_back(self.bot, mine[0], told=told)

    def withdraw(self, amount: int) -> str:
        """Withdraw Stars as the owner. Raise Refusal if the balance is too low."""
        with self.world.lock:
            if amount > self.bot.balance:
                raise Refusal(400, "BALANCE_TOO_LOW")
            partner = {"type": "fragment", "withdrawal_state": {"type": "pending"}}
            return self._moved(amount, "receiver", partner)

    def withdrawal_failed(self, number: str) -> None:
        """Return a failed withdrawal to the balance, with the same ID."""
        with self.world.lock:
            (out,) = [one for one in self.bot.transactions if one["id"] == number]
            out["receiver"]["withdrawal_state"] = {"type": "failed"}
            self._moved(out["amount"], "source", {"type": "fragment"}, number=number)

    def advertise(self, amount: int) -> str:
        """Pay for ads as the owner."""
        return self._moved(amount, "receiver", {"type": "telegram_ads"})

    def other(self, amount: int, *, came: bool = True, nano: int = 0) -> str:
        """Move Stars for an unspecified reason."""
        more = {"nanostar_amount": nano} if nano else {}
        return self._moved(amount, "source" if came else "receiver", {"type": "other"}, **more)

    def hold_back(self) -> None:
        """Hide the latest transaction from the list."""
        with self.world.lock:
            self.bot.late.append(self.bot.transactions.pop())

    def list_late(self) -> None:
        """Add hidden transactions to the list, in the order of their times."""
        with self.world.lock:
            self.bot.transactions = sorted(
                [*self.bot.late, *self.bot.transactions], key=lambda one: int(one["date"])
            )
            self.bot.late.clear()

    def _moved(
        self, amount: int, side: str, partner: Told, *, number: str = "", **more: int
    ) -> str:
        with self.world.lock:
            number = number or secrets.token_urlsafe(18)
            told = {
                "id": number,
                "amount": amount,
                "date": self.world.seconds(),
                side: partner,
                **more,
            }
            self.bot.transactions.append(told)
        return number
