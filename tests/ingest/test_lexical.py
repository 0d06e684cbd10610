import json
import logging
from pathlib import Path

import numpy as np
import pytest

from ingest.errors import StoreError, StoreMissing, StoreStale, UsageError, VisavisError
from ingest.lexical import LexicalIndex, analyse, fingerprint, fold

TEXTS = [
    "Providers of high-risk systems shall keep logs.",
    "Point 14a: a regulation (EU) 2024/1689 is cited.",
    "Prohibited practices, point (ba), concern images.",
    "A fine of up to EUR 35 000 000 may be imposed.",
    "The Committee’s opinions are published on 2.8.2026.",
    "Providers of high-risk systems shall keep logs.",
    "",
]


@pytest.fixture(scope="module")
def index() -> LexicalIndex:
    return LexicalIndex.build(TEXTS)


def numbers(found: list[tuple[int, float]]) -> list[int]:
    return [number for number, _ in found]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Décision L’ÉTAT", "decision l'etat"),
        ("“Straße” – Œuvre", "“strasse” – oeuvre"),
        ("co\u00adoperation", "cooperation"),
        ("EUR 35 000 000 or 35\u00a0000\u202f000", "eur 35000000 or 35000000"),
        ("35,000,000 and 7.500.000", "35000000 and 7500000"),
        ("2024/1689, 1.5 % and 2024 100", "2024/1689, 1.5 % and 2024 100"),
        ("on 2.8.2026 in Article 113", "on 2.8.2026 in article 113"),
    ],
)
def test_spelling_is_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "language", "terms"),
    [
        ("What does Article 14a prohibit?", "en", ["articl", "14a", "prohibit"]),
        ("point (ba)", "en", ["point", "ba"]),
        ("Regulation (EU) 2024/1689", "en", ["regul", "eu", "2024/1689", "2024", "1689"]),
        ("provider's providers’ “providing”", "en", ["provid", "provid", "provid"]),
        ("well_known C(2025) 5052", "en", ["well", "known", "c", "2025", "5052"]),
        ("The of and", "en", []),
        ("?!… – «»", "en", []),
        ("l’article qu’elle a visé", "fr", ["articl", "vis"]),
        ("de verplichtingen van het artikel", "nl", ["verplicht", "artikel"]),
        ("die Verbote der Verordnungen über Maßnahmen", "de", ["verbot", "verordn", "massnahm"]),
    ],
)
def test_terms(text: str, language: str, terms: list[str]) -> None:
    assert analyse(text, language) == terms


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("14a", [1]),
        ("1689", [1]),
        ("(BA)", [2]),
        ("35,000,000", [3]),
        ("fines", [3]),
        ("the committee's opinion", [4]),
        ("2.8.2026", [4]),
        ("“logs”", [0, 5]),
        ("prohibition", [2]),
    ],
)
def test_words_and_labels_are_found(query: str, expected: list[int], index: LexicalIndex) -> None:
    assert numbers(index.search(query, 10)) == expected


@pytest.mark.parametrize("query", ["", "?!", "the of", "zebra", "\ud800"])
def test_no_common_word_finds_nothing(query: str, index: LexicalIndex) -> None:
    assert index.search(query, 10) == []


def test_best_first_and_equals_by_number(index: LexicalIndex) -> None:
    found = index.search("providers keep logs of high risk systems at a point", 10)
    assert numbers(found)[:2] == [0, 5]
    assert found[0][1] == found[1][1]
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) > 0


@pytest.mark.parametrize(("k", "expected"), [(0, []), (1, [0]), (2, [0, 5]), (100, [0, 5])])
def test_k_cuts_ties_by_number(k: int, expected: list[int], index: LexicalIndex) -> None:
    assert numbers(index.search("logs", k)) == expected


def test_many_equals_are_cut_by_number() -> None:
    texts = ["law"] * 500 + ["law law bread"] + ["law"] * 500
    assert numbers(LexicalIndex.build(texts).search("bread law", 4)) == [500, 0, 1, 2]


def test_a_mask_limits_what_is_found(index: LexicalIndex) -> None:
    mask = np.ones(len(TEXTS), dtype=np.bool_)
    mask[0] = False
    assert numbers(index.search("logs", 1, mask)) == [5]
    assert index.search("logs", 5, np.zeros(len(TEXTS), dtype=np.bool_)) == []


def test_words_said_twice_count_once(index: LexicalIndex) -> None:
    assert index.search("logs logs LOGS", 5) == index.search("logs", 5)


def test_the_size_counts_empty_documents(index: LexicalIndex) -> None:
    assert index.size == len(TEXTS)


@pytest.mark.parametrize("texts", [[], [""], ["the", "?"]])
def test_nothing_to_index_is_refused(texts: list[str]) -> None:
    with pytest.raises(StoreError, match=f"no words to index in {len(texts)} texts"):
        LexicalIndex.build(texts)


def test_a_language_without_a_stemmer_is_refused() -> None:
    with pytest.raises(UsageError, match="language 'xx'; allowed are de, en, fr, nl"):
        LexicalIndex.build(["law"], "xx")


def test_saved_and_loaded_it_answers_alike(index: LexicalIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "new" / "lexical")
    loaded = LexicalIndex.load(tmp_path / "new" / "lexical")
    assert (loaded.language, loaded.size) == ("en", len(TEXTS))
    for query in ("logs", "high-risk providers", "35 000 000", "zebra", ""):
        assert loaded.search(query, 5) == index.search(query, 5)


def test_it_can_be_saved_over_an_older_one(index: LexicalIndex, tmp_path: Path) -> None:
    LexicalIndex.build(["seul article"], "fr").save(tmp_path)
    index.save(tmp_path)
    assert LexicalIndex.load(tmp_path).search("logs", 5) == index.search("logs", 5)


def test_the_same_texts_make_the_same_files(index: LexicalIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "a")
    LexicalIndex.build(TEXTS).save(tmp_path / "b")
    assert {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()
    }


def test_the_language_is_kept(tmp_path: Path) -> None:
    LexicalIndex.build(["Les systèmes d’intelligence", "Le pain"], "fr").save(tmp_path)
    assert numbers(LexicalIndex.load(tmp_path).search("l'intelligence", 5)) == [0]


def test_a_missing_index_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing, match="there is no word index in"):
        LexicalIndex.load(tmp_path / "nowhere")


def test_an_index_of_other_rules_is_stale(index: LexicalIndex, tmp_path: Path) -> None:
    index.save(tmp_path)
    label = json.loads((tmp_path / "lexical.json").read_text())
    (tmp_path / "lexical.json").write_text(json.dumps(label | {"fingerprint": "bm25s-0.0.1/en/0"}))
    with pytest.raises(StoreStale, match=r"was built by bm25s-0\.0\.1/en/0"):
        LexicalIndex.load(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["lexical.json", "params.index.json", "vocab.index.json", "data.csc.index.npy", "indptr.csc.index.npy"],
)
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", None])
def test_a_damaged_index_is_one_line(name: str, content: bytes | None, index: LexicalIndex, tmp_path: Path) -> None:
    index.save(tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(VisavisError, match="word index") as error:
        LexicalIndex.load(tmp_path)
    assert "\n" not in str(error.value)


def test_building_prints_and_logs_nothing(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.DEBUG):
        LexicalIndex.build(TEXTS).save(tmp_path)
        LexicalIndex.load(tmp_path).search("logs", 3)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_fingerprint_names_the_language(language: str) -> None:
    assert f"/{language}/" in fingerprint(language)
