"""What the administrator of a server may set: variables VISAVIS_NAME, or keys of the table `[serve]` in the TOML file.

The file is the one that `assistant.settings` reads; the variable goes first. Secrets stand in files of their own.
"""

import re
from enum import StrEnum
from typing import Any

from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from assistant.settings import PREFIX, SERVE_TABLE, load_of, settings_path

OWN_VARIABLE = re.compile(r"VISAVIS_(?:SIGN_IN|PROXY|OIDC|ROLE|SESSION|EMBED|RECORD|LOG)", re.IGNORECASE)


class SignIn(StrEnum):
    """How the server learns who is asking."""

    NONE = "none"
    PROXY = "proxy"
    OIDC = "oidc"


class ServeSettings(BaseSettings):
    """The settings of a server; unknown keys are refused.

    `sign_in` says how the server learns who is asking: not at all, from a reverse proxy, or by OpenID Connect.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    sign_in: SignIn = SignIn.NONE

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What was given in the program, then the environment, then the file's table; nothing else."""
        return init_settings, env_settings, _Table(settings_cls, settings_path())


class _Table(TomlConfigSettingsSource):
    """The table of the TOML file that is the server's."""

    def __call__(self) -> dict[str, Any]:
        """What the table sets."""
        table = super().__call__().get(SERVE_TABLE, {})
        if not isinstance(table, dict):
            raise ValueError(f"{SERVE_TABLE} is no table")
        return table


def load_serve_settings(**given: object) -> ServeSettings:
    """The server's settings; raises SettingsError, in one line."""
    return load_of(ServeSettings, OWN_VARIABLE, **given)
