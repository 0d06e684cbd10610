"""The command that says what is missing: `visavis doctor`, the model that writes included."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assistant.errors import ModelError, SettingsError
from ingest.console import CORPUS_OPTION, JSON_OPTION, NOT_FOUND

if TYPE_CHECKING:
    from assistant.settings import Settings
    from ingest.diagnosis import Check


@click.command(
    epilog="""\b
Examples:
  visavis doctor
  visavis doctor --json
  visavis doctor --egress                the hosts that this installation may connect to
  VISAVIS_MODEL=openai:local VISAVIS_MODEL_BASE_URL=http://127.0.0.1:8080/v1 visavis doctor
"""
)
@CORPUS_OPTION
@JSON_OPTION
@click.option("--egress", is_flag=True, help="Only list the hosts that may be connected to.")
def doctor(corpus: Path | None, as_json: bool, egress: bool) -> None:
    """Say what is missing or out of date, and what to do about it."""
    if egress:
        _print_hosts(corpus, as_json)
        return
    from ingest.diagnosis import State, diagnose

    checks = (*diagnose(corpus), check_writer())
    if as_json:
        click.echo(json.dumps([{"name": one.name, "state": one.state, "text": one.text} for one in checks], indent=2))
    else:
        for check in checks:
            click.echo(f"{check.state:<8} {check.name}: {check.text}")
    if any(check.state is State.BROKEN for check in checks):
        sys.exit(NOT_FOUND)


def _print_hosts(corpus: Path | None, as_json: bool) -> None:
    """List the hosts beyond this machine that may be reached, when, what for, and by which setting."""
    from ingest.egress import OFFLINE_VARIABLE, configured_hosts, is_offline
    from ingest.pipeline import load_manifest_of
    from ingest.sources import hosts_of_texts, search_path

    always = () if is_offline() else configured_hosts()
    fetching = () if is_offline() else hosts_of_texts(load_manifest_of(search_path(corpus)))
    if as_json:
        listed = [(one, "always") for one in always] + [(one, "while texts are fetched") for one in fetching]
        click.echo(json.dumps([{**asdict(one), "when": when} for one, when in listed], indent=2))
        return
    click.echo("always: this machine (loopback)")
    if is_offline():
        click.echo(f"and nothing else, for {OFFLINE_VARIABLE} is set")
        return
    for one in always:
        click.echo(f"always: {one.name}: {one.purpose} ({one.named_by})")
    for one in fetching:
        click.echo(f"by `visavis ingest`, and by `serve` before it answers: {one.name}: {one.purpose} ({one.named_by})")


def check_writer() -> "Check":
    """Who writes; a model is tried, and what it can do is said."""
    from assistant.settings import WriterName, load_settings
    from ingest.diagnosis import Check, State

    try:
        settings = load_settings()
        if settings.writer is WriterName.QUOTING:
            return Check("writer", State.WELL, "quotes the law and our notes; no model is set, none is needed")
        return Check("writer", State.WELL, _try_model(settings))
    except (ModelError, SettingsError) as error:
        return Check("writer", State.BROKEN, str(error))


def _try_model(settings: "Settings") -> str:
    """What the model of the settings can do; raises ModelError where it does not answer."""
    from assistant.writers.model import ModelWriter

    ability = ModelWriter.of(settings).probe()
    host = settings.model_host or "where its package sends them"
    said = (
        f"{settings.model}, questions and passages go to {host}",
        "streams" if ability.streams else "does not stream",
        "keeps to a JSON schema" if ability.structured else "keeps to no JSON schema, so is asked for lines",
        f"a context of {ability.context} tokens" if ability.context else "a context of unknown size",
        f"first words after {ability.first_seconds:.1f} s",
    )
    return ", ".join(said)
