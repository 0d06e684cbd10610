"""Passages over the official texts, and the rules of cutting on small ones."""

from collections import defaultdict
from datetime import date

import pytest

from ingest.embedding import WINDOW, count_word_pieces
from ingest.identifiers import ExpressionId, InstrumentId
from ingest.index import Store
from ingest.instrument import Authority, Expression, ProvisionKind
from ingest.passages import BUDGET, Passage, cut_expression, shelf_of
from ingest.pinpoint import Pinpoint
from ingest.pipeline import passage_size
from ingest.structure import Draft, build_provisions

NAME = ExpressionId(InstrumentId("garden-act"), date(2020, 1, 1), "en")


def passages(store: Store) -> list[Passage]:
    return [passage for shelf in store.shelves.values() for passage in shelf.passages]


class TestOfficialTexts:
    def test_a_passage_is_a_range_of_its_provision(self, official_store: Store) -> None:
        every = passages(official_store)
        assert len(every) > 3500
        for passage in every:
            provision = official_store.corpus.provision(passage.expression, passage.pinpoint)
            assert passage.text == provision.text[passage.start : passage.end]
            assert passage.text.strip() and not provision.is_container

    def test_none_crosses_an_article_and_all_together_are_its_text(self, official_store: Store) -> None:
        covered: dict[tuple[ExpressionId, Pinpoint], list[tuple[int, int]]] = defaultdict(list)
        for passage in passages(official_store):
            offset = official_store.corpus.provision(passage.expression, passage.pinpoint).offset
            unit = (passage.expression, passage.pinpoint.unit)
            covered[unit].append((offset + passage.start, offset + passage.end))
        units = {
            (unit.expression, unit.pinpoint): unit for one in official_store.corpus.expressions for unit in one.units()
        }
        assert set(covered) == {name for name, unit in units.items() if unit.text}
        for name, ranges in covered.items():
            text, cursor = units[name].text, 0
            for start, end in ranges:
                assert start >= cursor and not text[cursor:start].strip(), (name, start)
                cursor = end
            assert not text[cursor:].strip() and cursor <= len(text), name

    def test_none_is_longer_than_the_model_reads(self, official_store: Store) -> None:
        longest = max(count_word_pieces(passage.searchable) for passage in passages(official_store))
        assert 200 < longest <= WINDOW

    def test_none_is_longer_than_the_budget(self, official_store: Store) -> None:
        over = [one for one in passages(official_store) if passage_size(one.text) > BUDGET]
        assert not over

    def test_every_point_of_a_list_is_a_passage_under_its_opening_words(self, official_store: Store) -> None:
        shelf = official_store.shelves["eu-ai-act@2026-07-27:en"]
        of_article_5 = [one for one in shelf.passages if str(one.pinpoint).startswith("art_5/1/")]
        assert {"art_5/1/f", "art_5/1/ba", "art_5/1/bb"} <= {str(one.pinpoint) for one in of_article_5}
        assert all("Prohibited AI practices" in one.context for one in of_article_5)
        assert all("following AI practices shall be prohibited" in one.context for one in of_article_5 if not one.start)

    def test_law_and_columns_have_shelves_of_their_own_and_commentary_shares_one(self, official_store: Store) -> None:
        assert set(official_store.shelves) == {
            "coe-ai-convention@2024-09-05:en",
            "eu-ai-act@2024-07-12:en",
            "eu-ai-act@2026-07-27:en",
            "eu-2026-1744@2026-07-24:en",
            "commentary:en",
        }


def words(text: str) -> int:
    return len(text.split())


def expression(*drafts: Draft, authority: Authority = Authority.LAW, column: bool = False) -> Expression:
    provisions = build_provisions(NAME, drafts)
    return Expression(NAME, "", "the Garden Act", authority, "", date(2020, 1, 1), provisions, column)


def article(*children: Draft, text: str = "", heading: str = "Hedges") -> Draft:
    return Draft(ProvisionKind.ARTICLE, "1", heading=heading, text=text, children=children)


def cut(of: Expression, budget: int = 12) -> list[tuple[str, str, str]]:
    return [(str(one.pinpoint), one.context, one.text) for one in cut_expression(of, words, budget)]


def test_points_carry_the_words_that_they_hang_from() -> None:
    points = (
        Draft(ProvisionKind.POINT, "a", "(a)", text="roses;"),
        Draft(ProvisionKind.POINT, "b", "(b)", text="ivy."),
    )
    paragraph = Draft(ProvisionKind.PARAGRAPH, "1", "1.", text="Plant:", children=points)
    path = "Article 1 Hedges"
    assert cut(expression(article(paragraph))) == [
        ("art_1/1", path, "1. Plant:"),
        ("art_1/1/a", f"{path}\n1. Plant:", "(a) roses;"),
        ("art_1/1/b", f"{path}\n1. Plant:", "(b) ivy."),
    ]


def test_a_long_text_is_cut_at_sentence_ends_and_a_long_sentence_at_words() -> None:
    text = "One two three. Four five six seven. " + " ".join(f"w{number}" for number in range(20))
    found = cut(expression(article(text=text)))
    assert found[0][2].startswith("One two three. Four five six seven.") and len(found) > 2
    assert all(words(f"{context} {piece}") <= 12 for _, context, piece in found)
    assert " ".join(piece for _, _, piece in found) == text


def test_a_heading_path_that_is_too_long_keeps_its_nearest_headings() -> None:
    inner = article(text="Text.", heading="Near")
    chapter = Draft(ProvisionKind.CHAPTER, "I", heading=" ".join(["far"] * 30), children=(inner,))
    assert cut(expression(chapter)) == [("art_1", "Article 1 Near", "Text.")]


@pytest.mark.parametrize(
    ("authority", "column", "shelf"),
    [
        (Authority.LAW, False, str(NAME)),
        (Authority.GUIDANCE, False, "commentary:en"),
        (Authority.EXPLANATORY_REPORT, False, "commentary:en"),
        (Authority.COMMENTARY, True, str(NAME)),
    ],
)
def test_where_a_text_stands(authority: Authority, column: bool, shelf: str) -> None:
    assert shelf_of(expression(article(text="x"), authority=authority, column=column)) == shelf


def test_the_same_words_under_the_same_headings_have_one_key() -> None:
    [one] = cut_expression(expression(article(text="x")), words)
    [same] = cut_expression(expression(article(text="x"), authority=Authority.COMMENTARY), words)
    [other] = cut_expression(expression(article(text="x", heading="Seeds")), words)
    assert one.key == same.key != other.key
