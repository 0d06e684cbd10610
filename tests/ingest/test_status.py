"""Where the Convention stands, as the dated table says, and a table that says nonsense."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from ingest import status
from ingest.errors import ManifestError
from ingest.identifiers import CONVENTION
from ingest.index import Store
from ingest.pinpoint import Pinpoint
from ingest.status import TreatyStatus, load_status

TABLE = """
[[treaty]]
instrument = "garden-treaty"
as_seen = 2026-09-01
source = "https://law.example"
basis = "seen"
adopted = 2020-01-01
opened = 2020-02-01
opened_at = "Utrecht"
in_force = true
entered_into_force = 2021-06-01
entry_clause = "art_9"
consents_needed = 2
member_consents_needed = 1
"""


@pytest.fixture
def convention() -> TreatyStatus:
    return load_status()[CONVENTION]


def test_the_convention_is_signed_and_not_in_force(convention: TreatyStatus) -> None:
    assert len(convention.participant) == 21 and not convention.in_force
    assert [(one.name, one.consented, one.consent) for one in convention.consents] == [
        ("European Union", date(2026, 5, 15), "approval")
    ]
    assert convention.member_consents == ()
    assert not convention.is_in_force(date(2030, 1, 1))


def test_the_numbers_are_those_of_the_entry_clause(convention: TreatyStatus, official_store: Store) -> None:
    [wording] = official_store.corpus.wordings(CONVENTION)
    clause = wording.at(Pinpoint.parse(convention.entry_clause)).text
    assert "five signatories, including at least three member States" in clause
    assert (convention.consents_needed, convention.member_consents_needed) == (5, 3)
    assert len(convention.consents) < convention.consents_needed


@pytest.mark.parametrize(("day", "stale"), [(date(2026, 12, 23), False), (date(2026, 12, 24), True)])
def test_it_is_stale_after_90_days(convention: TreatyStatus, day: date, stale: bool) -> None:
    assert convention.as_seen == date(2026, 9, 24) and convention.is_stale(day) is stale


@dataclass(frozen=True)
class Shelf:
    """A place for another table."""

    path: Path

    def load(self, text: str) -> dict[str, TreatyStatus]:
        self.path.write_text(text, encoding="utf-8")
        load_status.cache_clear()
        return {str(name): one for name, one in load_status().items()}


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.setattr(status, "data_file", lambda name: tmp_path / name)
    yield Shelf(tmp_path / "status.toml")
    load_status.cache_clear()


def test_a_treaty_is_in_force_from_its_day_on(shelf: Shelf) -> None:
    treaty = shelf.load(TABLE + "participant = []\n")["garden-treaty"]
    assert [treaty.is_in_force(date(2021, 5, 31)), treaty.is_in_force(date(2021, 6, 1))] == [False, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TABLE, "participant"),
        (TABLE + "participant = []\nsignatures = 3\n", "signatures"),
        (TABLE.replace("2021-06-01", '"1 June"') + "participant = []\n", "entered_into_force"),
        ("treaty = [", "status.toml cannot be read"),
    ],
)
def test_nonsense_is_one_line(shelf: Shelf, text: str, said: str) -> None:
    with pytest.raises(ManifestError) as refused:
        shelf.load(text)
    assert said in str(refused.value) and "\n" not in str(refused.value)
