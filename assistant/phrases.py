"""What people say when they ask: the talk around a question, and what tells one kind of question from another."""

import re

FRAME = re.compile(
    r"""\b(?:please|kindly|compare[ds]?|comparing|comparisons?|contrast(?:ed|ing)?|differences?|different(?:ly)?|differ
    |similarit(?:y|ies)|similar(?:ly)?|versus|vs\.?|between|both|each|two|side\s+by\s+side|in\s+a\s+table|table|overview
    |instruments?|texts?|respective(?:ly)?|tell|show|explain|give|list|summari[sz]e|describe|discuss|outline|say|says|said
    |saying|state[sd]?|mention(?:s|ed)?|provide[sd]?|providing|stipulate[sd]?|treat(?:s|ed|ment)?|address(?:es|ed)?
    |deal(?:s|t)?|handle[sd]?|approach(?:es)?|cover(?:s|ed)?|regulate[sd]?|contain(?:s|ed)?|rules?|provisions?
    |under|according|pursuant|within\s+the\s+meaning|with\s+respect|regard(?:s|ing)?|concerning|relat(?:ing|ed)
    |how|what|which|who|whom|whose|where|when|why|whether|do|does|did|is|are|was|were|be|been|can|could|may|might|must
    |shall|should|will|would|has|have|had|there|any|anything|something|the|a|an|of|to|in|on|for|by|with|about|from|at
    |as|it|its|they|their|them|this|that|these|those|and|or|me|us|i|we|you|my|our|your|so|then|also|exactly|really
    |actually|just|same|other|one|side|law|legal|article|articles|art|question|answer|know|want|need|like|mean|means
    |parts?|respects?|detail|brief(?:ly)?|short(?:ly)?|quick(?:ly)?)\b""",
    re.IGNORECASE | re.VERBOSE,
)
TALK = re.compile(
    r"""\b(?:please|kindly|(?:can|could|would)\s+you|i\s+(?:want|need|would\s+like)\s+to\s+know|tell\s+me|show\s+me|explain
    |compare[ds]?|comparing|comparisons?|contrast(?:ed|ing)?|differences?|differ|side\s+by\s+side|in\s+a\s+table|table
    |short\s+rows|both\s+(?:instruments|texts|sides)|the\s+two\s+(?:instruments|texts|laws)|each\s+side|either\s+text
    |versus|vs\.?|according\s+to|pursuant\s+to|as\s+the\s+(?:law|text)\s+(?:now\s+)?stands(?:\s+now)?
    |(?:the\s+)?very\s+same|surely|obviously|clearly|of\s+course|admittedly|agreed|correct|right(?=\?)
    |(?:do|does|is|are|has|have|wo|will|would|ca|should)n['’]?t\s+(?:it|they|you|he|she|we)(?:\s+(?:think|agree|say))?(?=\?|$)
    |is(?:n['’]t)?\s+it\s+(?:not\s+)?(?:obvious|clear|evident|true|certain|well\s+known)(?:\s+that)?
    |(?:would|do|don['’]t)\s+you\s+(?:not\s+)?(?:agree|think)(?:\s+that)?
    |(?:i|we)\s+(?:believe|think|guess|suppose|assume|bet)(?:\s+that)?|everyone\s+knows(?:\s+that)?
    |nobody\s+in\s+(?:their|his)\s+right\s+mind\s+(?:can|could|would)\s+(?:think|believe)(?:\s+that)?)\b""",
    re.IGNORECASE | re.VERBOSE,
)
EDGE = " ?!.,;:-–—'\"()[]/&"
CLAUSE = re.compile(r"[?!;.]\s|\s[-–—]\s|,\s+and\s|\s+and\s+(?=(?:does|do|is|are|would|what|how|which|in)\b)")
SENTENCE = re.compile(r"[?!;]+|\.\s|\s[-–—]\s|:\s")
LIST = re.compile(r",|;|/|&|\band\b|\bor\b|\bplus\b")
SERIES = re.compile(r",\s*(?:and\s+|or\s+)?|;\s*|\s+plus\s+")
NUMBERED = re.compile(r"(?:^|[\s,;:])\(?(?:[ivx]{1,4}|[1-9]|[a-e])\)\s")
WORD = re.compile(r"[^\W\d_]{2,}|\d+[a-z]?", re.IGNORECASE)
LETTER = re.compile(r"[^\W\d_]")
COMPARE = re.compile(
    r"\b(?:compar\w*|contrast\w*|differ\w*|similar\w*|versus|vs\.?|both|the two|each of|side by side|whereas|stricter|"
    r"overlap\w*|conflict\w*|correspond\w*|counterparts?|equivalents?|either|neither|than)\b",
    re.IGNORECASE,
)
DEFINE = re.compile(
    r"\b(?:defin\w+|meaning of|(?:the|this) term|what (?:is|are|counts as|qualifies as|does .{3,60} mean)|what'?s an?|"
    r"stand for)\b",
    re.IGNORECASE,
)
STATUS = re.compile(
    r"\b(?:ratif\w+|signator\w+|signed|who (?:has )?sign\w*|come into force|in force|into force|entry into force|"
    r"entered into force|enter into force|declarations? (?:of|by|made)|became? (?:a )?part(?:y|ies))\b",
    re.IGNORECASE,
)
REPLY = re.compile(
    r"^\s*(?:and|but|or|also|only|what about|how about|what if|same|then|so|ok|okay|yes|no|"
    r"which of (?:them|those|these)|why|und|aber|oder|auch|was ist mit|wie steht es mit|"
    r"et|mais|ou|aussi|qu['’]en est-il)\b|"
    r"\b(?:too|as well)\W*$|\bthe (?:other|second|first|former|latter)(?: (?:one|text|instrument|law|side))?\b",
    re.IGNORECASE,
)
ACCENTED = re.compile(r"[äöüßàâçéèêëîïôœùûÿ„«]", re.IGNORECASE)
POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|that|those|these|this|there|he|she|then|such|same|dazu|davon|dafür|"
    r"darüber|dagegen|hierzu|cela|ça|celui-ci|celle-ci|ceux-ci|ils)\b",
    re.IGNORECASE,
)
MEASURE = re.compile(
    r"\b(?:within|how|many|much|long|often|soon|days?|weeks?|months?|years?|hours?|times?|date|deadlines?|high|amounts?|per\s?cent|"
    r"percentage|maximum|minimum|exceptions?|exemptions?|derogations?|conditions?)\b",
    re.IGNORECASE,
)
OTHER = re.compile(r"\bthe other (?:one|text|instrument|law|side|treaty|act)\b", re.IGNORECASE)
ONE_OF_SEVERAL = re.compile(
    r"\bthe (?:other|second|first|former|latter|third) (?:one|text|instrument)\b", re.IGNORECASE
)
YES_NO = re.compile(
    r"^\s*(?:is|are|was|were|do|does|did|has|have|can|could|may|must|shall|should|will)\b", re.IGNORECASE
)
DENIES = re.compile(
    r"\b(?:not?|none|never|neither|nor|\w+n['’]t|without|lack\w*|absen\w+|instead|rather than|missing|silent|silence|"
    r"kein\w*|nicht|ohne|statt|anstelle|aucune?|pas|sans|plutôt)\b",
    re.IGNORECASE,
)
OPEN = re.compile(
    r"^\s*(?:(?:und|et|ab|seit|bis|in|mit|unter|nach|à|de|dans|avec|depuis|selon)\s)?(?:wie|wel\w+|warum|wann|wo\w*|we[rnm]|was|"
    r"weshalb|comment|quel\w*|pourquoi|quand|où|qui|combien)\b",
    re.IGNORECASE,
)
ON = re.compile(r"\W*(?:on|about|concerning)\s+((?:\w+[\s-]?){1,3})", re.IGNORECASE)
ON_AI = re.compile(
    r"\b(?:ai|artificial|algorithm\w*|automat\w+|machine\w*|robot\w*|chatbots?|deep ?fakes?)\b", re.IGNORECASE
)
WHAT_ABOUT = re.compile(r"^\W*(?:and\s+)?(?:what|how)\s+about\b", re.IGNORECASE)
COUNTED = re.compile(r"\b(\d{1,4})\s+(articles|annexes|recitals)\b", re.IGNORECASE)

FACTS = re.compile(
    r"""\b(?:my|our)\s(?:\w+\s){0,2}(?:clients?|compan(?:y|ies)|firm|start-?up|employer|boss|landlord|bank|school|university
        |uni|hospital|case|product|apps?|systems?|chatbot|tool|software|business|models?|daughter|son|mother|father|wife
        |husband|kids?|application|loan|customers?|employees|hr|council|agency|platform|website|shop|practice|defen[cs]e)\b
    |\b(?:i|we)(?:'m|'re|'ve|\s(?:am|are|run|own|sell|develop|built|deploy|make|work|was|were|got|have|want|put|use))\b
    |\b(?:a|the)\sclient\s(?:of\s(?:mine|ours)|wants|asks|has|is|uses|runs)\b
    |\b(?:should|must|can|may|could|do|will|am|are)\s(?:i|we)\b""",
    re.IGNORECASE | re.VERBOSE,
)
WISH_FOR_ADVICE = re.compile(
    r"""\b(?:should|must|may|will|would|do|did|have|am|are|can|could)\s(?:i|we|my|our|he|she|they|it)\s(?:\w+\s){0,3}?
        (?:liable|sue|need|have\sto|fined?|allowed|comply|required|obliged|covered|exempt|be|get|register|use|deploy|sell|win
        |going|do|apply|stop|fall|count|qualify|fight|appeal|claim)\b
    |\b(?:draft|write|prepare|check|review)\s(?:me|us|our|my|a\sletter|a\scomplaint|a\sdefen[cs]e)\b
    |\badvi[sc]e\s(?:me|us|my|our|on)\b|\bwhat\s(?:should|can|must|do)\s(?:i|we)\b|\bhelp\s(?:me|us)\s(?:win|sue|avoid|get)\b
    |\b(?:is|are)\s(?:my|our|it|this|that)\b.{0,60}\b(?:high-risk|legal|lawful|illegal|allowed|compliant|covered|banned)\b""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
WHEN = re.compile(
    r"""^\s*(?:and\s|so\s|ok\s)?(?:since\s|from\s|until\s|till\s|by\s)?when\b|\b(?:since|from|until|till|by)\s(?:when|what\sdate|which\s(?:day|date))\b
    |\b(?:what|which)\s(?:is\sthe\s)?(?:date|deadline|day)\b|\bdeadlines?\b|\bhow\s(?:soon|long\suntil|fast)\b|\blast\sdate\b
    |\b(?:did|does|do|will|could|had|must)\b.{0,80}\b(?:already|yet|still)\b|\balready\s(?:have|had|apply|applied|bound|binding)\b""",
    re.IGNORECASE | re.VERBOSE,
)
BEFORE = re.compile(
    r"""\b(?:legacy|grandfather\w*|transition(?:al)?|pre-?existing|bestandsschutz|altsysteme?n?)\b
    |\b(?:existing|old(?:er)?)\s(?:\w+\s){0,2}?(?:ai|systems?|models?|tools?|software|products?|components?)\b
    |\bbereits\s(?:\w+\s){0,2}(?:betrieb|verkehr|markt|genutzt|eingesetzt)\b|\bdéjà\s(?:en\sservice|sur\sle\smarché|utilisés?)\b
    |\b(?:since|from|in|before)\s(?:\w+\s){0,2}20[012]\d\b|\balready\s(?:been\s)?(?:placed|on|in|sold|used|running|deployed|bought|there)\b
    |\b(?:put|placed|brought|came|bought|sold|launched|installed|in\suse|on\sthe\smarket)\b.{0,40}\bbefore\b""",
    re.IGNORECASE | re.VERBOSE,
)
HOW_MUCH = re.compile(
    r"""\bhow\s(?:many|much|high|long|old|big|large|often|soon|fast|quick(?:ly)?)\b|\bnumbers?\sof\b|\bfigures?\b|\bamounts?\b
    |\bper\s?cent(?:age)?\b|\bmaximum\b|\bminimum\b|\bceilings?\b|\bthresholds?\b|\bquorum\b|\bdeadlines?\b|\bprice\s?tag\b""",
    re.IGNORECASE | re.VERBOSE,
)
FIGURE = re.compile(
    r"""\bEUR\s\d|\d\s?%|\b(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|thirty)\s
        (?:hours?|days?|weeks?|months?|years?|members?|votes?|signatories|parties|states|persons|million|times)\b|\b10\s?\^|\btwo-thirds\b""",
    re.IGNORECASE | re.VERBOSE,
)
BOTH_TEXTS = re.compile(
    r"""\b(?:both|the\stwo|these|each|either|neither)(?:\sof\s(?:the|these))?(?:\stwo)?(?:\sai)?
        \s(?:texts?|instruments?|laws?|documents?|sides?|regimes?|frameworks?)\b|\beach\sside\b
    |\b(?:under|in|by)\s(?:each|both|either)\s*(?:\?|$)""",
    re.IGNORECASE | re.VERBOSE,
)
RESEARCH = re.compile(
    r"\b(?:writing|drafting|preparing|researching|reading|studying|looking|wondering|interested|trying to understand|a "
    r"(?:student|journalist|lawyer|researcher|law student)|(?:my|our) (?:thesis|essay|paper|seminar|class|memo|"
    r"article))\b",
    re.IGNORECASE,
)

EVERYWHERE = frozenset({"ai", "art", "act", "eu", "vs", "et", "al"})
