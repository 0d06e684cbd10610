"""The commands of the API's tokens: `visavis tokens`."""

import json
from datetime import date, timedelta

import click

from ingest.clock import parse_date, today
from ingest.console import JSON_OPTION, print_table
from ingest.errors import UsageError
from ui.access import Scope, Token, TokenFile
from ui.embedding.cli import embed

GOOD_FOR = timedelta(days=365)
NEVER = "never"


@click.group(
    epilog="""\b
Examples:
  visavis tokens create intranet --scope ask --scope read
  visavis tokens create archive --scope read --expires 2027-06-30
  visavis tokens list
  visavis tokens revoke 1f0c2a9b
  visavis tokens embed --help
"""
)
def tokens() -> None:
    """Make, list and revoke the tokens by which programs call the API; a running server follows at once."""


tokens.add_command(embed)


@tokens.command("create")
@click.argument("client")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([str(one) for one in Scope]),
    multiple=True,
    help="What the token allows; may be given more than once. Default: ask and read.",
)
@click.option("--expires", metavar="DATE", help="Its last good day, YYYY-MM-DD, or never. Default: in a year.")
def create(client: str, scopes: tuple[str, ...], expires: str | None) -> None:
    """Make a token for a CLIENT and print it, alone on standard output; it is shown this once."""
    last = _read_expiry(expires)
    token, secret = TokenFile().create(client, [Scope(one) for one in scopes] or [Scope.ASK, Scope.READ], last)
    until = f"until {token.expires}" if token.expires else "without end"
    click.echo(f"Token {token.id} of {token.client}: {', '.join(token.scopes)}; good {until}. Keep it now:", err=True)
    click.echo(secret)


def _read_expiry(expires: str | None) -> date | None:
    if expires is None:
        return today() + GOOD_FOR
    if expires == NEVER:
        return None
    last = parse_date(expires, "--expires")
    if last < today():
        raise UsageError(f"--expires {expires} is past; name a day from {today()} on.")
    return last


@tokens.command("list")
@JSON_OPTION
def list_tokens(as_json: bool) -> None:
    """List the tokens that were made, those revoked and expired too; no token itself is kept."""
    kept = TokenFile().tokens()
    if as_json:
        click.echo(json.dumps([one.model_dump(mode="json", exclude={"digest"}) for one in kept], indent=2))
        return
    print_table(
        ("id", "client", "scopes", "made", "state"),
        [(one.id, one.client, ", ".join(one.scopes), str(one.created), _state(one)) for one in kept],
    )


def _state(token: Token) -> str:
    return token.trouble(today()) or (f"good until {token.expires}" if token.expires else "good without end")


@tokens.command("revoke")
@click.argument("identity", metavar="ID")
def revoke(identity: str) -> None:
    """Make the token with an ID worthless from now on."""
    revoked = TokenFile().revoke(identity)
    click.echo(f"Token {revoked.id} of {revoked.client} is revoked.")
