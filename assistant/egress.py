"""The hosts that the settings name: where this installation may connect, and what it sends there."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from assistant.settings import Settings, load_settings
from ingest.egress import Host, hosts_of_environment, is_this_machine

WRITING = "the model that writes: questions and passages go there"
ENDPOINTS = {"azure_openai": "AZURE_OPENAI_ENDPOINT"}
"""For a provider without a host of its own, the variable that its package takes the address from."""


def configured_hosts() -> tuple[Host, ...]:
    """Every host beyond this machine that a setting names; raises SettingsError where the settings cannot be read."""
    named = (*hosts_of_environment(), *hosts_of_model(load_settings()))
    return tuple(sorted({host for host in named if not is_this_machine(host.name)}))


def hosts_of_model(settings: Settings, purpose: str = WRITING) -> Iterator[Host]:
    """The host that the settings of a model name, this machine too; none where only the provider's package knows."""
    if settings.model_host is not None:
        setting = "VISAVIS_MODEL_BASE_URL" if settings.model_base_url else "VISAVIS_MODEL"
        yield Host(settings.model_host, purpose, setting)
    variable = ENDPOINTS.get(settings.provider, "")
    named = urlsplit(os.environ.get(variable, "")).hostname
    if named and settings.model_base_url is None:
        yield Host(named, purpose, variable)
