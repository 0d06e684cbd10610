"""The commands that keep a server's state: `visavis backup`, `visavis restore`."""

from pathlib import Path

import click

from ingest.console import ProgressBars


@click.command(
    epilog="""\b
Examples:
  visavis backup /backups/visavis-2026-11-23.tar.gz
  visavis backup everything.tar.gz --with-secrets     keys too: keep the file as safe as they are
"""
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--with-secrets", is_flag=True, help="With keys, passwords and the files that hold them.")
@click.option("--no-record", is_flag=True, help="Without the record of answers and feedback.")
def backup(file: Path, with_secrets: bool, no_record: bool) -> None:
    """Write indexes, own documents, tokens, settings and the record to a FILE; a server may run meanwhile."""
    from ui.operation.backup import Wanted, make_backup

    told = make_backup(file, Wanted(with_secrets, not no_record))
    size = file.stat().st_size / 1_000_000
    click.echo(f"Wrote {file}: {len(told.files)} files, {size:.1f} MB; {', '.join(told.parts()) or 'nothing'}.")


@click.command(
    epilog="""\b
Examples:
  visavis restore /backups/visavis-2026-11-23.tar.gz
  visavis restore everything.tar.gz --force     what is there is put aside under another name
"""
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Put aside what is there. Stop the server first.")
@click.option("--no-record", is_flag=True, help="Leave the record as it is.")
def restore(file: Path, force: bool, no_record: bool) -> None:
    """Put back what `visavis backup` wrote to a FILE, once all of it was held against its hashes."""
    from ui.operation.backup import Wanted, restore_backup

    with ProgressBars() as bars:
        told, before = restore_backup(file, Wanted(True, not no_record), force=force, progress=bars)
    click.echo(f"Restored {len(told.files)} files of {told.made}: {', '.join(told.parts()) or 'nothing'}.")
    for path in before:
        click.echo(f"What stood there before is {path}", err=True)
