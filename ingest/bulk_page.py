"""The page that shows how far a large job is: one file, written anew each second or so, that any browser opens."""

import html
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ingest.errors import StoreUnwritable
from ingest.journal import Tally

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{percent}% of {folder}</title>{refresh}
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 50rem; padding: 0 1rem }}
progress {{ width: 100%; height: 1.5rem }} td {{ padding: 0 1rem 0 0 }} td + td {{ text-align: right }}
</style></head><body>
<h1>{folder}</h1>
<p><progress max="{whole}" value="{behind}">{percent}%</progress></p>
<p>{behind:,} of {whole:,} documents ({percent}%), {rate:.1f} a second, {left}.</p>
<table>
<tr><td>taken in</td><td>{done:,}</td></tr>
<tr><td>the same as another</td><td>{double:,}</td></tr>
<tr><td>failed</td><td>{failed:,}</td></tr>
<tr><td>waiting</td><td>{waiting:,}</td></tr>
<tr><td>passages</td><td>{passages:,}</td></tr>
</table>
{lines}
<p>As of {now}. Ended, the job goes on where it was when it is started again.</p>
</body></html>
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """A job now: of which folder, when it began (seconds since 1970) and with how much, and how all stands."""

    folder: str
    began: float
    before: Tally
    now: float = 0.0
    tally: Tally | None = None
    failed: tuple[tuple[str, str], ...] = ()

    @property
    def rate(self) -> float:
        """Documents a second since it began."""
        tally = self.tally or self.before
        return max(self.before.waiting - tally.waiting, 0) / max(self.now - self.began, 1e-3)


def write_page(path: Path, progress: Progress) -> None:
    """Write the page beside and move it into place; raises StoreUnwritable."""
    beside = path.with_name(f".{path.name}")
    try:
        beside.write_text(render_page(progress), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise StoreUnwritable(
            f"the page {path} cannot be written ({error.strerror}); name another in --page."
        ) from None


def render_page(progress: Progress) -> str:
    """The page as HTML."""
    tally = progress.tally or progress.before
    behind = tally.whole - tally.waiting
    rows = "".join(f"<li>{html.escape(path)}: {html.escape(line)}</li>" for path, line in progress.failed)
    more = f"<p>The first {len(progress.failed)} of them:</p>" if tally.failed > len(progress.failed) else ""
    return _PAGE.format(
        folder=html.escape(progress.folder),
        refresh='<meta http-equiv="refresh" content="2">' if tally.waiting else "",
        percent=100 * behind // max(tally.whole, 1),
        whole=tally.whole,
        behind=behind,
        rate=progress.rate,
        left=_left(progress, tally),
        done=tally.done,
        double=tally.double,
        failed=tally.failed,
        waiting=tally.waiting,
        passages=tally.passages,
        lines=f"<h2>Failed</h2>{more}<ul>{rows}</ul>" if rows else "",
        now=datetime.fromtimestamp(progress.now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
    )


def _left(progress: Progress, tally: Tally) -> str:
    """How long it takes yet, in words."""
    if not tally.waiting:
        return "all done"
    if not progress.rate:
        return "just begun"
    minutes = tally.waiting / progress.rate / 60
    return f"{minutes:.0f} minutes left" if minutes >= 1.5 else "less than two minutes left"
