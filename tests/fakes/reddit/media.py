"""Uploads to Reddit: a lease, then a form to the object store with a temporary signature.

The lease has the fields, the key and the policy recorded from the real one: it names one store, one
key, one type and a maximum of 20 MiB, or 2 GiB for a video, and expires after one minute. Videos
have a separate store, and keys without a folder. A store validates as S3 does: field names are
case-insensitive, fields that the policy does not name are rejected, and the file is last. A request
with a token is rejected and recorded in `forbidden`.
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
"""Path of each store here, and its name."""
DATE = "%Y%m%dT%H%M%SZ"
UNSIGNED = frozenset({"policy", "x-amz-signature", "file"})


@dataclass
class Asset:
    """A file. `data` is None until it was uploaded."""

    id: str
    owner: str
    mime: str
    at: datetime
    data: bytes | None = field(default=None, repr=False)

    @property
    def key(self) -> str:
        """Key in the store."""
        return self.id if self.is_film else f"rte_images/{self.id}"

    @property
    def is_film(self) -> bool:
        """Return True if its declared type is a video."""
        return self.mime.startswith("video/")

    @property
    def store(self) -> str:
        """Key of its store in `STORES`."""
        return "films" if self.is_film else "store"

    @property
    def shows(self) -> bool:
        """Return True if it is a valid picture, or starts as a video does."""
        if self.is_film:
            return (self.data or b"")[4:8] == b"ftyp"
        try:
            Image.open(io.BytesIO(self.data or b"")).verify()
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            return False
        return True


@dataclass
class MediaStore:
    """All files. Tests set its limits and faults as attributes."""

    clock: AdjustableClock
    url: str = ""
    assets: dict[str, Asset] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    """Asset ID of the latest upload, by the SHA-256 of its content."""
    forbidden: list[str] = field(default_factory=list)
    """Requests that our client must not send."""
    most_bytes: int = 20 * 2**20
    most_of_film: int = 2 * 2**30
    lease_lives: timedelta = timedelta(minutes=1)
    assets_live: timedelta = timedelta(days=1)
    """Retention of files that no post uses. The real store reports it in `x-amz-expiration`."""
    strays_to: str = ""
    """URL of a foreign store, without its scheme, in leases instead of this one."""
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def action(self, of: Asset) -> str:
        """Return the URL of a file's store as in leases: without a scheme. Clients add `https:`."""
        return self.strays_to or f"//{self.url.partition('://')[2]}/{of.store}"

    def lease(self, owner: str, filepath: str, mime: str) -> Json:
        """Return a lease for a file. Raise Refusal."""
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
        """Store a file in one of `STORES` with the fields before it. Return XML and headers. Raise
        Refusal."""
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
        """Raise Refusal if the policy does not allow the upload."""
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
        """Return an uploaded file of the account that has not expired, or None."""
        found = self.assets.get(asset_id) if isinstance(asset_id, str) else None
        if found is None or found.owner != owner or found.data is None:
            return None
        return found if self.clock() - found.at < self.assets_live else None

    def at_address(self, owner: str, address: str) -> Asset | None:
        """Return a file of the account by the URL in a post, or None."""
        every = (
            one for one in self.assets.values() if address == f"https:{self.action(one)}/{one.key}"
        )
        return next((self.uploaded(owner, one.id) for one in every), None)

    def _signature(self, policy: str) -> str:
        return hmac.new(self._key, policy.encode(), hashlib.sha256).hexdigest()


def socket(made: Asset) -> str:
    """Return the URL of a file's WebSocket. The fake does not serve it."""
    return f"wss://ws-0.wss.redditmedia.com/{made.key}?m={secrets.token_urlsafe(30)}"


def _against(why: str) -> Refusal:
    return stored(403, "AccessDenied", f"Invalid according to Policy: {why}")


def _name() -> str:
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(13))
