from dataclasses import replace
from datetime import date

import pytest
from lxml import html as parser

from assistant.answer import Answer, Cell, Claim, ClaimKind, Notice, Refusal, RefusalReason, Row, Search
from assistant.citing import CitationBook
from assistant.noted import with_notes
from assistant.question import SIDES
from assistant.writers.noting import note_claims
from ingest.corpus import Corpus, Lack, Missing
from ingest.identifiers import AI_ACT, InstrumentId
from ingest.instrument import Authority, Relation
from ingest.pinpoint import Pinpoint
from ingest.redline import redline
from ui import views
from ui.language import Language


def parse(fragment: str) -> parser.HtmlElement:
    return parser.fragment_fromstring(fragment, create_parent="div")


def select(element: parser.HtmlElement, path: str) -> list[parser.HtmlElement]:
    """What lies at a path such as `.vv-table tr[1] td`: tags, classes and XPath conditions, one step after another."""
    steps = []
    for step in path.split(" "):
        name, bracket, condition = step.partition("[")
        tag, *classes = name.split(".")
        tests = "".join(f"[contains(concat(' ', @class, ' '), ' {one} ')]" for one in classes)
        steps.append(f"{tag or '*'}{tests}{bracket}{condition}")
    return element.xpath(".//" + "//".join(steps))


def words(element: parser.HtmlElement) -> str:
    return " ".join(element.text_content().split())


@pytest.fixture
def page(answer: Answer, corpus: Corpus) -> parser.HtmlElement:
    return parse(views.render_turn("abc", answer, corpus))


def test_the_table_has_a_column_for_each_instrument_and_a_row_for_each_issue(page: parser.HtmlElement) -> None:
    heads = [words(head) for head in select(page, ".vv-table thead th")]
    assert heads == ["Issue", "Convention", "AI Act"]
    issues = [words(head) for head in select(page, ".vv-table tbody th")]
    assert issues == [
        "Roses different",
        "Tulips <script>alert(1)</script> only the Convention",
        "Practice",
    ]
    columns = [cell.get("data-column") for cell in select(page, ".vv-table tbody tr[1] td")]
    assert columns == ["Convention", "AI Act"]


@pytest.mark.parametrize(
    ("kind", "sign", "word"),
    [
        (ClaimKind.LAW, "§", "law"),
        (ClaimKind.RECITAL, "¶", "recital"),
        (ClaimKind.GUIDANCE, "◆", "guidance"),
        (ClaimKind.COMMENTARY, "✎", "commentary"),
        (ClaimKind.NOTE, "✱", "note"),
        (ClaimKind.MODEL, "✦", "written by a model"),
        (ClaimKind.STATUS, "◷", "status"),
        (ClaimKind.SILENCE, "∅", "silence"),
    ],
)
def test_every_claim_says_what_it_rests_on_by_sign_and_by_word(
    page: parser.HtmlElement, kind: ClaimKind, sign: str, word: str
) -> None:
    said = [words(mark) for mark in (*select(page, ".vv-claim .vv-mark"), *select(page, ".vv-sentence .vv-mark"))]
    assert f"{sign} {word}" in said


def test_every_kind_of_claim_and_of_authority_has_its_mark() -> None:
    assert set(views.CLAIM_MARKS) == set(ClaimKind)
    assert set(views.AUTHORITY_MARKS) == set(Authority)
    assert set(views.REFUSAL_HEADS) == set(RefusalReason)


def test_nothing_of_a_question_or_a_text_becomes_markup(page: parser.HtmlElement) -> None:
    assert words(select(page, ".vv-question")[0]) == "What of *roses* & <i>tulips</i>?"
    assert not page.xpath(".//script | .//i | .//b[text()='red']")
    assert "(a) roses <b>red</b> & white;" in select(page, "q.vv-words")[0].text_content()


def test_a_quotation_in_a_claim_is_set_as_one_and_loses_its_own_marks(page: parser.HtmlElement) -> None:
    cell = select(page, ".vv-table tbody tr[1] td")[0]
    assert words(select(cell, ".vv-said")[0]) == "(a) roses <b>red</b> & white;"
    assert len(select(cell, "q.vv-words")) == 1


def test_a_quotation_that_a_claim_does_not_contain_is_set_below_it(page: parser.HtmlElement) -> None:
    cell = select(page, ".vv-table tbody tr[1] td")[1]
    assert words(select(cell, ".vv-said")[0]) == "The Act names a plant."
    assert words(select(cell, "blockquote.vv-words")[0]) == "plant 12 means"


def test_silence_says_what_was_searched_and_what_is_nearest(page: parser.HtmlElement) -> None:
    silence = select(page, ".vv-claim.vv-silence")[0]
    assert words(select(silence, ".vv-searched")[0]) == "Searched for tulip, bulb. Nearest: Article 3(m) [2]"
    assert select(silence, "button.vv-cite")[0].get("data-cite") == "2"


def test_silence_does_not_say_twice_what_was_searched(answer: Answer, corpus: Corpus) -> None:
    said = Claim("Nothing found; searched: tulip.", ClaimKind.SILENCE, (), Search((AI_ACT,), ("tulip", ""), (2,)))
    row = replace(answer.rows[1], cells=(answer.rows[1].cells[0], Cell(AI_ACT, (said,))))
    page = parse(views.render_turn("abc", replace(answer, rows=(row,)), corpus))
    assert words(select(page, ".vv-searched")[0]) == "Nearest: Article 3(m) [2]"


def test_an_empty_cell_is_not_left_blank(page: parser.HtmlElement) -> None:
    assert words(select(page, ".vv-table tbody tr[last()] td .vv-nothing")[0]) == "—nothing cited here"


@pytest.mark.parametrize(
    ("relation", "only", "expected"),
    [
        (Relation.EQUIVALENT, None, "equivalent"),
        (Relation.BROADER, None, "the Convention reaches further"),
        (Relation.NARROWER, None, "the Convention reaches less far"),
        (Relation.ONLY, AI_ACT, "only the AI Act"),
        (None, None, ""),
    ],
)
def test_relations_are_said_in_the_words_of_the_concordance(
    answer: Answer, corpus: Corpus, relation: Relation | None, only: InstrumentId | None, expected: str
) -> None:
    row = replace(answer.rows[0], relation=relation, only=only)
    page = parse(views.render_turn("abc", replace(answer, rows=(row,)), corpus))
    assert [words(one) for one in select(page, ".vv-relation")] == ([expected] if expected else [])


OURS, THEIRS = "a rose <b>red</b> & tended, that\ngrows", "a rose white & tended, that climbs"


@pytest.fixture
def redlined(answer: Answer, corpus: Corpus) -> parser.HtmlElement:
    row = replace(answer.rows[0], redline=redline(OURS, THEIRS))
    page = parse(views.render_turn("abc", replace(answer, rows=(row, *answer.rows[1:])), corpus))
    (cell,) = select(page, ".vv-redline")
    return cell


def test_a_redline_stands_below_its_row_across_the_table(redlined: parser.HtmlElement) -> None:
    above = redlined.getparent().getprevious()
    assert words(select(above, "th")[0]) == "Roses different"
    assert redlined.get("colspan") == "3"
    assert words(select(redlined, ".vv-key")[0]) == (
        "Word by word, Roses: [−only in the Convention−] {+only in the AI Act+}"
    )


def test_a_redline_strikes_and_inserts_by_element_and_by_sign(redlined: parser.HtmlElement) -> None:
    assert [[(run.tag, words(run)) for run in runs] for runs in select(redlined, ".vv-runs")] == [
        [("del", "[−<b>red</b>−]"), ("ins", "{+white+}"), ("ins", "{+climbs+}")],
        [("del", "[−grows−]")],
    ]


@pytest.mark.parametrize(("left_out", "text"), [("ins", OURS), ("del", THEIRS)])
def test_a_redline_keeps_both_texts_to_the_word(redlined: parser.HtmlElement, left_out: str, text: str) -> None:
    runs = select(redlined, ".vv-runs")
    for run in (one for each in runs for one in (*select(each, ".vv-sign"), *select(each, left_out))):
        run.drop_tree()
    assert " ".join(filter(None, map(words, runs))) == " ".join(text.split())


def test_a_row_without_a_redline_has_none(page: parser.HtmlElement) -> None:
    assert select(page, ".vv-redline") == []


def test_citations_are_buttons_with_a_name_that_begins_with_what_is_seen(page: parser.HtmlElement) -> None:
    button = select(page, ".vv-table button.vv-cite")[0]
    assert words(button) == "[1]"
    assert button.get("aria-label") == "[1] Article 1(1)(a) of the Convention, law, not in force: open the passage"
    numbers = {button.get("data-cite") for button in select(page, "button.vv-cite")}
    assert numbers == {template.get("data-passage") for template in select(page, "template")}


def test_each_citation_leads_to_its_passage_and_no_passage_is_in_the_turn(page: parser.HtmlElement) -> None:
    held = {one.get("data-passage"): one.get("data-href") for one in select(page, "template")}
    assert all(len(one) == 0 and not one.text for one in select(page, "template"))
    assert held["1"].startswith("passage?wording=coe-ai-convention@2024-09-05:en&place=art_1/1/a&start=0&end=")
    assert "&check=" in held["1"]
    assert held["5"] == "passage/status?instrument=coe-ai-convention&as_of=2026-11-23"
    assert "roses" not in "".join(held.values())


def test_only_web_addresses_become_links(page: parser.HtmlElement) -> None:
    hrefs = [link.get("href") for link in select(page, "a")]
    assert "https://law.example/text#here" in hrefs
    assert all(href.startswith("https://") for href in hrefs)
    assert {link.get("rel") for link in select(page, "a[@target]")} == {"noopener noreferrer"}


def test_notices_summary_suggestions_and_foot_are_there(page: parser.HtmlElement) -> None:
    assert words(select(page, ".vv-notice")[0]) == "⚑ The Convention is not in force."
    assert words(select(page, ".vv-summary p")[0]) == "Both tend roses. [1] [2] [6] ✱ note"
    assert select(page, ".vv-suggestion")[0].get("data-ask") == 'And "lilies"?'
    foot = words(select(page, ".vv-foot")[0])
    assert foot.startswith("Law as at 23 November 2026 · quoted from the texts, no language model · ")
    assert foot.endswith("texts 0123456789ab · not legal advice")


def test_an_instrument_keeps_its_colour_when_it_stands_alone(answer: Answer, corpus: Corpus) -> None:
    alone = parse(views.render_turn("abc", replace(answer, rows=answer.rows[2:]), corpus))
    assert [head.get("class") for head in select(alone, "thead th")] == ["vv-issue-head", "vv-side-2"]


def test_a_refusal_is_calm_and_says_what_was_searched(answer: Answer, corpus: Corpus) -> None:
    refusal = Refusal(RefusalReason.OUT_OF_CORPUS, "Nothing on cakes & pies.", SIDES)
    refused = replace(answer, refusal=refusal, rows=(), summary=(), citations=(), relationship=None, notices=())
    page = parse(views.render_turn("abc", refused, corpus))
    box = select(page, ".vv-refusal")[0]
    assert words(box) == "The texts say nothing on this Nothing on cakes & pies. Searched: Convention, AI Act."
    assert not select(page, ".vv-table")
    assert not select(page, ".vv-sources")
    assert select(page, "section")[0].get("data-announce") == "The texts say nothing on this"


def test_a_follow_up_shows_how_it_was_understood(answer: Answer, corpus: Corpus) -> None:
    asked = replace(answer, standalone_question="What of roses in the Act?")
    page = parse(views.render_turn("abc", asked, corpus))
    assert words(select(page, ".vv-understood")[0]) == "Understood as: What of roses in the Act?"


@pytest.mark.parametrize(
    ("text", "quotes", "parts"),
    [
        ("roses", ("roses",), [("roses", True)]),
        ("It says “roses” twice.", ("roses",), [("It says ", False), ("roses", True), (" twice.", False)]),
        (
            "red roses, white roses",
            ("white roses", "red roses"),
            [("red roses", True), (", ", False), ("white roses", True)],
        ),
        ("nothing of it", ("roses",), [("nothing of it", False)]),
        ("rose garden", ("rose", "rose garden"), [("rose garden", True)]),
    ],
)
def test_a_text_is_cut_at_its_quotations(text: str, quotes: tuple[str, ...], parts: list[tuple[str, bool]]) -> None:
    assert [(part.text, part.quoted) for part in views.split_parts(text, quotes)] == parts


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 11, 23), "AI Act as amended (wording of 27 July 2026)"),
        (date(2026, 7, 26), "AI Act as adopted (wording of 12 July 2024)"),
        (date(2024, 7, 20), "AI Act as adopted, not in force before 1 August 2024 (wording of 12 July 2024)"),
        (date(2024, 7, 11), "AI Act not yet published on that day"),
    ],
)
def test_the_state_of_the_act_follows_the_day(corpus: Corpus, day: date, expected: str) -> None:
    standing = [words(one) for one in select(parse(views.render_state(corpus, day)), ".vv-standing li")]
    assert standing[1] == expected


@pytest.mark.parametrize(
    ("language", "names"),
    [
        (Language.ENGLISH, ["Convention", "AI Act"]),
        (Language.FRENCH, ["Convention", "Règlement sur l’IA"]),
        (Language.GERMAN, ["KI-Übereinkommen", "KI-Verordnung"]),
    ],
)
def test_the_state_of_the_law_names_both_in_the_readers_language(
    corpus: Corpus, language: Language, names: list[str]
) -> None:
    page = parse(views.render_state(corpus, date(2026, 11, 23), language))
    assert [words(one) for one in select(page, ".vv-standing strong")] == names


def test_the_state_of_the_convention_and_the_warning_are_in_view(corpus: Corpus) -> None:
    state = words(parse(views.render_state(corpus, date(2026, 11, 23))))
    assert "Law as at 23 November 2026" in state
    assert "Convention not in force as of 23 November 2026 (status seen on 24 September 2026)" in state
    assert "Not legal advice" in state


def test_an_instrument_that_was_never_read_is_named_as_missing(corpus: Corpus) -> None:
    less = replace(corpus, expressions=tuple(one for one in corpus.expressions if one.instrument != AI_ACT))
    state = words(parse(views.render_state(less, date(2026, 11, 23))))
    assert f"{AI_ACT} missing from the texts" in state


LINE = "it is in none of /srv/texts (asked); save it as /srv/texts/a.pdf."


def lacking(reason: Lack, url: str = "https://law.example/a") -> Missing:
    return Missing("a-report", "the Report", "a/b.pdf", url, reason, LINE)


@pytest.mark.parametrize(
    ("one", "shown", "address"),
    [
        (lacking(Lack.MISSING), "the Report (a-report) is missing", ["https://law.example/a"]),
        (lacking(Lack.CHANGED), "the Report (a-report) has changed", ["https://law.example/a"]),
        (lacking(Lack.UNREADABLE, ""), "the Report (a-report) cannot be read", []),
    ],
)
def test_missing_texts_are_named_with_their_address_and_no_path(
    corpus: Corpus, one: Missing, shown: str, address: list[str]
) -> None:
    page = parse(views.render_missing(replace(corpus, missing=(one,))))
    assert words(select(page, ".vv-missing summary")[0]) == (
        "1 text is missing; answers do without it. Whoever keeps this server can add it: visavis doctor says how."
    )
    (item,) = select(page, "li")
    assert words(item).partition(" · ")[0] == shown
    assert item.xpath(".//a/@href") == address
    assert "/srv" not in page.text_content()


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        (Language.FRENCH, "the Report (a-report) manque · texte officiel ↗ (dans un nouvel onglet)"),
        (Language.GERMAN, "the Report (a-report) fehlt · amtlicher Text ↗ (in einem neuen Tab)"),
    ],
)
def test_a_missing_text_is_named_in_the_readers_language(corpus: Corpus, language: Language, shown: str) -> None:
    page = parse(views.render_missing(replace(corpus, missing=(lacking(Lack.MISSING),)), language))
    (item,) = select(page, "li")
    assert words(item) == shown


@pytest.mark.parametrize(("number", "is_open"), [(1, True), (3, True), (4, False)])
def test_many_missing_texts_are_folded_away(corpus: Corpus, number: int, is_open: bool) -> None:
    page = parse(views.render_missing(replace(corpus, missing=(lacking(Lack.MISSING),) * number)))
    assert ("open" in select(page, "details")[0].attrib) == is_open
    assert len(select(page, "li")) == number


def test_nothing_is_said_where_no_text_is_missing(corpus: Corpus) -> None:
    assert views.render_missing(corpus) == ""


# Where no text is at hand, our notes stand in for it


@pytest.fixture
def noted(corpus: Corpus) -> Corpus:
    return with_notes(replace(corpus, expressions=corpus.expressions[-1:]))


def test_a_note_is_cited_with_its_provision_its_official_text_and_as_our_own_words(
    noted: Corpus, answer: Answer
) -> None:
    book = CitationBook(noted, answer.as_of)
    wording = noted.wordings(AI_ACT)[0]
    claims = tuple(note_claims(wording.at(Pinpoint.parse("art_4")), book))
    row = Row("Literacy", None, (Cell(AI_ACT, claims),))
    page = parse(
        views.render_turn(
            "abc", replace(answer, rows=(row,), relationship=None, summary=(), citations=tuple(book.citations)), noted
        )
    )
    assert "✱ note" in [words(mark) for mark in select(page, ".vv-claim .vv-mark")]
    assert "quoted" not in words(select(page, ".vv-foot")[0])
    assert select(page, "template")[0].get("data-href") == (
        f"passage?wording={wording.id}&place={book.citations[0].pinpoint}&as_of=2026-11-23"
    )


@pytest.mark.parametrize("day", [date(2025, 1, 1), date(2026, 11, 23)])
def test_an_instrument_held_as_notes_is_named_as_missing(noted: Corpus, day: date) -> None:
    convention, act = (words(one) for one in select(parse(views.render_state(noted, day)), ".vv-standing li"))
    assert act == ("AI Act missing from the texts (only notes in our own words, on its wording of 27 July 2026)")
    assert convention.startswith("Convention not in force as of ")
    assert convention.endswith("; only notes in our own words, on its wording of 5 September 2024)")


def test_trouble_shows_its_line_and_keeps_the_question() -> None:
    page = parse(views.render_trouble("abc", "31 <February>?", "a calm <line>"))
    assert words(select(page, ".vv-line")[0]) == "a calm <line>"
    assert words(select(page, ".vv-question")[0]) == "31 <February>?"


def test_examples_ask_what_they_show(corpus: Corpus) -> None:
    page = parse(views.render_room(corpus))
    buttons = select(page, "button[@data-ask]")
    assert len(buttons) == len(views.EXAMPLES) == 6
    assert all(words(button).endswith(button.get("data-ask")) for button in buttons)


def test_the_room_leaves_nothing_to_the_browsers_template_engine(corpus: Corpus) -> None:
    room = views.render_room(corpus)
    assert not any(sign in room for sign in ("${", "{{", "`"))


def test_what_may_be_chosen_are_the_two_instruments_and_the_columns_of_the_users_own(corpus: Corpus) -> None:
    own = replace(corpus.expressions[-1], column=True)
    page = parse(views.render_room(replace(corpus, expressions=(*corpus.expressions[:-1], own))))
    boxes = page.xpath(".//input[@name='instruments']")
    assert [box.get("value") for box in boxes] == [*SIDES, own.instrument]
    assert [words(box.getparent()) for box in boxes] == ["Convention", "AI Act", "Guide 7"]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("plain <b>", [("plain <b>", False, "")]),
        ("run `visavis ingest` now", [("run ", False, ""), ("visavis ingest", True, ""), (" now", False, "")]),
        (
            "see https://eur-lex.europa.eu/eli/reg/2024/1689/oj.",
            [
                ("see ", False, ""),
                (
                    "https://eur-lex.europa.eu/eli/reg/2024/1689/oj",
                    False,
                    "https://eur-lex.europa.eu/eli/reg/2024/1689/oj",
                ),
                (".", False, ""),
            ],
        ),
        ("see https://evil.example/eur-lex.europa.eu", [("see https://evil.example/eur-lex.europa.eu", False, "")]),
        ("see https://eur-lex.europa.eu@evil.example/", [("see https://eur-lex.europa.eu@evil.example/", False, "")]),
        ("javascript:alert(1)", [("javascript:alert(1)", False, "")]),
        ("one ` alone", [("one ` alone", False, "")]),
    ],
)
def test_commands_and_official_addresses_in_a_line_are_set_as_such(
    text: str, pieces: list[tuple[str, bool, str]]
) -> None:
    assert [(one.text, one.is_code, one.url) for one in views.split_line(text)] == pieces


def test_a_notice_shows_its_command_and_its_official_link(answer: Answer, corpus: Corpus) -> None:
    notice = Notice("missing", "Save https://eur-lex.europa.eu/a <i>, then `visavis ingest`.")
    page = parse(views.render_turn("abc", replace(answer, notices=(notice,)), corpus))
    (shown,) = select(page, ".vv-notice")
    assert shown.xpath(".//a/@href") == ["https://eur-lex.europa.eu/a"]
    assert [one.text for one in shown.xpath(".//code")] == ["visavis ingest"]
    assert "`" not in words(shown)
    assert not shown.xpath(".//i")


def test_claims_without_quotations_stay_whole() -> None:
    claim = Claim("Both tend roses.", ClaimKind.NOTE, (1,))
    assert views.split_parts(claim.text, ()) == (views.Part("Both tend roses.", False),)
