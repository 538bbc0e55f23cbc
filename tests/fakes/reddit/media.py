"""Files on their way to Reddit: a lease, then one form to the object store, signed for a while.

The lease has the fields, the key and the policy of those recorded from the real one: it names one
store, one key, one type and at most 20 MiB, of a film 2 GiB, and is over after one minute. Films
have a store of their own, and keys without a folder. A store judges as S3 does: names of fields in
any case, nothing that the policy does not name, the file last; whoever shows it a token is refused
and noted in `forbidden`.
"""

import base64
import hashlib
import hmac
import io
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from PIL import Image

from connectors.conformance.fake_servers import AdjustableClock
from tests.fakes.reddit.spec import Json, Refusal, bad_request, stored

TYPES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "video/mp4": "mp4"}
STORES = {"store": "reddit-uploaded-media", "films": "reddit-uploaded-video"}
"""Where each lies here, and its name."""
DATE = "%Y%m%dT%H%M%SZ"
UNSIGNED = frozenset({"policy", "x-amz-signature", "file"})


@dataclass
class Asset:
    """One file. `data` is None until it came."""

    id: str
    owner: str
    mime: str
    at: datetime
    data: bytes | None = field(default=None, repr=False)

    @property
    def key(self) -> str:
        """What the store calls it."""
        return self.id if self.is_film else f"rte_images/{self.id}"

    @property
    def is_film(self) -> bool:
        """Whether it was said to be one."""
        return self.mime.startswith("video/")

    @property
    def store(self) -> str:
        """Where it lies, of `STORES`."""
        return "films" if self.is_film else "store"

    @property
    def shows(self) -> bool:
        """Whether it is a picture that can be read, or begins as films do."""
        if self.is_film:
            return (self.data or b"")[4:8] == b"ftyp"
        try:
            Image.open(io.BytesIO(self.data or b"")).verify()
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            return False
        return True


@dataclass
class MediaStore:
    """All of them. Limits and bad habits are attributes that tests set."""

    clock: AdjustableClock
    url: str = ""
    assets: dict[str, Asset] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    """The asset id of what was last uploaded, by the SHA-256 of its bytes."""
    forbidden: list[str] = field(default_factory=list)
    """Attempts at what no client of ours does."""
    most_bytes: int = 20 * 2**20
    most_of_film: int = 2 * 2**30
    lease_lives: timedelta = timedelta(minutes=1)
    assets_live: timedelta = timedelta(days=1)
    """How long the store keeps what no post took; the real one says so in `x-amz-expiration`."""
    strays_to: str = ""
    """The address of somebody else's store, without its scheme, that a lease tells in the place of
    this one's."""
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def action(self, of: Asset) -> str:
        """Where the store of a file is, as leases tell it: without a scheme. Clients put `https:`
        before it."""
        return self.strays_to or f"//{self.url.partition('://')[2]}/{of.store}"

    def lease(self, owner: str, filepath: str, mime: str) -> Json:
        """A lease for one file. Raises Refusal."""
        if not filepath or mime not in TYPES:
            raise bad_request(
                fields=["mimetype" if filepath else "filepath"], reason="INVALID_OPTION"
            )
        made = Asset(_name(), owner, mime, self.clock())
        self.assets[made.id] = made
        fields = self._fields(made)
        return {
            "args": {
                "action": self.action(made),
                "fields": [{"name": name, "value": value} for name, value in fields.items()],
            },
            "asset": {
                "asset_id": made.id,
                "processing_state": "incomplete",
                "payload": {"filepath": filepath},
                "websocket_url": socket(made),
            },
        }

    def _fields(self, made: Asset) -> dict[str, str]:
        at = made.at.astimezone(UTC)
        fields = {"acl": "public-read", "key": made.key}
        fields["X-Amz-Credential"] = f"ASIAFAKE/{at:%Y%m%d}/us-east-1/s3/aws4_request"
        fields |= {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Date": at.strftime(DATE)}
        fields |= {"success_action_status": "201", "content-type": made.mime}
        fields |= {"x-amz-storage-class": "STANDARD", "x-amz-meta-ext": TYPES[made.mime]}
        token = secrets.token_urlsafe(90)
        bound = [{name.lower(): value} for name, value in fields.items()] + [
            {"x-amz-security-token": token}
        ]
        most = self.most_of_film if made.is_film else self.most_bytes
        rules = [{"bucket": STORES[made.store]}, *bound, ["content-length-range", 0, most]]
        until = (at + self.lease_lives).strftime("%Y-%m-%dT%H:%M:%SZ")
        policy = base64.b64encode(
            json.dumps({"conditions": rules, "expiration": until}).encode()
        ).decode()
        return fields | {
            "policy": policy,
            "X-Amz-Signature": self._signature(policy),
            "x-amz-security-token": token,
        }

    def put(
        self, store: str, fields: dict[str, str], data: bytes | None, token: str
    ) -> tuple[str, dict[str, str]]:
        """Take a file in at one of `STORES`, by the fields that came before it; XML and headers.
        Raises Refusal."""
        if token:
            self.forbidden.append("a token shown to the store")
            raise stored(400, "InvalidArgument", "Only one auth mechanism allowed")
        if data is None:
            raise stored(
                400, "InvalidArgument", "POST requires exactly one file upload per request."
            )
        told = {name.lower(): value for name, value in fields.items()} | {"bucket": STORES[store]}
        self._judged(told, len(data))
        made = next(one for one in self.assets.values() if one.key == told["key"])
        made.data, made.at = data, self.clock()
        self.named[hashlib.sha256(data).hexdigest()] = made.id
        where, tag = (
            f"https:{self.action(made)}/{quote(made.key, safe='')}",
            hashlib.md5(data).hexdigest(),
        )
        words = f"<Location>{where}</Location><Bucket>{STORES[store]}</Bucket><Key>{made.key}</Key>"
        xml = (
            '<?xml version="1.0" '
            f'encoding="UTF-8"?>\n<PostResponse>{words}<ETag>"{tag}"</ETag></PostResponse>'
        )
        return xml, {"location": where, "etag": f'"{tag}"'}

    def _judged(self, told: dict[str, str], size: int) -> None:
        """Whether the policy allows it. Raises Refusal."""
        policy = told.get("policy", "")
        if not policy or not hmac.compare_digest(
            self._signature(policy), told.get("x-amz-signature", "")
        ):
            raise stored(
                403, "SignatureDoesNotMatch", "The request signature we calculated does not match"
            )
        read = json.loads(base64.b64decode(policy))
        if self.clock() >= datetime.fromisoformat(read["expiration"]):
            raise _against("Policy expired.")
        wanted: dict[str, str] = {}
        for rule in read["conditions"]:
            wanted |= rule if isinstance(rule, dict) else {}
        for name, value in wanted.items():
            if told.get(name) != value:
                raise _against(f'Policy Condition failed: ["eq", "${name}", "{value}"]')
        extra = sorted(set(told) - set(wanted) - UNSIGNED)
        if extra:
            raise _against(f"Extra input fields: {', '.join(extra)}")
        most = next(rule[2] for rule in read["conditions"] if isinstance(rule, list))
        if size > most:
            sizes = f"<ProposedSize>{size}</ProposedSize><MaxSizeAllowed>{most}</MaxSizeAllowed>"
            raise stored(
                400,
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed size",
                sizes,
            )

    def uploaded(self, owner: str, asset_id: object) -> Asset | None:
        """A file of one's own that came and is still kept."""
        found = self.assets.get(asset_id) if isinstance(asset_id, str) else None
        if found is None or found.owner != owner or found.data is None:
            return None
        return found if self.clock() - found.at < self.assets_live else None

    def at_address(self, owner: str, address: str) -> Asset | None:
        """A file of one's own by the address that a post names."""
        every = (
            one for one in self.assets.values() if address == f"https:{self.action(one)}/{one.key}"
        )
        return next((self.uploaded(owner, one.id) for one in every), None)

    def _signature(self, policy: str) -> str:
        return hmac.new(self._key, policy.encode(), hashlib.sha256).hexdigest()


def socket(made: Asset) -> str:
    """Where the end of the work on a file would be told; nothing is there."""
    return f"wss://ws-0.wss.redditmedia.com/{made.key}?m={secrets.token_urlsafe(30)}"


def _against(why: str) -> Refusal:
    return stored(403, "AccessDenied", f"Invalid according to Policy: {why}")


def _name() -> str:
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(13))
