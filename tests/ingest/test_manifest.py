"""The manifest: what the program's own one says, and what each mistake in one is answered with."""

from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import ManifestError
from ingest.identifiers import Celex
from ingest.instrument import Authority
from ingest.manifest import Manifest, SourceFormat, Use, load_manifest

GOOD = """
version = 1
[[source]]
id = "sample-act"
instrument = "sample-act"
title = "A sample act"
short_title = "Sample"
language = "en"
version = 2024-07-12
published = 2024-07-12
format = "pdf"
authority = "law"
celex = "32024R1689"
url = "https://example.org/act"
addresses = [{ url = "https://example.org/act.pdf", accept = "application/pdf" }]
files = [{ path = "acts/sample.pdf", sha256 = "" }]
licence = "free"
attribution = "us"
expected = { articles = 3 }
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "manifest.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_manifest_is_read(tmp_path: Path) -> None:
    source = load_manifest(written(tmp_path, GOOD)).get("sample-act")
    assert str(source.expression) == "sample-act@2024-07-12:en"
    assert source.celex == Celex.parse("32024R1689")
    assert (source.format, source.authority, source.use) == (SourceFormat.PDF, Authority.LAW, Use.CORPUS)
    assert source.expected.stated() == {"articles": 3}
    assert source.download
    assert not source.required
    assert not source.column


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("licence =", "license =", "source 'sample-act': key 'licence' is missing"),
        ("format = ", "colour = 'red'\nformat = ", "unknown key 'colour'; allowed: addresses, alternate_of,"),
        ('sha256 = ""', 'sha265 = ""', "files 1: unknown key 'sha265'; allowed: path, sha256"),
        ("articles = 3", "article = 3", "unknown key 'article'; allowed: amending_points, annexes, articles"),
        ("articles = 3", "articles = -3", "articles = '-3'"),
        ("version = 1\n", "version = 1\ncolour = 1\n", "unknown key 'colour'; allowed: catalogue, source, version"),
        ("version = 1\n", "version = 2\n", "version = '2'"),
        ("version = 2024-07-12", 'version = "2024-13-40"', "'2024-13-40' is no date; write it as YYYY-MM-DD"),
        ("version = 2024-07-12", "version = 2024-13-40", "not valid TOML"),
        ("version = 2024-07-12", "version = 20240712", "is no date"),
        ('format = "pdf"', 'format = "doc"', "format = 'doc': Input should be 'cets-pdf', 'oj-pdf'"),
        ('authority = "law"', 'authority = "recital"', "authority 'recital' is not a source's; allowed: law"),
        ('id = "sample-act"', 'id = "Sample Act"', "instrument 'Sample Act' is no identifier"),
        ('celex = "32024R1689"', 'celex = "AI Act"', "CELEX 'AI Act' cannot be read"),
        ('language = "en"', 'language = "eng"', "language = 'eng'"),
        ("acts/sample.pdf", "../sample.pdf", "is no path inside a corpus folder"),
        ("acts/sample.pdf", "acts/../../sample.pdf", "is no path inside a corpus folder"),
        ("acts/sample.pdf", "/etc/passwd", "is no path inside a corpus folder"),
        ("acts/sample.pdf", "C:/sample.pdf", "is no path inside a corpus folder"),
        ("acts/sample.pdf", "acts\\\\sample.pdf", "is no path inside a corpus folder"),
        ("acts/sample.pdf", "acts/sam\\nple.pdf", "holds a line break"),
        ('title = "A sample act"', 'title = "A\\nsample"', "holds a line break"),
        ('sha256 = ""', 'sha256 = "123"', "sha256 = '123'"),
        ("https://example.org/act.pdf", "http://example.org/act.pdf", "is not secure"),
        ("https://example.org/act.pdf", "file:///etc/passwd", "is no web address"),
        ('authority = "law"', 'authority = "law"\nuse = "alternate"', "go together"),
        ('authority = "law"', 'authority = "law"\nuse = "alternate"\nalternate_of = "x"', "which is no source"),
        ('authority = "law"', 'authority = "law"\nuse = "corrigendum"', 'use = "corrigendum" and corrects = '),
        ('authority = "law"', 'authority = "law"\ncorrects = "x"', 'use = "corrigendum" and corrects = '),
        ('authority = "law"', 'authority = "law"\namends = "x"', "'sample-act' amends 'x', which is no source"),
        ('authority = "law"', 'authority = "law"\nrequired = "yes"', "required = 'yes'"),
        ('sha256 = "" }]', 'sha256 = "" }, { path = "b.pdf" }]', "takes one file"),
        ("version = 1", "version = = 1", "not valid TOML"),
    ],
)
def test_each_mistake_is_named_in_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ManifestError) as caught:
        load_manifest(path)
    text = str(caught.value)
    assert said in text
    assert str(path) in text
    assert "\n" not in text


def test_an_unreadable_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"none\.toml' cannot be read: No such file"):
        load_manifest(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"title = '\xe9'")
    with pytest.raises(ManifestError, match="is not UTF-8"):
        load_manifest(tmp_path / "latin.toml")


def test_sources_of_the_user_extend_it_and_never_replace_one(tmp_path: Path) -> None:
    base = load_manifest()
    own = load_manifest(written(tmp_path, GOOD))
    assert base.extended(own.sources).sources == (*base.sources, *own.sources)
    with pytest.raises(ManifestError, match="id 'eu-ai-act' is used twice"):
        base.extended([base.get("eu-ai-act")])
    with pytest.raises(ManifestError, match="no source 'nothing'; it has coe-ai-convention, eu-ai-act"):
        base.get("nothing")


@given(st.text(max_size=30))
def test_no_path_leaves_the_corpus_folder(path: str) -> None:
    tables = {
        "id": "x", "instrument": "x", "title": "t", "short_title": "t", "language": "en", "version": "2024-01-01",
        "published": "2024-01-01", "format": "text", "authority": "commentary", "url": "https://example.org",
        "licence": "l", "attribution": "a", "files": [{"path": path}],
    }  # fmt: skip
    try:
        file = Manifest.model_validate({"version": 1, "source": [tables]}).sources[0].files[0]
    except ValueError:
        return
    folder = Path("/corpus")
    assert (folder / file.path).is_relative_to(folder)
    assert ".." not in Path(file.path).parts
    assert file.path.isprintable()


def test_the_programs_own_manifest_names_the_corpus() -> None:
    manifest = load_manifest()
    required = {source.id: source for source in manifest.sources if source.required}
    assert {name: str(source.expression) for name, source in required.items()} == {
        "coe-ai-convention": "coe-ai-convention@2024-09-05:en",
        "eu-ai-act": "eu-ai-act@2024-07-12:en",
        "eu-2026-1744": "eu-2026-1744@2026-07-24:en",
    }
    assert len(manifest.get("eu-ai-act").files) == 14
    assert manifest.get("eu-2026-1744").in_force == date(2026, 7, 27)
    unpinned = {source.id for source in manifest.sources if not all(file.sha256 for file in source.files)}
    assert unpinned == {
        "eu-ai-act-consolidated-2026-07-27",
        "coe-ai-convention-explanatory-report",
        "coe-ai-convention-fr",
    }
    assert not any(manifest.get(name).required for name in unpinned)
    assert not manifest.get("law-society-gazette-2024").download
    assert {source.authority for source in manifest.used_for(Use.CORPUS)} == {
        Authority.LAW,
        Authority.EXPLANATORY_REPORT,
        Authority.GUIDANCE,
        Authority.COMMENTARY,
    }


@pytest.mark.parametrize(
    ("source", "counts"),
    [
        ("coe-ai-convention", {"preamble_paragraphs": 17, "chapters": 8, "articles": 36}),
        ("eu-ai-act", {"recitals": 180, "chapters": 13, "sections": 16, "articles": 113, "annexes": 13}),
        ("eu-2026-1744", {"recitals": 47, "articles": 4, "amending_points": 43}),
        ("ec-guidelines-ai-system-definition", {"numbered_paragraphs": 64}),
        ("ec-guidelines-prohibited-practices", {"numbered_paragraphs": 433}),
        ("ec-guidelines-gpai", {"numbered_paragraphs": 144}),
    ],
)
def test_the_expected_counts(source: str, counts: dict[str, int]) -> None:
    assert load_manifest().get(source).expected.stated() == counts


def test_every_pinned_hash_is_that_of_the_text(corpus_dir: Path) -> None:
    files = [file for source in load_manifest().sources for file in source.files if file.sha256]
    assert {file.path: sha256((corpus_dir / file.path).read_bytes()).hexdigest() for file in files} == {
        file.path: file.sha256 for file in files
    }
