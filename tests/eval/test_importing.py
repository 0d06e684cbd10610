"""A spreadsheet as cases: what people type, what Excel does to it, and every fault by row and column."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

import visavis
from eval import spreadsheet
from eval.case import CaseKind, Half, check_places, read_cases, read_located
from eval.importing import EXAMPLES, Column, import_cases, write_case_template, write_cases
from eval.places import read_places
from ingest.corpus import Corpus
from ingest.errors import UsageError
from ingest.index import Store
from tests.eval.conftest import DAY
from tests.small_corpus import SmallCorpus

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Write rows as a CSV file, with what a test changes of it."""

    def write(*rows: str, name: str = "mine.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes("".join(f"{row}\n" for row in rows).encode(encoding))
        return path

    return write


def fill(path: Path, *rows: list[object]) -> Path:
    """Write rows as an XLSX file."""
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(path)
    return path


PLACES = [
    ("AI Act Art. 1(a)", "eu-ai-act art_1/a"),
    ("AI Act Art. 1(a); CETS 225 art 2", "eu-ai-act art_1/a, coe-ai-convention art_2"),
    ("Article 3, point (b), of the Convention", "coe-ai-convention art_3/b"),
    ("Convention, Articles 3 and 4", "coe-ai-convention art_3, coe-ai-convention art_4"),
    ("AI Act Art. 9-11", "eu-ai-act art_9, eu-ai-act art_10, eu-ai-act art_11"),
    ("AI Act: Art. 5, Art. 6", "eu-ai-act art_5, eu-ai-act art_6"),
    ("AI Act Art. 5; Art. 6\nart. 7", "eu-ai-act art_5, eu-ai-act art_6, eu-ai-act art_7"),
    ("Regulation (EU) 2024/1689 Art 4a", "eu-ai-act art_4a"),
    ("AIA 5(a)", "eu-ai-act art_5/a"),
    ("AI Act 5", "eu-ai-act art_5"),
    ("eu-ai-act:art_5/a", "eu-ai-act art_5/a"),
    ("eu-ai-act art_5/a; art_6", "eu-ai-act art_5/a, eu-ai-act art_6"),
    ("coe-ai-convention: Article 2(b)", "coe-ai-convention art_2/b"),
    ("the treaty's Article 2 and also art. 3 AI Act", "coe-ai-convention art_2, eu-ai-act art_3"),
    ("AI Act Art.\u00a05 (a)", "eu-ai-act art_5/a"),
    ("Strasbourg, art 2", "coe-ai-convention art_2"),
    ("AI Act Art. 5; AI Act Art. 5", "eu-ai-act art_5"),
    ("", ""),
]

UNREADABLE = [
    ("Art. 5", "'Art. 5' names no instrument"),
    ("AI Act Art. 99", "the Act has no Article 99 (art_99) in the wording eu-ai-act@2026-07-27:en"),
    ("AI Act Art. 5(1)(f)", "the Act has no Article 5(1)(f)"),
    ("GDPR Art. 22", "'GDPR' is not among the texts"),
    ("AI Act Art. 5 third alternative", "'third alternative' in 'AI Act Art. 5 third alternative' cannot be read"),
    ("AI Act Art. 5 (a) or thereabouts", "'thereabouts'"),
    ("see the recitals", "names no provision"),
    ("eu-ai-act:art_5//a", "cannot be read"),
    ("the Omnibus Art. 1", "instrument 'eu-2026-1744' is not among the texts"),
    ("AI Act point (a)", "does not say in which article"),
]


@pytest.mark.parametrize(("cell", "expected"), PLACES)
def test_places_are_read_as_people_type_them(cell: str, expected: str, corpus: Corpus) -> None:
    found = read_places(cell.replace("\u00a0", " "), corpus, DAY)
    assert ", ".join(f"{one.instrument} {one.pinpoint}" for one in found) == expected


@pytest.mark.parametrize(("cell", "said"), UNREADABLE)
def test_what_is_no_place_is_said_and_never_half_read(cell: str, said: str, corpus: Corpus) -> None:
    with pytest.raises(UsageError) as raised:
        read_places(cell, corpus, DAY)
    assert said in str(raised.value)


def test_a_place_is_looked_for_in_the_wording_of_its_day(corpus: Corpus) -> None:
    assert read_places("AI Act art 4a", corpus, DAY)
    with pytest.raises(UsageError, match="no Article 4a"):
        read_places("AI Act art 4a", corpus, date(2025, 1, 1))
    with pytest.raises(UsageError, match="no wording on 2020-01-01"):
        read_places("AI Act art 4", corpus, date(2020, 1, 1))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_csv_file_is_read_however_it_was_saved(save: Save, corpus: Corpus, delimiter: str, encoding: str) -> None:
    cells = [["Question", "Expected_Provisions"], ["Für wen?", "AI Act Art. 1; CETS 225 art 2"], ["", ""]]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(cells)
    imported = import_cases(save(*text.getvalue().splitlines(), encoding=encoding), corpus, DAY)
    assert imported.problems == ()
    assert imported.cases[0].question == "Für wen?"
    assert imported.cases[0].kind is CaseKind.COMPARISON
    assert imported.cases[0].author == "mine"


def test_excels_own_first_line_names_the_delimiter(save: Save, corpus: Corpus) -> None:
    imported = import_cases(save("sep=;", "question;gold", "a, b, c?;AI Act Art. 1"), corpus, DAY)
    assert [case.question for case in imported.cases] == ["a, b, c?"]


def test_all_the_columns_are_read(save: Save, corpus: Corpus) -> None:
    path = save(
        "id,question,provisions,also right,facts,must not say,kind,as of,author,comment,asked neutrally",
        "Q 7,Is it so?,AI Act Art. 1,AI Act Art. 2,35 000 000; 2 December 2027 | soon,never,single,2026-11-01,me,x,So?",
    )
    (case,) = import_cases(path, corpus, DAY).cases
    assert (case.id, case.author, case.as_of) == ("q-7", "me", date(2026, 11, 1))
    assert case.must_say == ("35 000 000", "2 December 2027 | soon")
    assert (case.must_not_say, case.neutral) == (("never",), "So?")
    assert (case.gold, case.also) == ({"eu-ai-act": ("art_1",)}, {"eu-ai-act": ("art_2",)})


def test_kinds_are_inferred_or_taken(save: Save, corpus: Corpus) -> None:
    path = save(
        "question,expected provisions,kind,refusal,earlier turns,written out",
        "One side?,AI Act Art. 1,,,,",
        "Two sides?,AI Act Art. 1; CETS 225 art 1,,,,",
        "No?,,,out of corpus,,",
        "Only there?,CETS 225 art 1,Only,,,",
        'And then?,AI Act Art. 2,dialogue,,"What is it?\nAnd why?",What is it then?',
    )
    imported = import_cases(path, corpus, DAY)
    assert imported.problems == ()
    assert [str(case.kind) for case in imported.cases] == ["single", "comparison", "refusal", "only", "dialogue"]
    assert imported.cases[3].only == "coe-ai-convention"
    assert imported.cases[4].history == ("What is it?", "And why?")


def test_a_name_made_from_the_question_stays_when_rows_move(save: Save, corpus: Corpus) -> None:
    rows = ["First?,AI Act Art. 1", "Second?,AI Act Art. 2"]
    before = import_cases(save("question,gold", *rows), corpus, DAY).cases
    after = import_cases(save("question,gold", *reversed(rows)), corpus, DAY).cases
    assert {case.id for case in before} == {case.id for case in after}


@pytest.mark.parametrize("half", list(Half))
def test_a_half_is_given_by_the_name(save: Save, corpus: Corpus, half: Half) -> None:
    rows = [f"Question {number}?,AI Act Art. 1,{half}" for number in range(20)]
    cases = import_cases(save("question,gold,half", *rows), corpus, DAY).cases
    assert len(cases) == 20
    assert {case.half for case in cases} == {half}


def test_a_half_that_a_name_contradicts_is_refused_with_one_that_fits(save: Save, corpus: Corpus) -> None:
    header = "question,gold,id,half"
    halves = {half: import_cases(save(header, f"A?,AI Act Art. 1,a-1,{half}"), corpus) for half in Half}
    (wrong,) = [one for one in halves.values() if one.problems]
    assert "the id 'a-1' falls in" in wrong.problems[0]
    name = wrong.problems[0].split("name it '")[1].split("'")[0]
    wanted = next(half for half, one in halves.items() if one is wrong)
    assert import_cases(save(header, f"A?,AI Act Art. 1,{name},{wanted}"), corpus).cases[0].id == name


def test_every_fault_is_named_at_once_by_row_and_column(save: Save, corpus: Corpus) -> None:
    path = save(
        "question,expected provisions,kind,as of,refusal,id",
        "What?,AI Act Art. 99,compare,03/04/2026,,",
        ",GDPR Art. 22,,,,",
        '"Two\nlines?",Art. 1,,,,',
        "Why?,AI Act Art. 1,comparison,,,",
        "No gold?,,,,,",
        "Twice?,AI Act Art. 1,,,,same",
        "Twice again?,AI Act Art. 1,,,,Same",
        "Stray?,AI Act Art. 1,,,,x,more",
        "Fine?,AI Act Art. 1,,,,",
        "Fine?,AI Act Art. 2,,,,",
    )
    problems = import_cases(path, corpus, DAY).problems
    expected = [
        "mine.csv, row 2, column 'as of': date '03/04/2026' is no date; write it as YYYY-MM-DD",
        "mine.csv, row 2, column 'expected provisions': 'AI Act Art. 99'",
        "mine.csv, row 2, column 'kind': 'compare' is none of comparison, only",
        "mine.csv, row 3, column 'question': it is empty",
        "mine.csv, row 3, column 'expected provisions': 'GDPR' is not among the texts",
        "mine.csv, row 4, column 'expected provisions': 'Art. 1' names no instrument",
        "mine.csv, row 5 (line 6), column 'kind': a comparison has gold on two sides.",
        "mine.csv, row 6 (line 7), column 'kind': gold names no provision.",
        "mine.csv, row 8 (line 9), column 'id': the same id as row 7 (line 8)",
        "mine.csv, row 9 (line 10): 'more' stands under no heading",
        "mine.csv, row 11 (line 12), column 'id': the same question as row 10 (line 11)",
    ]
    assert len(problems) == len(expected), problems
    for problem, beginning in zip(problems, expected, strict=True):
        assert problem.startswith(beginning), problem


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["question,answer", "a?,b"], "row 1: column 'answer' is unknown; allowed are question, expected provisions"),
        (["question,Question", "a?,b"], "column 'question' stands there twice"),
        (["what is this", "a?"], "there is no column 'question'"),
        (["question,gold"], "no row below the header"),
    ],
)
def test_a_header_that_is_none_is_said(save: Save, corpus: Corpus, rows: list[str], said: str) -> None:
    assert any(said in problem for problem in import_cases(save(*rows), corpus, DAY).problems)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"\n\n,,\n", "a.csv is empty"),
        ("a.csv", b"question,gold\n\x93Why?\x94,x\n", "line 2: not UTF-8 (byte 0x93), perhaps Windows-1252"),
        ("a.csv", b"question,gold\nWhy\0?,x\n", "line 2: a null byte"),
        ("a.csv", b'question,gold\n"Why?,x\n', "row 2 (line 2): not CSV"),
        ("a.ods", b"x", "a.ods is neither CSV nor XLSX"),
        ("a.xls", b"\xd0\xcf\x11\xe0", "a.xls is neither CSV nor XLSX"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0", "a.xlsx is no XLSX file, or encrypted"),
        ("a.xlsx", b"PK\x05\x06" + bytes(18), "a.xlsx cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(
    tmp_path: Path, corpus: Corpus, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as raised:
        import_cases(tmp_path / name, corpus, DAY)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_or_huge_file_is_one_line(tmp_path: Path, corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        import_cases(tmp_path / "none.csv", corpus)
    huge = tmp_path / "huge.xlsx"
    with huge.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(UsageError, match="has 100 MB; 20 are allowed"):
        import_cases(huge, corpus)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, corpus: Corpus) -> None:
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (spreadsheet.UNPACKED + 1))
    assert bomb.stat().st_size < 200_000
    with pytest.raises(UsageError, match="unpacks to 100 MB"):
        import_cases(bomb, corpus)


def test_entities_in_a_workbook_are_not_expanded(tmp_path: Path, corpus: Corpus) -> None:
    fill(tmp_path / "plain.xlsx", ["question", "gold"], ["Why?", "AI Act Art. 1"])
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "x"}">' for n in range(10))
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(tmp_path / "plain.xlsx") as before, zipfile.ZipFile(bomb, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "xl/worksheets/sheet1.xml":
                assert b"Why?" in content
                content = f"<!DOCTYPE s [{entities}]>".encode() + content.replace(b"Why?", b"&e9;")
            after.writestr(name, content)
    with pytest.raises(UsageError, match=r"bomb\.xlsx cannot be read"):
        import_cases(bomb, corpus)


def test_cells_are_read_as_a_person_sees_them(tmp_path: Path, corpus: Corpus) -> None:
    path = fill(
        tmp_path / "mine.xlsx",
        [None, None],
        ["Question", "Expected provisions", "Expected facts", "As of", "ID"],
        ["How much?", "AI Act Art.\u00a01", 35000000, datetime(2026, 11, 1), 7.0],
        [None, "  "],
        ["What share?", "AI Act Art. 1", 0.15, date(2026, 11, 2), "b"],
        ["When?", "AI Act Art. 1", datetime(2027, 12, 2), "2026-11-03", "c"],
    )
    book = openpyxl.load_workbook(path)
    book.worksheets[0]["C5"].number_format = "0%"
    book.save(path)
    imported = import_cases(path, corpus, DAY)
    assert imported.problems == ()
    assert [case.must_say for case in imported.cases] == [("35000000",), ("15%",), ("2027-12-02",)]
    assert [case.as_of for case in imported.cases] == [date(2026, 11, day) for day in (1, 2, 3)]
    assert imported.cases[0].id == "7"


def test_merged_cells_formulas_and_errors_are_named(tmp_path: Path, corpus: Corpus) -> None:
    path = fill(
        tmp_path / "mine.xlsx",
        ["question", "gold"],
        ["Merged?", "AI Act Art. 1"],
        [None, "AI Act Art. 2"],
        ['="Why" & "?"', "AI Act Art. 1"],
        ["Error?", "#REF!"],
    )
    book = openpyxl.load_workbook(path)
    book.worksheets[0].merge_cells("A2:A3")
    book.save(path)
    problems = import_cases(path, corpus, DAY).problems
    for said in (
        "mine.xlsx, row 2: cells A2:A3 are merged",
        "mine.xlsx, row 4: cell A4 is a formula without a stored value",
        "mine.xlsx, row 5: cell B5 holds the error #REF!",
    ):
        assert any(problem.startswith(said) for problem in problems), problems


def test_a_formulas_stored_value_is_read(tmp_path: Path, corpus: Corpus) -> None:
    path = fill(tmp_path / "mine.xlsx", ["question", "gold"], ["=1&2", "AI Act Art. 1"])
    empty, full = b'<c r="A2"><f>1&amp;2</f><v></v></c>', b'<c r="A2" t="str"><f>1</f><v>Why?</v></c>'
    stored = tmp_path / "stored.xlsx"
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(stored, "w") as after:
        for name in before.namelist():
            after.writestr(name, before.read(name).replace(b"<v />", b"<v></v>").replace(empty, full))
    assert [case.question for case in import_cases(stored, corpus, DAY).cases] == ["Why?"]


def test_too_many_rows_and_columns_are_refused(tmp_path: Path, corpus: Corpus, save: Save) -> None:
    far = fill(tmp_path / "far.xlsx", ["question", "gold"])
    book = openpyxl.load_workbook(far)
    book.worksheets[0]["A1048576"].number_format = "0%"
    book.save(far)
    with pytest.raises(UsageError, match="more than 50,000 rows"):
        import_cases(far, corpus)
    wide = fill(tmp_path / "wide.xlsx", ["question", *[None] * 100, "x"])
    with pytest.raises(UsageError, match="has 102 columns; 60 are read"):
        import_cases(wide, corpus)
    with pytest.raises(UsageError, match="more than 50,000 rows"):
        import_cases(save("question", *["a?"] * 50_001), corpus)


@pytest.mark.parametrize("name", ["template.csv", "template.xlsx"])
def test_the_template_has_every_column_and_its_examples(tmp_path: Path, name: str) -> None:
    write_case_template(tmp_path / name)
    header, *rows = spreadsheet.read_spreadsheet(tmp_path / name).rows
    assert header.cells == tuple(Column)
    assert len(rows) == len(EXAMPLES)


def test_the_template_opens_in_excel_as_utf_8(tmp_path: Path) -> None:
    write_case_template(tmp_path / "template.csv")
    assert (tmp_path / "template.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    write_case_template(tmp_path / "template.xlsx")
    book = openpyxl.load_workbook(tmp_path / "template.xlsx")
    assert [row[0].value for row in book["Columns"].iter_rows()] == list(Column)
    lists = book.worksheets[0].data_validations.dataValidation
    assert '"dev,test"' in {one.formula1 for one in lists}


@pytest.mark.parametrize("name", ["template.csv", "template.xlsx"])
def test_the_templates_examples_are_right_on_the_official_texts(
    tmp_path: Path, official_store: Store, name: str
) -> None:
    write_case_template(tmp_path / name)
    imported = import_cases(tmp_path / name, official_store.corpus, DAY)
    assert imported.problems == ()
    write_cases(imported.cases, tmp_path / "cases.jsonl")
    check_places(read_located([tmp_path / "cases.jsonl"]), official_store.corpus, DAY)
    assert tuple(read_cases(tmp_path / "cases.jsonl")) == imported.cases


def test_the_commands_write_all_or_nothing(
    small_corpus: SmallCorpus,
    embedding: None,
    save: Save,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VISAVIS_CORPUS", str(small_corpus.folder))
    output = tmp_path / "mine.jsonl"
    wrong = save("question,gold", "How high?,garden-act art 3", "How low?,garden-act art 30", "?,")
    assert visavis.main(["eval", "import", str(wrong), "--output", str(output)]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert any(line.startswith("mine.csv, row 3, column 'expected provisions'") for line in errors)
    assert errors[-1] == f"visavis: mine.csv has 2 problems; {output} was not written."
    assert not output.exists()

    right = save(
        "question,gold", "How high?,garden-act art 3", "Who waters?,garden-treaty: Article 3(1); garden-act:art_1"
    )
    assert visavis.main(["eval", "import", str(right), "--output", str(output)]) == 0
    assert "2 cases (single 1, comparison 1;" in capsys.readouterr().out
    assert [json.loads(line)["gold"] for line in output.read_text().splitlines()] == [
        {"garden-act": ["art_3"]},
        {"garden-treaty": ["art_3/1"], "garden-act": ["art_1"]},
    ]
    assert visavis.main(["eval", "import", str(right), "--output", str(output)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert visavis.main(["eval", "template", str(right)]) == 2
    assert visavis.main(["eval", "template", str(tmp_path / "new.txt")]) == 2
    assert visavis.main(["eval", "template", str(tmp_path / "new.txt"), "--format", "csv"]) == 0
