"""Where a treaty stands: who signed, who consented, whether it is in force, as a dated table says."""

from datetime import date
from functools import lru_cache
from importlib.resources.abc import Traversable
from pathlib import Path

from ingest.datafiles import data_file
from ingest.identifiers import InstrumentId
from ingest.tables import Strict, read_file

STALE_AFTER_DAYS = 90


class Participant(Strict):
    """A signatory, with the day and kind of its consent to be bound where it gave one."""

    name: str
    member_state: bool
    signed: date | None = None
    consented: date | None = None
    consent: str = ""
    declaration: str = ""
    remark: str = ""


class TreatyStatus(Strict):
    """What the table says of one treaty, and the day that was seen."""

    instrument: InstrumentId
    as_seen: date
    source: str
    basis: str
    adopted: date
    opened: date
    opened_at: str
    in_force: bool
    entered_into_force: date | None = None
    entry_clause: str
    consents_needed: int
    member_consents_needed: int
    participant: tuple[Participant, ...]

    @property
    def consents(self) -> tuple[Participant, ...]:
        """Those who have expressed consent to be bound."""
        return tuple(one for one in self.participant if one.consented)

    @property
    def member_consents(self) -> tuple[Participant, ...]:
        """The member States among them."""
        return tuple(one for one in self.consents if one.member_state)

    def is_in_force(self, day: date) -> bool:
        """Whether the treaty is in force on a day, as far as the table knows."""
        return self.entered_into_force is not None and self.entered_into_force <= day

    def is_stale(self, day: date) -> bool:
        """Whether the table is too old to rely on."""
        return (day - self.as_seen).days > STALE_AFTER_DAYS


class _Table(Strict):
    treaty: tuple[TreatyStatus, ...]


@lru_cache(maxsize=1)
def load_status() -> dict[InstrumentId, TreatyStatus]:
    """The status by instrument: the user's own table, save where the program's was seen later.

    Raises ManifestError when a table is not what its schema says.
    """
    treaties = read_table(data_file("status.toml"), "data/status.toml")
    own = own_table()
    for instrument, treaty in (read_table(own, str(own)) if own.is_file() else {}).items():
        if instrument not in treaties or treaty.as_seen >= treaties[instrument].as_seen:
            treaties[instrument] = treaty
    return treaties


def own_table() -> Path:
    """Where `visavis law status import` puts the user's own table."""
    import platformdirs

    return platformdirs.user_data_path("visavis") / "status.toml"


def read_table(file: Path | Traversable, name: str) -> dict[InstrumentId, TreatyStatus]:
    """A table by instrument; raises ManifestError, one line that begins with `name`."""
    return {treaty.instrument: treaty for treaty in read_file(_Table, file, name).treaty}
