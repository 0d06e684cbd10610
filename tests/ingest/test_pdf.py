"""What the door to pypdf gives, and what it says of files that are no readable PDF."""

import logging
import warnings
from pathlib import Path

import pytest

from ingest.errors import SourceError, SourceMissing, SourceUnreadable
from ingest.readers import pdf
from ingest.readers.blocks import join_lines
from ingest.readers.pdf import read_pages


def make_pdf(*contents: str, kids: str | None = None, page: str = "") -> bytes:
    """A PDF with one page for each content stream; `kids` and `page` add to, or spoil, its objects."""
    first = 4
    numbers = [first + 2 * n for n in range(len(contents))]
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(contents)} /Kids [{kids or ' '.join(f'{n} 0 R' for n in numbers)}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, content in zip(numbers, contents, strict=True):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {number + 1} 0 R {page}"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    out = b"%PDF-1.7\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    return out + (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    ).encode("latin-1")


def show(*lines: tuple[float, float, float, str]) -> str:
    """A content stream that shows texts: x, y, size, text."""
    return "\n".join(f"BT /F1 {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET" for x, y, size, text in lines)


def encrypt(plain: Path, target: Path, password: str) -> Path:
    from pypdf import PdfWriter

    writer = PdfWriter(clone_from=plain)
    writer.encrypt(user_password=password, owner_password="owner", algorithm="AES-256")
    writer.write(target)
    return target


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "plain.pdf"
    path.write_bytes(make_pdf(show((72, 700, 12, "Article 1"), (72, 680, 10, "Scope")), show((72, 700, 10, "Two"))))
    return path


def test_lines_have_page_place_size_font_and_text(plain: Path) -> None:
    first, second = read_pages(plain)
    assert [(line.page, line.x, line.y, line.size, line.text) for line in first.lines] == [
        (1, 72, 700, 12, "Article 1"),
        (1, 72, 680, 10, "Scope"),
    ]
    assert first.lines[0].font == "Helvetica" and not first.lines[0].bold
    assert (second.number, second.width, second.height) == (2, 600, 800)


def test_a_turned_page_has_its_lines_where_they_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "turned.pdf"
    content = "BT /F1 10 Tf 0 1 -1 0 100 72 Tm (Upper) Tj ET\nBT /F1 10 Tf 0 1 -1 0 120 72 Tm (Lower) Tj ET"
    path.write_bytes(make_pdf(content, page="/Rotate 90"))
    (page,) = read_pages(path)
    assert (page.width, page.height) == (800, 600)
    assert [(line.text, line.x, line.y) for line in page.lines] == [("Upper", 72, 500), ("Lower", 72, 480)]


def test_a_pdf_that_opens_without_a_password_is_read(plain: Path, tmp_path: Path) -> None:
    assert read_pages(encrypt(plain, tmp_path / "open.pdf", ""))[0].lines[0].text == "Article 1"


def bad_files(folder: Path, plain: Path) -> dict[str, Path]:
    contents = {
        "empty.pdf": b"",
        "page.pdf": b"<!doctype html><title>403</title>",
        "header.pdf": b"%PDF-1.7\n",
        "truncated.pdf": plain.read_bytes()[:300],
        "filter.pdf": make_pdf(show((72, 700, 12, "x"))).replace(b"/Length", b"/Filter /Odd /Length"),
        "nopages.pdf": make_pdf(),
        "scanned.pdf": make_pdf("0 0 600 800 re f"),
        "circle.pdf": make_pdf(show((72, 700, 12, "x")), kids="2 0 R"),
        "wrongkids.pdf": make_pdf(show((72, 700, 12, "x")), kids="99 0 R"),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    encrypt(plain, folder / "locked.pdf", "secret")
    return {name: folder / name for name in (*contents, "locked.pdf")}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("empty.pdf", "is empty (0 bytes)"),
        ("page.pdf", "it is no PDF"),
        ("header.pdf", "is truncated or damaged"),
        ("truncated.pdf", "is truncated or damaged"),
        ("filter.pdf", "is truncated or damaged"),
        ("nopages.pdf", "has no pages"),
        ("scanned.pdf", "has no text layer"),
        ("circle.pdf", "refers to itself in a circle"),
        ("wrongkids.pdf", "has no pages"),
        ("locked.pdf", "is encrypted and asks for a password"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(
    name: str, said: str, tmp_path: Path, plain: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = bad_files(tmp_path, plain)[name]
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(), pytest.raises(SourceUnreadable) as refused:
        warnings.simplefilter("error")
        read_pages(path)
    text = str(refused.value)
    assert text.startswith(f"{name}: ") and said in text and "\n" not in text
    assert text.endswith(".") and text.count(".") >= 2, "the reason, then what to do"
    assert not caplog.records


def test_a_form_that_draws_itself_ends(tmp_path: Path) -> None:
    path = tmp_path / "itself.pdf"
    resources = b"/XObject << /X 9 0 R >>"
    form = (
        b"9 0 obj\n<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << " + resources + b" >> /Length 5 >>\n"
        b"stream\n/X Do\nendstream\nendobj\n"
    )
    whole = make_pdf("/X Do " + show((72, 700, 10, "seen once"))).replace(
        b"/Resources << ", b"/Resources << " + resources
    )
    path.write_bytes(whole.replace(b"xref\n0", form + b"xref\n0", 1))
    assert [line.text for line in read_pages(path)[0].lines] == ["seen once"]


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match=r"^absent\.pdf: there is no such file"):
        read_pages(tmp_path / "absent.pdf")


def test_every_cut_of_a_pdf_is_read_or_refused(plain: Path, tmp_path: Path) -> None:
    whole = plain.read_bytes()
    refused = 0
    for end in range(0, len(whole), 37):
        cut = tmp_path / "cut.pdf"
        cut.write_bytes(whole[:end])
        try:
            assert read_pages(cut)
        except SourceError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 5


def test_too_many_pages_are_refused(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MAX_PAGES", 1)
    with pytest.raises(SourceUnreadable, match="has 2 pages, more than 1"):
        read_pages(plain)


def test_a_page_with_too_much_text_is_refused(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MAX_PAGE_CHARACTERS", 4)
    with pytest.raises(SourceUnreadable, match="more than 4 characters on page 1"):
        read_pages(plain)


def test_a_name_with_a_line_feed_stays_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "two\nlines.pdf"
    path.write_bytes(b"")
    with pytest.raises(SourceUnreadable, match=r"^two\\nlines\.pdf: "):
        read_pages(path)


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (["societal well-", "being"], "societal well-being"),
        (["pre-", "and post-market"], "pre- and post-market"),
        (["one", "two"], "one two"),
        (["a range -", "so it is"], "a range - so it is"),
        ([], ""),
    ],
)
def test_lines_are_joined(lines: list[str], joined: str) -> None:
    assert join_lines(lines) == joined
