"""An invented law of gardens in two wordings, a treaty and a guide on it, for tests of the library and of passages."""

from dataclasses import replace
from datetime import date

from ingest.corpus import Corpus
from ingest.identifiers import ExpressionId
from ingest.instrument import Authority, Expression, ProvisionKind, SourceSpan
from ingest.pinpoint import Pinpoint
from ingest.structure import Draft, build_provisions

DAY = date(2026, 11, 23)
NASTY = '<img src=x onerror=alert(1)> & "more"'


def draft(
    kind: ProvisionKind, label: str, text: str = "", *children: Draft, heading: str = "", printed: str = ""
) -> Draft:
    return Draft(kind, label, printed, heading, text, children, SourceSpan("a.xml"))


def expression(identity: str, short_title: str, authority: Authority, *drafts: Draft) -> Expression:
    parsed = ExpressionId.parse(identity)
    return Expression(
        id=parsed,
        title=f"{short_title} in full",
        short_title=short_title,
        authority=authority,
        url="https://law.example/text",
        published=parsed.effective,
        provisions=build_provisions(parsed, drafts),
    )


def chapter(*articles: Draft) -> Draft:
    return draft(ProvisionKind.CHAPTER, "I", "", *articles, heading="GENERAL AI PROVISIONS")


def article(label: str, heading: str, text: str, *children: Draft) -> Draft:
    return draft(ProvisionKind.ARTICLE, label, text, *children, heading=heading)


def paragraph(label: str, text: str, *children: Draft) -> Draft:
    return draft(ProvisionKind.PARAGRAPH, label, text, *children, printed=f"{label}.")


def point(label: str, text: str) -> Draft:
    return draft(ProvisionKind.POINT, label, text, printed=f"({label})")


def old_act() -> Expression:
    return expression(
        "eu-ai-act@2024-07-12:en",
        "the AI Act",
        Authority.LAW,
        draft(ProvisionKind.RECITAL, "1", f"Gardens with roses matter {NASTY}.", printed="(1)"),
        chapter(
            article("3", "Definitions", "For the purposes of this Regulation:", point("1", "‘rose’ means a plant;")),
            article("4", "Watering", "Gardeners water every rose daily."),
            article(
                "5",
                "Forbidden",
                "",
                paragraph("1", "The following is forbidden:", point("a", "cutting a rose;"), point("b", "noise.")),
                paragraph("2", f"Article 4 applies to a rose {NASTY}."),
            ),
        ),
        draft(ProvisionKind.ANNEX, "I", "Tools referred to in Article 5(1), point (a).", heading="Tools"),
    )


def new_act() -> Expression:
    """The old act with Article 4 reworded and an Article 4a put in."""
    old = old_act()
    reworded = expression(
        "eu-ai-act@2026-07-27:en",
        "the AI Act",
        Authority.LAW,
        article("4", "Watering", "", paragraph("1", "Gardeners water every rose twice a day.")),
        article("4a", "Shade", "A rose has shade."),
    )
    changed_by = "eu-2026-1744:art_1/1"
    fresh = {one.pinpoint: replace(one, changed_by=changed_by) for one in reworded.provisions}
    four = Pinpoint.parse("art_4")
    provisions = []
    for one in old.provisions:
        kept = replace(one, expression=reworded.id)
        if one.pinpoint == four:
            provisions += [replace(new, parent=new.parent or one.parent) for new in fresh.values()]
        else:
            provisions.append(kept)
    return replace(old, id=reworded.id, provisions=tuple(provisions))


def garden_corpus() -> Corpus:
    treaty = expression(
        "coe-ai-convention@2024-09-05:en",
        "the Convention",
        Authority.LAW,
        draft(ProvisionKind.PREAMBLE_PARAGRAPH, "1", "Mindful of gardens,"),
        article("1", "Gardens", "Each Party tends gardens."),
    )
    amending = expression(
        "eu-2026-1744@2026-07-24:en",
        "Regulation (EU) 2026/1744",
        Authority.LAW,
        article("1", "Amendments", "", paragraph("1", "Article 4 is replaced.")),
    )
    guide = expression(
        "a-guide@2025-01-01:en",
        "Guide 7",
        Authority.GUIDANCE,
        draft(ProvisionKind.NUMBERED_PARAGRAPH, "7", "On Article 5(1)(a) of the AI Act: a rose is a plant."),
        draft(ProvisionKind.NUMBERED_PARAGRAPH, "8", "On Article 5 of the AI Act: silence is golden."),
    )
    french = expression(
        "un-guide@2025-01-01:fr",
        "Guide français",
        Authority.COMMENTARY,
        draft(ProvisionKind.NUMBERED_PARAGRAPH, "1", "Une rose est une plante."),
    )
    return Corpus("fedcba9876543210", "2026-11-23T10:00:00Z", (treaty, old_act(), new_act(), amending, guide, french))
