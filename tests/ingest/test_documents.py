"""A user's own documents: added, listed, cited, found, known again by their bytes, removed."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from docx import Document

import visavis
from ingest import documents
from ingest.documents import Description, check_document, drop_document, find_documents, keep_document, list_documents
from ingest.errors import ManifestError, SourceMissing, SourceUnreadable, UsageError
from ingest.identifiers import InstrumentId
from ingest.index import Store
from ingest.instrument import Authority
from ingest.manifest import load_manifest
from ingest.pinpoint import Pinpoint
from ingest.pipeline import open_store
from ingest.readers.html import read_html
from tests.small_corpus import SmallCorpus, make_pdf

COMMENT = Description("On hedges", Authority.COMMENTARY, "en")
HTML = """<!DOCTYPE html><html><head><title>t</title><style>p{}</style></head><body><nav><p>Menu</p></nav>
<h1>Hedges</h1><p>A hedge <b>grows</b>,<br>and is cut.</p><h2>Height</h2>
<ul><li>Two metres.<li>Or <a href=x>three</a>.</ul>
<table><tr><th>Kind</th><th>Height</th></tr>
<tr><td><p>Box</p></td><td></td></tr><tr><td>Yew</td><td>2 m</td></tr></table>
<div>Loose words<p>and more.</p>tail</div><script>no()</script><footer>Imprint</footer></body></html>"""


def keep(file: Path, description: Description = COMMENT) -> str:
    return keep_document(file, check_document(file, description)).source.id


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


class TestKeeping:
    def test_a_document_is_copied_and_listed(self, tmp_path: Path) -> None:
        file = write(tmp_path / "hedges.txt", "One.\n\nTwo.")
        assert list_documents() == () and find_documents().found == ()
        assert keep(file) == "own-on-hedges"
        [source] = list_documents()
        assert (source.title, source.authority, source.format, source.version.isoformat(), source.column) == (
            "On hedges",
            Authority.COMMENTARY,
            "text",
            "2026-11-23",
            False,
        )
        file.unlink()
        [found] = find_documents().found
        assert found.paths[0].read_text() == "One.\n\nTwo." and found.paths[0].name == "own-on-hedges.txt"

    def test_all_that_is_said_of_it_is_kept(self, tmp_path: Path) -> None:
        said = Description(
            'The "hedge"\\book – 樹 \u00e9',
            Authority.EXPLANATORY_REPORT,
            "fr",
            "Book",
            "https://law.example/b",
            None,
            True,
        )
        keep(write(tmp_path / "b.md", "Text."), said)
        [source] = list_documents()
        assert (source.title, source.short_title, source.url) == (said.title, "Book", "https://law.example/b")
        assert (source.language, source.authority, source.column) == ("fr", Authority.EXPLANATORY_REPORT, True)

    def test_the_same_bytes_are_known_again(self, tmp_path: Path) -> None:
        keep(write(tmp_path / "a.txt", "One."))
        again = write(tmp_path / "another name.txt", "One.")
        added = keep_document(again, check_document(again, Description("Other", Authority.LAW, "en")))
        assert added.known and added.source.title == "On hedges" and len(list_documents()) == 1

    def test_the_same_title_has_another_id(self, tmp_path: Path) -> None:
        names = [keep(write(tmp_path / f"{n}.txt", f"Text {n}.")) for n in range(3)]
        assert names == ["own-on-hedges", "own-on-hedges-2", "own-on-hedges-3"]
        drop_document("own-on-hedges-2")
        assert [source.id for source in list_documents()] == ["own-on-hedges", "own-on-hedges-3"]
        assert len(find_documents().found) == 2

    @pytest.mark.parametrize(
        ("title", "name"),
        [
            ("", "own-my-notes"),
            ("Été à Genève", "own-ete-a-geneve"),
            ("../../x", "own-x"),
            ("A" * 90, "own-" + "a" * 48),
        ],
    )
    def test_the_id_is_made_of_the_title(self, tmp_path: Path, title: str, name: str) -> None:
        file = write(tmp_path / "My notes.txt", "x")
        assert keep(file, Description(title, Authority.COMMENTARY, "en")) == name

    def test_a_title_without_latin_letters_has_an_id_of_its_bytes(self, tmp_path: Path) -> None:
        file = write(tmp_path / "x.txt", "x")
        assert keep(file, Description("גן", Authority.COMMENTARY, "en")) == "own-2d711642"

    @pytest.mark.parametrize(
        ("name", "description", "said"),
        [
            ("x.exe", COMMENT, "its ending is none of .pdf, .html"),
            ("x.txt", Description("a", Authority.COMMENTARY, "english"), "no word search in the language 'english'"),
            ("x.txt", Description("a\tb", Authority.COMMENTARY, "en"), "title 'a\\tb': "),
            ("x.txt", Description("a", Authority.COMMENTARY, "en", url="ftp://x"), "url 'ftp://x': is no web address"),
        ],
    )
    def test_what_is_wrongly_described(self, tmp_path: Path, name: str, description: Description, said: str) -> None:
        with pytest.raises(UsageError) as refused:
            check_document(write(tmp_path / name, "x"), description)
        assert said in str(refused.value) and "\n" not in str(refused.value)

    def test_what_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(SourceMissing, match="there is no such file"):
            check_document(tmp_path / "x.txt", COMMENT)

    def test_an_official_text_is_not_added_twice(self, corpus_dir: Path) -> None:
        manifest = load_manifest()
        path = corpus_dir / manifest.get("eu-ai-act-oj-pdf").files[0].path
        with pytest.raises(UsageError, match=r"these are the bytes of .* \(eu-ai-act-oj-pdf\), which is in the corpus"):
            check_document(path, COMMENT, manifest.sources)

    def test_a_copy_that_is_gone_or_changed_is_a_line(self, tmp_path: Path) -> None:
        for name in ("gone", "changed"):
            keep(write(tmp_path / f"{name}.txt", name), Description(name, Authority.COMMENTARY, "en"))
        (documents.documents_folder() / "own-gone.txt").unlink()
        (documents.documents_folder() / "own-changed.txt").write_text("otherwise")
        found = find_documents()
        assert found.found == ()
        assert [one.text.partition(":")[0] for one in (*found.missing, *found.changed)] == [
            "gone (own-gone)",
            "changed (own-changed)",
        ]
        assert all("visavis ingest remove own-" in one.text for one in (*found.missing, *found.changed))

    def test_a_removal(self, tmp_path: Path) -> None:
        keep(write(tmp_path / "a.txt", "One."))
        with pytest.raises(UsageError, match=r"no document of yours is called 'own-x'; there are: own-on-hedges\."):
            drop_document("own-x")
        assert drop_document("own-on-hedges").title == "On hedges"
        assert list_documents() == () and sorted(p.name for p in documents.documents_folder().iterdir()) == [
            ".lock",
            "manifest.toml",
        ]

    def test_a_list_that_was_spoiled_is_one_line(self, tmp_path: Path) -> None:
        keep(write(tmp_path / "a.txt", "One."))
        (documents.documents_folder() / "manifest.toml").write_text("version = 2\n")
        with pytest.raises(ManifestError, match=r"manifest\.toml"):
            list_documents()

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VISAVIS_DOCUMENTS", str(write(tmp_path / "in-the-way", "a file")))
        with pytest.raises(UsageError, match=r"the documents' folder .* cannot be written .*VISAVIS_DOCUMENTS"):
            keep(write(tmp_path / "a.txt", "One."))


class TestHtml:
    def test_blocks_under_headings(self, tmp_path: Path) -> None:
        reading = read_html(write(tmp_path / "a.html", HTML))
        assert [(draft.label, draft.heading, draft.text) for draft in reading.drafts] == [
            ("1", "Hedges", "A hedge grows, and is cut."),
            ("2", "Hedges > Height", "Two metres."),
            ("3", "Hedges > Height", "Or three."),
            ("4", "Hedges > Height", "Kind | Height"),
            ("5", "Hedges > Height", "Box"),
            ("6", "Hedges > Height", "Yew | 2 m"),
            ("7", "Hedges > Height", "Loose words"),
            ("8", "Hedges > Height", "and more."),
            ("9", "Hedges > Height", "tail"),
        ]

    @pytest.mark.parametrize(
        ("encoding", "declared"),
        [("utf-8", ""), ("cp1252", ""), ("iso-8859-2", '<meta charset="iso-8859-2">'), ("utf-8-sig", "")],
    )
    def test_letters(self, tmp_path: Path, encoding: str, declared: str) -> None:
        word = "Łódź" if declared else "Café"
        (tmp_path / "a.html").write_bytes(f"<html><head>{declared}</head><p>{word}</p></html>".encode(encoding))
        assert [draft.text for draft in read_html(tmp_path / "a.html").drafts] == [word]

    @pytest.mark.parametrize(("depth", "well"), [(1_500, True), (20_000, False), (1_000_000, False)])
    def test_a_deep_page_is_read_to_its_end_or_refused(self, tmp_path: Path, depth: int, well: bool) -> None:
        page = write(tmp_path / "a.html", "<p>before" + "<div>" * depth + "deep" + "</div>" * depth + "<p>after</p>")
        if well:
            assert [draft.text for draft in read_html(page).drafts] == ["before", "deep", "after"]
        else:
            with pytest.raises(SourceUnreadable, match=r"no HTML that can be read to its end \(Excessive depth"):
                read_html(page)

    def test_tables_in_tables_lose_no_word(self, tmp_path: Path) -> None:
        page = "<table><tr><td>a<table><tr><td>b</td><td>c</td></tr></table></td><td>d</td></tr></table><p>e</p>"
        held = " ".join(draft.text for draft in read_html(write(tmp_path / "a.html", page)).drafts)
        assert [word for word in held.split() if word != "|"] == ["a", "b", "c", "d", "e"]


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], small_corpus: SmallCorpus, embedding: None, monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.setenv("VISAVIS_CORPUS", str(small_corpus.folder))

    def start(*arguments: object) -> tuple[int, str, str]:
        code = visavis.main([*map(str, arguments)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return start


def make(kind: str, path: Path) -> Path:
    if kind == "pdf":
        lines = [(72, 700, 11, "R", "Box hedges are cut twice a year."), (72, 640, 11, "R", "Yew hedges only once.")]
        path.write_bytes(make_pdf(lines))
    elif kind == "docx":
        document = Document()
        document.add_paragraph("Box hedges are cut twice a year.")
        document.add_paragraph("Yew hedges only once.")
        document.save(str(path))
    elif kind == "html":
        write(path, "<p>Box hedges are cut twice a year.<p>Yew hedges only once.")
    else:
        write(path, "Box hedges are cut twice a year.\n\nYew hedges only once.\n")
    return path


def opened() -> Store:
    return open_store(build=False)


class TestCommands:
    @pytest.mark.parametrize("kind", ["pdf", "html", "docx", "md", "txt"])
    def test_each_paragraph_can_be_cited_and_found(self, run: Run, tmp_path: Path, kind: str) -> None:
        file = make(kind, tmp_path / f"hedges.{kind}")
        given = ("--title", "On hedges", "--authority", "guidance", "--lang", "en")
        code, printed, complaints = run("ingest", "add", file, *given)
        assert code == 0, complaints
        assert printed.startswith(f"hedges.{kind} is added as own-on-hedges, with 2 paragraphs.\nIndex ")
        store = opened()
        shelf = store.shelves["commentary:en"]
        [(found, _), *_] = shelf.search_words("yew", 3, frozenset({InstrumentId("own-on-hedges")}))
        passage = shelf.passages[found]
        provision = store.corpus.provision(passage.expression, passage.pinpoint)
        place = "page 1, para 2" if kind == "pdf" else "para 2"
        assert provision.text == "Yew hedges only once." and store.corpus.cite(provision) == f"On hedges, {place}"
        assert store.corpus.authority(provision) is Authority.GUIDANCE and store.corpus.official_url(provision) == ""
        store.close()
        code, printed, _ = run("law", "show", "own-on-hedges", passage.pinpoint)
        assert code == 0 and "Yew hedges only once." in printed

    def test_with_a_column_it_stands_by_itself(self, run: Run, tmp_path: Path) -> None:
        file = make("txt", tmp_path / "a.txt")
        assert run("ingest", "add", file, "--title", "Code", "--authority", "law", "--lang", "en", "--column")[0] == 0
        store = opened()
        assert "own-code@2026-11-23:en" in store.shelves
        assert store.corpus.wordings(InstrumentId("own-code"))[0].column
        store.close()

    def test_it_is_listed_and_goes_again(self, run: Run, tmp_path: Path) -> None:
        file = make("txt", tmp_path / "a.txt")
        given = ("--authority", "commentary", "--lang", "en", "--published", "2025-05-01", "--title", "On hedges")
        run("ingest", "add", file, *given)
        code, printed, _ = run("ingest", "add", file, *given)
        assert code == 0 and "is there already as own-on-hedges" in printed and "unchanged" in printed
        [listed] = json.loads(run("ingest", "list-added", "--json")[1])
        assert listed["id"] == "own-on-hedges" and listed["version"] == "2025-05-01"
        assert "own-on-hedges" in run("ingest", "list-added")[1]
        code, printed, _ = run("ingest", "remove", "own-on-hedges")
        assert code == 0 and printed.startswith("On hedges (own-on-hedges) is removed.\nIndex ")
        store = opened()
        assert InstrumentId("own-on-hedges") not in store.corpus.instruments
        store.close()
        assert run("ingest", "remove", "own-on-hedges")[0] == 2
        assert run("ingest", "list-added")[1] == "No documents of your own.\n"

    def test_a_folder_is_looked_through_again_for_what_is_new(self, run: Run, tmp_path: Path) -> None:
        folder = tmp_path / "papers"
        folder.mkdir()
        make("txt", folder / "one.txt")
        (folder / "two.html").write_text("<p>Another paper.")
        (folder / "broken.docx").write_bytes(b"no zip")
        (folder / "photo.jpeg").write_bytes(b"no text")
        given = ("--authority", "commentary", "--lang", "en", "--no-build")
        code, printed, complaints = run("ingest", "add", folder, *given)
        assert code == 2 and "broken.docx" in complaints and complaints.endswith("The others were added.\n")
        assert printed.count(" is added as ") == 2
        (folder / "broken.docx").unlink()
        (folder / "three.md").write_text("A third.")
        code, printed, _ = run("ingest", "add", folder, *given)
        assert code == 0 and printed.count(" is added as ") == 1 and printed.count(" is there already ") == 2
        code, _, complaints = run("ingest", "add", folder, *given, "--title", "All")
        assert code == 2 and "a folder takes no --title" in complaints

    def test_a_document_without_a_word_is_refused(self, run: Run, tmp_path: Path) -> None:
        file = write(tmp_path / "a.txt", "?!\n\n* * *")
        code, printed, complaints = run("ingest", "add", file, "--authority", "law", "--lang", "en", "--column")
        assert (code, printed) == (2, "") and "a.txt: it has no word that can be searched for" in complaints

    def test_a_bad_document_changes_nothing(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "a.pdf").write_bytes(b"<html>")
        code, printed, complaints = run("ingest", "add", tmp_path / "a.pdf", "--authority", "law", "--lang", "en")
        assert (code, printed) == (2, "") and complaints.startswith("visavis: a.pdf: it is no PDF")
        assert list_documents() == ()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--lang", "en"), "Missing option '--authority'. Choose from"),
            (("--authority", "gossip", "--lang", "en"), "'gossip' is not one of 'law', 'explanatory_report'"),
            (("--authority", "law", "--lang", "xx"), "no word search in the language 'xx'; allowed are de, en, fr, nl"),
            (("--authority", "law", "--lang", "en", "--published", "May"), "--published 'May' is no date"),
        ],
    )
    def test_wrong_options(self, run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
        code, printed, complaints = run("ingest", "add", make("txt", tmp_path / "a.txt"), *arguments)
        assert (code, printed) == (2, "") and said in " ".join(complaints.split())
        assert list_documents() == ()


def test_the_place_within_a_page_is_a_pinpoint() -> None:
    assert Pinpoint.parse("page_1/para_2").house() == "page 1, para 2"
    assert sys.modules["ingest.documents"] is documents
