"""The front door: the `visavis` command, which opens a room only when one of its commands is asked for."""

import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click

from ingest.egress import Host, guard
from ingest.errors import VisavisError

__version__ = "0.1.0"

DEBUG_VARIABLE = "VISAVIS_DEBUG"
EXIT_BUG = 1
EXIT_UNREAD = 1
EXIT_INTERRUPTED = 130

EPILOG = """\b
Examples:
  visavis serve                      the chat on http://127.0.0.1:7860
  visavis ask "How do the Convention and the AI Act define an AI system?"
  visavis ask --json "Article 14 of the AI Act"
  visavis law show eu-ai-act art_5/1/f
  visavis doctor                     what is missing, and what to do about it
"""


@dataclass(frozen=True, slots=True)
class Door:
    """Where a command lives, as `module:attribute`, and the one line that says what it is for."""

    target: str
    summary: str

    def open(self) -> click.Command:
        """Import the room's command."""
        module, _, attribute = self.target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


DOORS = {
    "ask": Door("assistant.cli:ask", "Answer a question in the law's own words, with citations."),
    "audit": Door("ui.record.cli:audit", "Verify, list, export and erase the record of answers."),
    "backup": Door("ui.operation.backup_cli:backup", "Write everything that a server keeps to one file."),
    "concordance": Door(
        "ingest.concordance_cli:concordance", "Show where the two instruments meet, and where one is silent."
    ),
    "doctor": Door("assistant.doctor:doctor", "Say what is missing or out of date, and what to do about it."),
    "eval": Door("eval.cli:eval_", "Measure the answers against the gold questions."),
    "ingest": Door("ingest.cli:ingest", "Find the official texts, read them and build the index."),
    "law": Door("ingest.law_cli:law", "Look provisions up, and list the instruments with their status."),
    "replicas": Door("ui.operation.replicas_cli:replicas", "Serve the chat from several processes behind nginx."),
    "restore": Door("ui.operation.backup_cli:restore", "Put back what a backup holds."),
    "serve": Door("ui.cli:serve", "Serve the chat, building a missing index first."),
    "tokens": Door("ui.tokens_cli:tokens", "Make, list and revoke the tokens of programs that call the API."),
}


class FrontDoor(click.Group):
    """A group that lists its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in alphabetical order."""
        return sorted(DOORS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the one command that is asked for."""
        door = DOORS.get(cmd_name)
        return door.open() if door else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table of doors."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, DOORS[name].summary) for name in self.list_commands(ctx)])


@click.group(cls=FrontDoor, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="visavis", message="%(prog)s %(version)s")
def cli() -> None:
    """Ask the Council of Europe's AI Convention and the EU AI Act, side by side, in the law's own words."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code: 0 done, 1 a bug or "not found", 2 bad input, 130 interrupted."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime would report on its use, whoever imports it first
    guard(configured_hosts)
    try:
        code = cli.main(args=arguments, prog_name="visavis", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return complain(error.format_message() + see_help(error), error.exit_code)
    except VisavisError as error:
        return complain(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return complain("interrupted; the last good index is as it was.", EXIT_INTERRUPTED)
    except BrokenPipeError:
        discard_output()
        return EXIT_UNREAD
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        kind = type(error).__name__
        return complain(f"this is a bug ({kind}: {error}); {DEBUG_VARIABLE}=1 shows where. Please report it.", EXIT_BUG)


def configured_hosts() -> Iterable[Host]:
    """The hosts that the settings name, read when a connection beyond this machine is first wanted."""
    from assistant.egress import configured_hosts as hosts_of_model
    from eval.egress import configured_hosts as hosts_of_judge
    from ui.egress import configured_hosts as hosts_of_server

    return (*hosts_of_model(), *hosts_of_server(), *hosts_of_judge())


def see_help(error: click.ClickException) -> str:
    """Where the help is for a command that was typed wrongly; nothing for other errors."""
    context = getattr(error, "ctx", None)
    return f" See '{context.command_path} --help'." if context else ""


def complain(message: str, code: int) -> int:
    """Print one line on standard error and give the exit code back."""
    click.echo(f"visavis: {' '.join(message.split())}", err=True)
    return code


def discard_output() -> None:
    """Point standard output nowhere, so that the interpreter's last flush finds no closed pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
