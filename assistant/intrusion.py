"""Orders to the program that come in the place of a question, however they are written."""

import re
import unicodedata

_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_TAGS = re.compile("[\U000e0000-\U000e007f]")
_MIRRORED = re.compile("\u202e([^\u202c]*)\u202c?")
_SPELT_OUT = re.compile(r"\b(?:\w[-._]){2,}\w\b")
_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаесіјорѕухһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρυικ",
    "ABESIJKMHOPCTYXaecijopsyxhdqwABEZHIKMNOPTYXovpuik",
)
_DIGITS = str.maketrans("013457@$", "oleastas")

_MATTER = (
    r"(?:instructions?|prompts?|rules|guidelines|above|previous|prior|safety|everything|orders|restrictions|"
    r"consignes|règles|précédent\w*|anweisungen|regeln|vorherig\w*|instructies|regels|vorige|instrucciones|reglas|"
    r"istruzioni|regole|precedenti|instrukcje|poprzednie|zasady)"
)
_START = r"(?:^|[.!?:;,'\"(\]]\s*|\b(?:please|now|and|then|must|should|to|you)\s+)"
_SECRET = r"(?:api\skeys?|passwords?|environment\svariables?|your\s(?:\w+\s)?(?:prompt|rules|instructions?))"
_ORDER = re.compile(
    rf"""{_START}(?:ignore|disregard|forget|override|bypass)\b.{{0,40}}\b{_MATTER}\b
    |(?:^|[.!?:;]\s*)(?:ignor\w+|oublie[zr]?|négligez?|vergiss|missachte|negeer|vergeet|olvida|dimentica|zignoruj)\b
        .{{0,40}}\b{_MATTER}\b
    |игнорируй.{{0,30}}инструкц|забудь.{{0,30}}инструкц|忽略.{{0,12}}(?:指令|指示|提示)|無視.{{0,12}}指示|تجاهل.{{0,20}}التعليمات
    |\b(?:system|hidden|initial|developer|system-?)\s?-?(?:prompt|message|instructions?|override)\w*\b
    |\b(?:prompt|message)\s(?:syst[eè]me|del\ssistema|di\ssistema|systemow\w+)
    |\bfrom\snow\son,?\s(?:you|answer|reply|respond|always|never|say|ignore|speak|cite)\b
    |\byou\sare\s(?:now|no\slonger)\b
    |{_START}(?:pretend|behave|respond|role-?play)\s(?:as|to\sbe|like)\b
    |{_START}act\sas\s(?:a|an|my|if)\b
    |\bjailbreak\w*\b|\b(?:developer|dan|god|debug)\smode\b|\bnew\sinstructions?:
    |<\s*/?\s*(?:script|system|iframe|img)\b|\[/?INST\]|<\|\w+\|>|<</?SYS>>|\]\(\s*(?:javascript|data|https?):
    |(?:^|\n)\W*(?:system|assistant)\s*:|(?-i:(?<!AI\s)\bSYSTEM:)
    |\b(?:decode|decrypt|execute|run)\b.{{0,60}}\b(?:base64|rot13|hex|decoded|it\ssays)\b|\brot-?13\b|\bbase64\b
    |\b(?:print|reveal|output|show|repeat|display)\b.{{0,30}}\b{_SECRET}\b
    |\binvent\s(?:a|an|some)\s(?:article|provision|citation|quot)""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


def reads_as_order(text: str) -> bool:
    """Whether a text, or a part of it, is an order to the program; a question about orders is none."""
    return any(_ORDER.search(reading) for reading in _readings(text))


def _readings(text: str) -> tuple[str, ...]:
    """A text as it looks, as it looks without hidden signs, mirrored parts turned, and words that are spelt out."""
    tagged = _TAGS.sub(lambda match: chr(ord(match[0]) - 0xE0000) if match[0] > "\U000e001f" else "", text)
    seen = unicodedata.normalize("NFKC", _HIDDEN.sub("", _MIRRORED.sub(lambda match: f" {match[1][::-1]}", tagged)))
    latin = seen.translate(_LOOKALIKES)
    joined = _SPELT_OUT.sub(lambda match: re.sub(r"[-._]", "", match[0]), latin)
    return text, seen, latin, joined, latin.translate(_DIGITS)
