"""A treaty's status renewed from a CSV file, by the command."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ingest.errors import ManifestError, UsageError
from ingest.identifiers import CONVENTION
from ingest.law_cli import law
from ingest.status import load_status, own_table

HEADER = "name,member_state,signed,consented,consent,declaration,as_seen"
GOOD = f"""{HEADER}
European Union,false,2024-09-05,2026-05-15,approval,"it implements Chapters II to VI, and more",2026-11-20
Iceland,true,2024-09-05,2026-10-01,Ratification,,2026-11-20

Norway,yes,,,,,2026-11-20
"""


@pytest.fixture
def imported(home: Path, tmp_path: Path) -> Iterator[Callable[..., Result]]:
    def run(text: str | bytes, *arguments: str) -> Result:
        file = tmp_path / "status.csv"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return CliRunner().invoke(law, ["status", "import", str(file), *arguments])

    load_status.cache_clear()
    yield run
    load_status.cache_clear()


def test_the_new_table_takes_the_place_of_the_programs(imported: Callable[..., Result]) -> None:
    packaged = load_status()[CONVENTION]
    ran = imported(GOOD, "--source", "https://law.example/225")
    assert ran.exit_code == 0, ran.exception
    treaty = load_status()[CONVENTION]
    assert (treaty.as_seen, treaty.source, treaty.entry_clause) == (
        date(2026, 11, 20),
        "https://law.example/225",
        packaged.entry_clause,
    )
    assert [(one.name, one.member_state, one.consented, one.consent) for one in treaty.participant] == [
        ("European Union", False, date(2026, 5, 15), "approval"),
        ("Iceland", True, date(2026, 10, 1), "ratification"),
        ("Norway", True, None, ""),
    ]
    assert treaty.participant[0].declaration == "it implements Chapters II to VI, and more"
    assert treaty.participant[0].remark == packaged.consents[0].remark
    assert not treaty.is_in_force(date(2026, 11, 23))


def test_what_changed_is_told(imported: Callable[..., Result]) -> None:
    lines = imported(GOOD).stdout.splitlines()
    assert "  Iceland: ratification on 2026-10-01" in lines
    assert "  Albania: no longer listed" in lines
    assert "  Norway: no declaration any more" in lines
    assert not any(line.startswith("  European Union: approval") for line in lines)


def test_columns_that_are_not_there_stay_as_they_were(imported: Callable[..., Result]) -> None:
    before = {one.name: one.declaration for one in load_status()[CONVENTION].participant}
    assert imported("name;member_state\nNorway;true\n", "--as-seen", "2026-11-01").exit_code == 0
    [norway] = load_status()[CONVENTION].participant
    assert norway.declaration == before["Norway"] != ""


def test_a_second_import_follows_the_first(imported: Callable[..., Result]) -> None:
    imported(GOOD)
    ran = imported(GOOD.replace("2026-11-20", "2026-11-22"))
    assert ran.stdout.splitlines()[1:3] == ["Changes:", "  nothing"]


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (GOOD.replace("declaration", "note"), (), "column 'note' is unknown"),
        (GOOD.replace("signed", "name", 1), (), "column 'name' is unknown or there twice"),
        ("name,signed\nNorway,\n", ("--as-seen", "2026-11-01"), "column 'member_state' is missing"),
        (GOOD.replace("2024-09-05,2026-10-01", "5.9.2024,2026-10-01"), (), "line 3, signed '5.9.2024' is no date"),
        (GOOD.replace("Ratification", ""), (), "line 3: consent '' on '2026-10-01'"),
        (GOOD.replace("Ratification", "agreement"), (), "line 3: consent 'agreement'"),
        (GOOD.replace("Norway,yes", "Norway,perhaps"), (), "line 5: member_state 'perhaps' is neither true nor false"),
        (GOOD.replace("Norway,yes", "Iceland,yes"), (), "'Iceland' is there twice"),
        (GOOD.replace("Norway,yes", ",yes"), (), "line 5: the name is empty"),
        (GOOD.replace("Norway,yes,,,,,", "Norway,yes,,,,"), (), "line 5: has 6 cells instead of 7"),
        (GOOD.replace(",2026-11-20\n", ",\n"), (), "was seen on no day"),
        (GOOD, ("--as-seen", "2026-11-21"), "was seen on 2026-11-20, 2026-11-21"),
        (GOOD.replace("2026-11-20", "2026-12-20"), (), "a day to come"),
        (GOOD.replace("2026-11-20", "2026-09-01"), (), "before the table in use"),
        (GOOD.replace("2026-10-01", "2026-11-21"), (), "after the table was seen"),
        (GOOD, ("--treaty", "garden-treaty"), "no status table for 'garden-treaty'"),
        (HEADER, (), "has no participant"),
        ("", (), "has no participant"),
        (GOOD.encode("utf-16"), (), "no UTF-8 text"),
        (GOOD + '"open', (), "is no CSV"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(
    imported: Callable[..., Result], text: str | bytes, arguments: tuple[str, ...], said: str
) -> None:
    ran = imported(text, *arguments)
    assert isinstance(ran.exception, UsageError)
    assert said in str(ran.exception) and "\n" not in str(ran.exception)
    assert not own_table().exists()


def test_a_file_that_is_not_there(home: Path) -> None:
    ran = CliRunner().invoke(law, ["status", "import", "nowhere.csv"])
    assert isinstance(ran.exception, UsageError)
    assert "'nowhere.csv' cannot be read: No such file" in str(ran.exception)


def test_enough_consents_ask_for_the_day_of_entry_into_force(imported: Callable[..., Result]) -> None:
    states = "".join(
        f"{name},true,,2026-06-01,ratification,,2026-11-20\n" for name in ("Albania", "Andorra", "Armenia")
    )
    ran = imported(GOOD + states)
    assert "5 consents suffice for entry into force (art_30/3)" in str(ran.exception)
    assert imported(GOOD + states, "--in-force-since", "2027-02-01").exit_code == 0
    treaty = load_status()[CONVENTION]
    assert [treaty.is_in_force(date(2027, 1, 31)), treaty.is_in_force(date(2027, 2, 1))] == [False, True]


def test_an_older_table_of_the_users_gives_way(imported: Callable[..., Result]) -> None:
    imported(GOOD)
    own = own_table()
    own.write_text(own.read_text(encoding="utf-8").replace("2026-11-20", "2026-09-01"), encoding="utf-8")
    load_status.cache_clear()
    assert load_status()[CONVENTION].as_seen == date(2026, 9, 24)


def test_a_damaged_table_of_the_users_is_one_line(imported: Callable[..., Result]) -> None:
    imported(GOOD)
    own_table().write_text("[[treaty", encoding="utf-8")
    load_status.cache_clear()
    with pytest.raises(ManifestError, match=r"status\.toml cannot be read"):
        load_status()


def test_the_status_is_shown(imported: Callable[..., Result]) -> None:
    imported(GOOD)
    lines = CliRunner().invoke(law, ["status"]).stdout.splitlines()
    assert lines[0] == "coe-ai-convention: not in force on 2026-11-23"
    assert "  Iceland (member State): ratification on 2026-10-01, signed on 2024-09-05" in lines
    [record] = json.loads(CliRunner().invoke(law, ["status", "--json"]).stdout)
    assert (record["as_seen"], record["stale"], len(record["participant"])) == ("2026-11-20", False, 3)


def test_an_old_table_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    load_status.cache_clear()
    monkeypatch.setenv("VISAVIS_TODAY", "2027-06-01")
    assert "older than 90 days" in CliRunner().invoke(law, ["status"]).stdout
