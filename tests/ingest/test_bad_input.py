"""Bad files, folders and moments, through the real command: one line, exit code 2, the last good index intact."""

import random
import resource
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from docx import Document
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject

from ingest import index
from ingest.pinpoint import Pinpoint
from ingest.pipeline import open_store
from ingest.readers.pdf import read_pages
from tests.small_corpus import (
    ACT,
    ARTICLES,
    GUIDE,
    NEWS,
    TREATY,
    TREATY_BLOCKS,
    Ran,
    SmallCorpus,
    command,
    environment,
    lay_out,
    make_act,
    make_pdf,
    make_treaty,
    run_visavis,
)

pytestmark = pytest.mark.usefixtures("embedding")

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb0043") + bytes(range(256)) * 8 + b"\xff\xd9"
PAGE = b"<!DOCTYPE html><html><head><title>403 Forbidden</title></head><body>Access denied.</body></html>"


def encrypted(content: bytes, folder: Path) -> bytes:
    plain = folder / "plain.pdf"
    plain.write_bytes(content)
    writer = PdfWriter(clone_from=plain)
    writer.encrypt(user_password="secret", owner_password="owner", algorithm="AES-256")
    writer.write(folder / "locked.pdf")
    return (folder / "locked.pdf").read_bytes()


def ingest(corpus: SmallCorpus, **options: float) -> Ran:
    return run_visavis("ingest", "--corpus", corpus.folder, **options)  # type: ignore[arg-type]


def hedge(corpus: SmallCorpus) -> str:
    """What the index that serves says of hedges, found by its place and by its words."""
    store = open_store(corpus.folder, build=False)
    [act] = store.corpus.wordings(store.corpus.instruments[1])
    shelf = store.shelves[str(act.id)]
    [(found, _), *_] = shelf.search_words("hedge window", 3, shelf.instruments)
    assert len(shelf.search_meaning(np.full(384, 384**-0.5, dtype=np.float32), 3, shelf.instruments)) == 3
    text = act.at(Pinpoint.parse("art_3")).text
    assert str(shelf.passages[found].pinpoint).startswith("art_3")
    store.close()
    return text


class TestFiles:
    """A treaty that is not what it should be, in a corpus that nobody pinned: the reader has to find out."""

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "garden_treaty.pdf: it is empty (0 bytes)"),
            (JPEG, "garden_treaty.pdf: it is no PDF, whatever its name says"),
            (PAGE, "garden_treaty.pdf: it is no PDF, whatever its name says"),
            (make_treaty()[:700], "garden_treaty.pdf: the PDF is truncated or damaged"),
            ("locked", "garden_treaty.pdf: the PDF is encrypted and asks for a password"),
            (make_pdf([], []), "garden_treaty.pdf: the PDF has no text layer (scanned pages?)"),
            (make_treaty(TREATY_BLOCKS[:-4]), "the Garden treaty: found 3 articles instead of 4"),
            (make_pdf(*[[(72, 700, 11, "R", "x")]] * 3001), "has 3,001 pages, more than 3,000"),
        ],
        ids=["empty", "jpeg", "html", "truncated", "encrypted", "scanned", "short", "3001 pages"],
    )
    def test_a_bad_pdf(self, small_corpus: SmallCorpus, tmp_path: Path, content: bytes | str, said: str) -> None:
        assert ingest(small_corpus).code == 0
        before = hedge(small_corpus)
        bad = encrypted(make_treaty(), tmp_path) if isinstance(content, str) else content
        small_corpus.spoil(TREATY, bad)
        small_corpus.spoil(ACT, make_act(ARTICLES | {"3": ("Hedges", "A hedge by a window is welcome.")}))
        ran = ingest(small_corpus)
        assert ran.code == 2 and ran.out == ""
        assert said in ran.complaint and ran.complaint.endswith("The last good index goes on serving.")
        assert hedge(small_corpus) == before

    def test_a_missing_pdf(self, small_corpus: SmallCorpus) -> None:
        assert ingest(small_corpus).code == 0
        (small_corpus.folder / TREATY).unlink()
        ran = ingest(small_corpus)
        assert ran.code == 2 and f"{TREATY} is in none of {small_corpus.folder}" in ran.complaint
        assert "window" in hedge(small_corpus)

    def test_without_an_index_the_other_files_are_ingested(self, small_corpus: SmallCorpus) -> None:
        small_corpus.spoil(TREATY, JPEG)
        ran = ingest(small_corpus)
        assert ran.code == 2 and ran.out.endswith(": built.\n")
        assert ran.complaint.endswith("The index is without this text.") and "garden_treaty.pdf" in ran.complaint
        shown = run_visavis("law", "show", "garden-act", "art_3", "--corpus", small_corpus.folder)
        assert shown.code == 0 and "hedge" in shown.out

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            ("colour = 3\n", "manifest.toml', source 'garden-news': unknown key 'colour'; allowed: "),
            ("[[source]]\n", "manifest.toml', source 5: key 'id' is missing"),
            ("[[source\n", "is not valid TOML"),
            ("\0", "is not valid TOML"),
        ],
    )
    def test_a_bad_manifest(self, small_corpus: SmallCorpus, spoil: str, said: str) -> None:
        small_corpus.added = spoil
        small_corpus.write_manifest()
        ran = ingest(small_corpus)
        assert (ran.code, ran.out) == (2, "") and said in ran.complaint

    @pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a\\nb.pdf", "C:/x.pdf"])
    def test_a_manifest_that_points_elsewhere(self, small_corpus: SmallCorpus, path: str) -> None:
        text = small_corpus.manifest().replace(GUIDE, path)
        (small_corpus.folder / "manifest.toml").write_text(text, encoding="utf-8")
        ran = ingest(small_corpus)
        assert (ran.code, ran.out) == (2, "") and "path = " in ran.complaint

    def test_a_name_with_a_line_feed_in_the_corpus_is_of_no_concern(self, small_corpus: SmallCorpus) -> None:
        (small_corpus.folder / "two\nlines.pdf").write_bytes(b"")
        assert ingest(small_corpus).code == 0


def entities(levels: int) -> bytes:
    """A page whose one word unfolds to ten to the power of `levels` words."""
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, levels))
    return (
        f'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY e0 "ha">{lines}]><html><p>&e{levels - 1};</p></html>'.encode()
    )


def reading_a_secret(secret: Path) -> bytes:
    return (
        f'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY x SYSTEM "{secret.as_uri()}">]><html><p>&x;</p></html>'.encode()
    )


def bomb(path: Path) -> bytes:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", b" " * 80_000_000)
    return path.read_bytes()


def hebrew_pdf(path: Path, *lines: str) -> bytes:
    """A PDF whose lines are set as they are seen, from left to right; "A" is printed as alef, "B" as bet, and so on."""
    path.write_bytes(make_pdf([(72, 700 - 30 * place, 11, "R", line) for place, line in enumerate(lines)]))
    table = "1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfrange <41> <5A> <05D0> endbfrange"
    letters = DecodedStreamObject()
    letters.set_data(f"begincmap /CMapName /H def /CMapType 2 def {table} endcmap".encode())
    writer = PdfWriter(clone_from=path)
    font = writer.pages[0]["/Resources"]["/Font"]["/R"]  # type: ignore[index]
    font[NameObject("/ToUnicode")] = writer._add_object(letters)
    writer.write(path)
    return path.read_bytes()


def word(path: Path, *paragraphs: str) -> bytes:
    document = Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    document.save(str(path))
    return path.read_bytes()


@pytest.fixture
def add(tmp_path: Path) -> Callable[..., Ran]:
    """Write a file and add it as the user's own document, without an index."""

    def start(name: str, content: bytes, *options: str, title: str = "A document") -> Ran:
        file = tmp_path / name
        file.write_bytes(content)
        given = ["--title", title, "--authority", "commentary", "--lang", "en", "--no-build", *options]
        return run_visavis("ingest", "add", file, *given)

    return start


class TestDocuments:
    """Files that a user adds, each read in a process of its own."""

    @pytest.mark.parametrize(
        ("name", "content", "said"),
        [
            ("empty.txt", b"", "it is empty (0 bytes)"),
            ("photo.html", JPEG, "it holds NUL bytes, so it is no HTML"),
            ("photo.docx", JPEG, "it is no Word document"),
            ("photo.md", JPEG, "it is no UTF-8 text"),
            ("page.pdf", PAGE, "it is no PDF"),
            ("scanned.pdf", make_pdf([]), "has no text layer (scanned pages?)"),
            ("cut.pdf", make_treaty()[:700], "is truncated or damaged"),
            ("circle.pdf", make_treaty().replace(b"/Kids [5 0 R", b"/Kids [2 0 R"), "refers to itself in a circle"),
            ("pages.pdf", make_pdf(*[[(72, 700, 11, "R", "x")]] * 5000), "has 5,000 pages, more than 3,000"),
            ("huge.html", b"<p>x</p>" * 13_000_000, "it has 104,000,000 bytes, more than 32,000,000"),
            ("huge.txt", b"x " * 15_000_000, "it has 30,000,000 bytes, more than 20,000,000"),
            ("a.exe", b"MZ", "its ending is none of .pdf, .html"),
        ],
    )
    def test_is_refused_in_one_line(self, add: Callable[..., Ran], name: str, content: bytes, said: str) -> None:
        ran = add(name, content)
        assert (ran.code, ran.out) == (2, "") and f"{name}: " in ran.complaint and said in ran.complaint
        assert run_visavis("ingest", "list-added").out == "No documents of your own.\n"

    def test_a_zip_bomb(self, add: Callable[..., Ran], tmp_path: Path) -> None:
        ran = add("bomb.docx", bomb(tmp_path / "packed.zip"))
        assert ran.code == 2 and "unpacks to far more than it holds" in ran.complaint

    def test_a_billion_laughs_do_not_unfold(self, add: Callable[..., Ran]) -> None:
        began = time.monotonic()
        ran = add("laughs.html", entities(9) + b"<p>Sober.</p>")
        assert time.monotonic() - began < 30
        assert ran.code in {0, 2} and "Traceback" not in ran.err

    def test_an_entity_reads_no_other_file(self, add: Callable[..., Ran], tmp_path: Path, home: Path) -> None:
        secret = tmp_path / "secret.txt"
        secret.write_text("the gnomes are hollow")
        ran = add("reader.html", reading_a_secret(secret) + b"<p>Harmless.</p>")
        if ran.code == 0:
            copy = next(home.rglob("own-a-document.html"))
            from ingest.readers.html import read_html

            assert not any("gnomes" in draft.text for draft in read_html(copy).drafts)

    def test_a_name_with_a_line_feed(self, add: Callable[..., Ran], home: Path) -> None:
        assert add("two\nlines.txt", b"One rose.").code == 0
        assert [path.name for path in home.rglob("own-*")] == ["own-a-document.txt"]
        ran = add("three\nlines.txt", b"")
        assert ran.code == 2 and r"three\nlines.txt: it is empty" in ran.complaint

    @pytest.mark.parametrize(
        "title", ["../../gnome", "a/b", "\N{RIGHT-TO-LEFT OVERRIDE}txt.exe", "x" * 600, "one\ntwo"]
    )
    def test_a_title_that_is_a_path(self, add: Callable[..., Ran], home: Path, title: str) -> None:
        ran = add("rose.txt", b"One rose.", title=title)
        kept = [path for path in home.rglob("*") if path.name.startswith("own-")]
        if ran.code == 0:
            assert [path.parent.name for path in kept] == ["documents"]
        else:
            assert ran.code == 2 and "title" in ran.complaint and kept == []

    def test_a_rotated_page(self, add: Callable[..., Ran]) -> None:
        lines = [(100, 700, 11, "R", "A rose is a rose."), (100, 680, 11, "R", "It has thorns.")]
        assert add("turned.pdf", make_pdf(lines, page="/Rotate 90")).code == 0

    def test_a_script_and_an_attachment_are_neither_run_nor_read(
        self, add: Callable[..., Ran], tmp_path: Path, home: Path
    ) -> None:
        script = "/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>"
        (tmp_path / "plain.pdf").write_bytes(make_pdf([(100, 700, 11, "R", "A rose is a rose.")], extra=script))
        writer = PdfWriter(clone_from=tmp_path / "plain.pdf")
        writer.add_attachment("gnomes.txt", b"The gnomes are hollow.")
        writer.write(tmp_path / "carrier.pdf")
        content = (tmp_path / "carrier.pdf").read_bytes()
        assert b"JavaScript" in content and b"EmbeddedFile" in content
        assert add("carrier.pdf", content).code == 0
        [copy] = home.rglob("own-a-document.pdf")
        assert [line.text for page in read_pages(copy) for line in page.lines] == ["A rose is a rose."]
        assert sorted(path.name for path in copy.parent.iterdir()) == [".lock", "manifest.toml", copy.name]

    def test_a_pdf_from_right_to_left_is_read_in_the_order_of_reading(
        self, add: Callable[..., Ran], tmp_path: Path, home: Path
    ) -> None:
        assert add("hebrew.pdf", hebrew_pdf(tmp_path / "set.pdf", "CBA ED", "GF")).code == 0
        [copy] = home.rglob("own-a-document.pdf")
        assert [line.text for page in read_pages(copy) for line in page.lines] == ["דה אבג", "וז"]

    def test_a_text_from_right_to_left(self, add: Callable[..., Ran]) -> None:
        assert add("hebrew.txt", "גן ורדים.\n\nגדר חיה.".encode(), title="גן").code == 0
        [entry] = [line for line in run_visavis("ingest", "list-added").out.splitlines() if "גן" in line]
        assert "own-" in entry


class TestFolders:
    @pytest.mark.parametrize("below", ["", "below"])
    def test_an_index_folder_that_cannot_be_written(
        self, small_corpus: SmallCorpus, tmp_path: Path, below: str
    ) -> None:
        (tmp_path / "in-the-way").write_text("a file")
        ran = run_visavis(
            "ingest", "--corpus", small_corpus.folder, VISAVIS_INDEX=str(tmp_path / "in-the-way" / below).rstrip("/")
        )
        assert (
            (ran.code, ran.out) == (2, "") and "cannot be written" in ran.complaint and "VISAVIS_INDEX" in ran.complaint
        )

    def test_a_disk_that_is_full_leaves_the_last_good_index(self, small_corpus: SmallCorpus) -> None:
        assert ingest(small_corpus).code == 0
        small_corpus.change(ACT, make_act(ARTICLES | {"3": ("Hedges", "A hedge by a window is welcome.")}))

        def little() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

        ran = subprocess.run(
            command("ingest", "--corpus", small_corpus.folder),
            env=environment(),
            preexec_fn=little,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 2, ran.stderr
        assert "cannot be written" in Ran(2, ran.stdout, ran.stderr).complaint
        assert "neighbour" in hedge(small_corpus)
        assert ingest(small_corpus).code == 0 and "welcome" in hedge(small_corpus)


class TestMoments:
    def test_two_ingests_at_once(self, small_corpus: SmallCorpus) -> None:
        arguments = command("ingest", "--corpus", small_corpus.folder)
        both = [
            subprocess.Popen(arguments, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        said = [process.communicate(timeout=100) for process in both]
        assert [process.returncode for process in both] == [0, 0], said
        assert sorted(printed.rpartition(": ")[2] for printed, _ in said) == ["built.\n", "unchanged.\n"]

    @pytest.mark.timeout(300)
    def test_killed_at_twenty_moments_the_old_index_answers(self, small_corpus: SmallCorpus) -> None:
        began = time.monotonic()
        assert ingest(small_corpus).code == 0
        whole = time.monotonic() - began
        chance = random.Random(225)
        said, killed = hedge(small_corpus), 0
        for number in range(20):
            new = f"A hedge by a window may have {number} roses."
            small_corpus.change(ACT, make_act(ARTICLES | {"3": ("Hedges", new)}))
            process = subprocess.Popen(
                command("ingest", "--corpus", small_corpus.folder),
                env=environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(chance.uniform(0.1, whole))
            process.kill()
            killed += process.wait() != 0
            now = hedge(small_corpus)
            assert now in {said, f"1. {new}"}, number
            said = now
        assert killed >= 10
        small_corpus.change(NEWS, b"All is well in the garden.")
        assert ingest(small_corpus).code == 0
        assert hedge(small_corpus) == f"1. {new}"
        left = sorted(path.name for path in index.index_root().iterdir())
        assert len(left) == 3 and left[0] == ".lock", left
        assert sum(name.startswith("CURRENT-") for name in left) == 1, left


def test_pages_are_laid_out_as_the_reader_sees_them() -> None:
    assert [len(page) for page in lay_out(TREATY_BLOCKS)] == [11, 14]
