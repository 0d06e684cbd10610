"""The host of a judge: where an evaluation connects beside the model's host, and what it sends there."""

import os

import click

from assistant.egress import hosts_of_model
from eval.judging import JUDGE_VARIABLE, judge_settings
from ingest.egress import Host, is_this_machine, permitting

JUDGING = "the model that judges answers: sentences and the passages that they cite go there"


def configured_hosts() -> tuple[Host, ...]:
    """The host beyond this machine of the judge that the environment names; raises SettingsError as it is read."""
    name = os.environ.get(JUDGE_VARIABLE)
    return tuple(one for one in hosts_of_judge(name) if not is_this_machine(one.name)) if name else ()


def hosts_of_judge(name: str) -> tuple[Host, ...]:
    """The host of a judge, named by --judge or by the environment; raises SettingsError."""
    named_by = JUDGE_VARIABLE if os.environ.get(JUDGE_VARIABLE) == name else "--judge"
    return tuple(Host(one.name, JUDGING, named_by) for one in hosts_of_model(judge_settings(name)))


def permit_judge(name: str) -> None:
    """Let the command that runs now reach the judge that it was told to ask, and nothing after it."""
    click.get_current_context().with_resource(permitting(hosts_of_judge(name)))
