"""What strangers' packages say of their own platforms: as they are installed here, and as this agency admitted it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from connectors import shipping
from connectors.shipping import Shipped
from foundation.database import Scope
from gate import admitting, foreign, inforce
from gate.admitting import Admitted
from gate.bundle import Bundle
from gate.foreign import Rows, Unbelievable
from gate.matrix import RowFile


@dataclass(frozen=True)
class Stranger:
    """One package's rules, or rules that were admitted and are not installed any more (`package` is empty then).

    `rows` are empty where they count as absent: not signed, or beyond what a stranger may say.
    """

    package: str
    version: str
    platform: str
    digest: str
    key: str
    rows: Sequence[RowFile]
    admitted: Admitted | None = None
    """What this agency admitted of the platform: these very rules, or others."""

    @property
    def counts(self) -> bool:
        """Whether these very rules count here."""
        return self.admitted is not None and self.admitted.whole and self.admitted.digest == self.digest

    @property
    def waits(self) -> bool:
        """Whether an owner could admit them."""
        return bool(self.rows) and not self.counts


def strangers(scope: Scope) -> list[Stranger]:
    """Every package's rules with what this agency made of them, then what it admitted and is not installed."""
    rules = inforce.rules(scope)
    kept = {one.platform: one for one in admitting.admitted(scope)}
    found = [_stranger(one, rules, kept.get) for one in shipping.shipped()]
    return [*found, *_left(found, kept.values())]


def _stranger(one: Shipped, rules: Bundle, kept: Callable[[str], Admitted | None]) -> Stranger:
    try:
        said = foreign.believed(one.document, rules)
    except Unbelievable:
        return Stranger(one.package, one.version, "", "", "", ())
    return _told(one, said, kept(said.platform))


def _told(one: Shipped, said: Rows, admitted: Admitted | None) -> Stranger:
    return Stranger(one.package, one.version, said.platform, said.digest, said.key, said.rows, admitted)


def _left(found: Sequence[Stranger], kept: Iterable[Admitted]) -> Iterator[Stranger]:
    here = {one.digest for one in found}
    for one in kept:
        if one.digest not in here:
            yield Stranger("", "", one.platform, one.digest, "", (), one)
