"""The command that drafts gold questions from what readers said: `visavis eval from-feedback`."""

from pathlib import Path

import click


@click.command(
    "from-feedback",
    epilog="""\b
Examples:
  visavis audit export --feedback -o feedback.jsonl
  visavis eval from-feedback feedback.jsonl --output drafts.jsonl
""",
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="The drafts."
)
def from_feedback_command(file: Path, output: Path) -> None:
    """Draft gold questions from what readers said of answers; a person completes them, and nothing enters the gold."""
    from eval.from_feedback import draft_cases, write_drafts
    from eval.gold import gold_folder
    from ingest.datafiles import CHECKOUT
    from ingest.errors import UsageError

    if (CHECKOUT / "gold").is_dir() and output.absolute().is_relative_to(gold_folder()):
        raise UsageError(f"--output {output} is among the gold; a draft goes elsewhere until it is completed.")
    drafted = draft_cases(file)
    write_drafts(drafted, output)
    wordless = f" The question's words were not kept for {drafted.without_words}." if drafted.without_words else ""
    click.echo(f"{output}: {len(drafted.drafts)} drafts.{wordless} Each says in its field draft what is still to do.")
