"""The commands of embed tokens: `visavis tokens embed`."""

import os
from pathlib import Path

import click

from ingest.errors import UsageError


@click.group(
    "embed",
    epilog="""\b
Examples:
  visavis tokens embed key /etc/visavis/embed.key
  visavis tokens embed sample --key /etc/visavis/embed.key --origin https://intranet.example --subject 4711
""",
)
def embed() -> None:
    """Make the key that another site signs embed tokens with, and a token to try it; docs/embedding.md says how."""


@embed.command("key")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
def make_key_file(path: Path) -> None:
    """Write a new key to the file PATH, readable by its owner alone; a file that is there stays as it is."""
    from ui.embedding.tokens import make_key

    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8") as out:
            out.write(f"{make_key()}\n")
    except FileExistsError:
        raise UsageError(f"{path} is there already; take it away first if its key is to be worthless.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
    click.echo(f"Wrote a key to {path}; name it in VISAVIS_EMBED_KEY_FILE and give it to the site.", err=True)


@embed.command("sample")
@click.option("--key", "path", type=click.Path(path_type=Path), required=True, help="The file that holds the key.")
@click.option("--origin", required=True, help="The origin of the site that embeds, such as https://intranet.example.")
@click.option("--site", default="sample", show_default=True, help="A name of the site.")
@click.option("--subject", default="somebody", show_default=True, help="The person, as the site calls them.")
def sample(path: Path, origin: str, site: str, subject: str) -> None:
    """Print a token that is good for five minutes and once, as a site would make it."""
    from ui.embedding.tokens import Guest, make_token, read_embed_key
    from ui.origins import check_origin

    try:
        guest = Guest(site, subject, check_origin(origin))
    except ValueError as error:
        raise UsageError(f"--origin {error}") from None
    click.echo(make_token(read_embed_key(path), guest))
