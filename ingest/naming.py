"""Names of instruments in texts and questions: one table of what is said for which instrument."""

import re
from dataclasses import dataclass

from ingest.identifiers import AI_ACT, CONVENTION, InstrumentId

AMENDING_ACT = InstrumentId("eu-2026-1744")

_COE = "(Council of Europe|CoE|Vilnius|Strasbourg|AI|A\\.I\\.|Artificial Intelligence)(’s)?"
_ON_AI = "(on|for) (AI|Artificial Intelligence)\\b(,? and human rights,? democracy,? and the rule of law)?"
_SERIES = "(\\((EU|EC|EEC|EU, Euratom)\\)|No\\.?)"
_KIND = "((Council|Commission|Implementing|Delegated|Framework) ){0,3}(Regulation|Directive|Decision|Recommendation)s?"
_ABROAD = "(Colorado|Texas|Utah|California|Illinois|New York|UK|US|Korea\\w*|Canad\\w+|Brazil\\w*|Chin\\w+|Japan\\w*)"
_NO_NAME = "The|This|AI|EU|CoE|Vilnius|Framework|Europe|European|Artificial|What|How|Does|Is|And|Under|Which"
_PROPER = f"(?-i:(?!({_NO_NAME})\\b)[A-Z]\\w+)"
_SUBJECT = "(?!AI\\b|Artificial\\b)(?-i:[A-Z]\\w+)( (of|the|and|(?-i:[A-Z]\\w+)))*"

# A space stands for any white space, an apostrophe for both kinds. None marks an act that is not ours. Where two names
# overlap the longer wins, so that "European Convention on Human Rights" is not "the Convention".
NAMES: tuple[tuple[str, InstrumentId | None], ...] = (
    ("(CETS|STCE|SEV)( No\\.?| n°)? ?225", CONVENTION),
    (f"((the|this) )?({_COE} ){{0,4}}(Framework )?(Convention|Treaty)( {_ON_AI})?", CONVENTION),
    ("convention-cadre( sur l’(IA|intelligence artificielle))?", CONVENTION),
    ("(KI-|Rahmen)(Konvention|übereinkommen)|Konvention|kaderverdrag|AI-verdrag", CONVENTION),
    ("(the )?(EU(’s)? |European )?(AI|A\\.I\\.|Artificial Intelligence)( |-)Act|AIA", AI_ACT),
    ("(the|this) (EU(’s)? |European )?(AI )?(Act|Regulation)", AI_ACT),
    ("EU(’s)? (AI )?(Act|Regulation|law on AI|AI law)|(EU )?AI Regulation", AI_ACT),
    ("((Regulation|Règlement|Verordnung|Verordening) )?(\\((EU|UE)\\) ?)?2024/1689", AI_ACT),
    ("KI-(Verordnung|VO|Gesetz)|AI-verordening", AI_ACT),
    ("règlement (européen )?sur l’(IA|intelligence artificielle)", AI_ACT),
    ("(Regulation )?(\\(EU\\) ?)?2026/1744", AMENDING_ACT),
    ("(the )?(AI |Digital )?Omnibus( on AI| Regulation)?|(the )?amending (act|regulation)", AMENDING_ACT),
    ("C\\(2025\\) ?5053( final)?", InstrumentId("ec-guidelines-ai-system-definition")),
    ("C\\(2025\\) ?5052( final)?", InstrumentId("ec-guidelines-prohibited-practices")),
    ("C\\(2025\\) ?5045( final)?(,? Annex)?", InstrumentId("ec-guidelines-gpai")),
    ("(the )?(GDPR|DSGVO|RGPD|AVG|TFEU|TEU|AEUV|EUV|ECHR|DSA|DMA|LED|General Data Protection Regulation)", None),
    (f"{_KIND}( {_SERIES})* ?\\d{{1,4}}/\\d{{1,4}}(/(EEC|EC|EU|JHA|Euratom))?", None),
    ("(the )?Treat(y|ies) (on (the Functioning of )?(the )?European Union|of \\w+)", None),
    ("(the )?(Charter|Statute|Protocol No\\.? \\d+)( of (Fundamental Rights|the Council of Europe))*", None),
    ("(the )?European Convention (on|for) (the Protection of )?Human Rights", None),
    ("(the )?(Product Liability|Law Enforcement|Machinery|AI Liability) (Directive|Regulation)", None),
    (f"(the )?{_PROPER} (?-i:([A-Z]\\w+ ){{0,2}}Act)", None),
    (f"(the )?(UK |US )?{_PROPER} \\({_SUBJECT}\\) Act( \\d{{4}})?", None),
    (f"(the )?{_ABROAD}(’s)? (AI )?(Basic )?(Act|laws?|Regulations?|Code|Bill|rules)", None),
    (f"(the )?{_PROPER}( Rights)? Convention", None),
    ("(the )?Convention 108\\+?", None),
    (f"(the )?Convention (on|for|against) (the )?{_SUBJECT}", None),
)
_BODIES: tuple[tuple[str, InstrumentId | None], ...] = (
    ("(the )?(Council of Europe|CoE)|Strasbourg", CONVENTION),
    ("(the )?(EU|European Union)|Brussels", AI_ACT),
)


def _compile(pattern: str) -> re.Pattern[str]:
    spaced = pattern.replace(" ?", r"\s?").replace(" ", r"\s+").replace("’", "['’]").replace("(?", "\0")
    grouped = spaced.replace(r"\(", "\1").replace("(", "(?:").replace("\1", r"\(").replace("\0", "(?")
    return re.compile(rf"(?<![\w/-])(?:{grouped})(?![\w/-])", re.IGNORECASE)


_NAMES = tuple((_compile(pattern), instrument, False) for pattern, instrument in NAMES) + tuple(
    (_compile(pattern), instrument, True) for pattern, instrument in _BODIES
)


@dataclass(frozen=True, slots=True)
class InstrumentMention:
    """A name of an instrument in a text; `instrument` is None for one that is not ours, `external` then its name.

    `by_body` marks a weak name: only the organisation was named ("the Council of Europe", "the EU").
    """

    start: int
    end: int
    instrument: InstrumentId | None
    external: str = ""
    by_body: bool = False


def find_instruments(text: str) -> tuple[InstrumentMention, ...]:
    """The names of instruments in a text, in order, none overlapping."""
    found = [
        _mention(match, instrument, by_body)
        for pattern, instrument, by_body in _NAMES
        for match in pattern.finditer(text)
    ]
    kept: list[InstrumentMention] = []
    taken = bytearray(len(text))
    for one in sorted(found, key=lambda one: (one.start - one.end, one.by_body, one.start)):
        if not any(taken[one.start : one.end]):
            kept.append(one)
            taken[one.start : one.end] = b"\1" * (one.end - one.start)
    return tuple(sorted(kept, key=lambda one: one.start))


def _mention(match: re.Match[str], instrument: InstrumentId | None, by_body: bool) -> InstrumentMention:
    external = "" if instrument else re.sub(r"^the\s+", "", " ".join(match.group().split()), flags=re.IGNORECASE)
    return InstrumentMention(match.start(), match.end(), instrument, external, by_body)
