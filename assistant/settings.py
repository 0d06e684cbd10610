"""What an installation may set: the model that writes, from the environment or one TOML file.

What the server needs stands in the same file, in the table `[serve]`, and is read by `ui.settings`. Each setting is a
variable VISAVIS_NAME or a key `name` in the file that VISAVIS_CONFIG names, by default `visavis.toml` in the user's
configuration folder; the variable goes first. A key is taken from VISAVIS_MODEL_KEY or from the file that
`model_key_file` names, never from the TOML file, and is masked wherever a setting is printed.
"""

import os
import re
import stat
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, get_args
from urllib.parse import urlsplit

import platformdirs
from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from assistant.errors import SettingsError

PREFIX = "VISAVIS_"
FILE_VARIABLE = "VISAVIS_CONFIG"
KEY_VARIABLE = "VISAVIS_MODEL_KEY"
OWN_VARIABLE = re.compile(r"VISAVIS_(?:MODEL|WRITER|QUESTION)", re.IGNORECASE)
SERVE_TABLE = "serve"
OTHERS_MODE = stat.S_IRWXG | stat.S_IRWXO
HOSTS = {
    "anthropic": "api.anthropic.com",
    "mistralai": "api.mistral.ai",
    "openai": "api.openai.com",
}

AnySettings = TypeVar("AnySettings", bound=BaseSettings)

_MODEL = re.compile(r"[a-z][a-z0-9_]*:\S+")


class WriterName(StrEnum):
    """Who writes the prose of an answer."""

    QUOTING = "quoting"
    MODEL = "model"


def _check_model(model: str) -> str:
    if not _MODEL.fullmatch(model):
        raise ValueError("is no provider:name; write for example openai:gpt-5 or anthropic:claude-sonnet-4-5.")
    return model


def _check_address(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is no address; write for example http://127.0.0.1:8080/v1.")
    if parts.username or parts.password or parts.query:
        raise ValueError(f"holds more than an address; a key goes into {KEY_VARIABLE}.")
    return address


class Form(StrEnum):
    """How a model is asked to write: by a JSON schema, in lines, or the first and where it cannot the second."""

    AUTO = "auto"
    JSON = "json"
    LINES = "lines"


class LayeredSettings(BaseSettings):
    """Settings that are taken from what the program gives, then from the environment, then from `in_file`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )
    in_file: ClassVar[type[TomlConfigSettingsSource]]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """These three, in this order, and nothing else."""
        return init_settings, env_settings, cls.in_file(settings_cls, settings_path())


class _File(TomlConfigSettingsSource):
    """The TOML file, which holds no key."""

    def __call__(self) -> dict[str, Any]:
        """What the file sets; raises SettingsError where it holds the key itself."""
        given = {name: value for name, value in super().__call__().items() if name != SERVE_TABLE}
        if "model_key" in given:
            raise SettingsError(
                f"{settings_path()} holds model_key; put the key into {KEY_VARIABLE} or a file of its own."
            )
        return given


class Settings(LayeredSettings):
    """The settings of an installation; unknown keys are refused.

    `model` is `provider:name` as LangChain's init_chat_model takes it, `model_timeout` the seconds that a whole answer
    may take, `model_context` the tokens that prompt and answer may have together. Without `question_links` the page
    makes no links to a question, and reads none. With `question_guard` a question that seems to hold a name, an address
    or a case number goes to a model elsewhere only once its asker says so.
    """

    in_file = _File

    model: Annotated[str, AfterValidator(_check_model)] | None = None
    model_base_url: Annotated[str, AfterValidator(_check_address)] | None = None
    model_timeout: float = Field(default=60.0, gt=0, le=3600)
    model_context: int = Field(default=8192, ge=1024)
    model_temperature: float | None = Field(default=0.0, ge=0, le=2)
    model_form: Form = Form.AUTO
    model_key_file: Path | None = None
    model_key: SecretStr | None = None
    writer: WriterName = WriterName.QUOTING
    question_links: bool = True
    question_guard: bool = True

    @model_validator(mode="before")
    @classmethod
    def _choose_writer(cls, given: dict[str, Any]) -> dict[str, Any]:
        chosen = WriterName.MODEL if given.get("model") else WriterName.QUOTING
        return given if given.get("writer") else given | {"writer": chosen}

    @field_validator("model_temperature", mode="before")
    @classmethod
    def _read_temperature(cls, given: object) -> object:
        return None if given == "none" else given

    @model_validator(mode="after")
    def _has_a_model(self) -> "Settings":
        if self.writer is WriterName.MODEL and self.model is None:
            raise ValueError("writer is 'model', but no model is set; set VISAVIS_MODEL=provider:name.")
        return self

    @property
    def provider(self) -> str:
        """The provider of the model, empty where there is none."""
        return (self.model or "").partition(":")[0]

    @property
    def model_host(self) -> str | None:
        """The host that questions are sent to; None without a model, and where only the provider's package knows."""
        if self.model_base_url is not None:
            return urlsplit(self.model_base_url).hostname
        return HOSTS.get(self.provider)

    def read_key(self) -> SecretStr | None:
        """The model's key, from the environment or else its file; raises SettingsError where others may read that."""
        if self.model_key is not None or self.model_key_file is None:
            return self.model_key
        return read_secret(self.model_key_file, "model_key_file")


def settings_path() -> Path:
    """The TOML file of settings, which need not exist."""
    named = os.environ.get(FILE_VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_config_path("visavis") / "visavis.toml"


def load_settings(**given: object) -> Settings:
    """The settings: what is given here, then the environment, then the file; raises SettingsError, in one line."""
    return load_of(Settings, OWN_VARIABLE, **given)


def load_of(kind: type[AnySettings], own: re.Pattern[str], **given: object) -> AnySettings:
    """Settings of a kind, to which variables that match `own` must belong; raises SettingsError, in one line."""
    path = settings_path()
    if os.environ.get(FILE_VARIABLE) and not path.is_file():
        raise SettingsError(f"{FILE_VARIABLE} names {path}, which is no file; write one, or take the variable away.")
    known = {f"{PREFIX}{name}".upper() for name in kind.model_fields}
    for variable in os.environ:
        if own.match(variable) and variable.upper() not in known:
            raise SettingsError(f"unknown setting {variable}; allowed: {', '.join(sorted(known))}.")
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        return kind(**chosen)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError(_say(error, kind)) from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise SettingsError(f'{path} is no TOML file ({error}); write lines such as model = "openai:local".') from None


def read_secret(file: Path, setting: str) -> SecretStr:
    """The one word that a file holds; raises SettingsError where others may read it, or it holds not one word."""
    path = file.expanduser()
    try:
        mode = path.stat().st_mode
        if mode & OTHERS_MODE:
            raise SettingsError(
                f"{setting} {path} can be read or changed by others (mode {stat.S_IMODE(mode):04o}); "
                f"0600 is allowed: chmod 600 {path}."
            )
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise SettingsError(f"{setting} {path} cannot be read: {reason}; put the key alone in it.") from None
    if len(key.split()) != 1:
        raise SettingsError(f"{setting} {path} holds {len(key.split())} words; put the key alone in it.")
    return SecretStr(key)


def _say(error: ValidationError, kind: type[BaseSettings]) -> str:
    """The first fault as a line, without the value of a key."""
    fault = error.errors(include_url=False)[0]
    name = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        allowed = ", ".join(sorted(one for one, field in kind.model_fields.items() if not _is_secret(field.annotation)))
        return f"unknown setting {name!r} in {settings_path()}; allowed: {allowed}."
    text = fault["msg"].removeprefix("Value error, ")
    given = "" if "key" in name or "secret" in name else f" {fault['input']!r}"
    return f"{PREFIX}{name.upper()}{given}: {text}" if name else text


def _is_secret(annotation: object) -> bool:
    return SecretStr in (annotation, *get_args(annotation))
