"""The chat and the library over the invented law, served on a free port until the process is ended."""

import socket
from datetime import date

from assistant.answer import Answer, Cell, Citation, Claim, ClaimKind, Row, Writer
from assistant.question import SIDES, Intent
from ingest.corpus import Corpus
from ingest.identifiers import AI_ACT, CONVENTION
from ingest.instrument import Authority
from ingest.pinpoint import Pinpoint
from tests.ui.gardens import DAY, garden_corpus
from tests.ui.still import StillAssistant, StillDesk
from ui.api import create_app, run_server
from ui.cli import address_of

QUOTES = (("art_5/1/a", "cutting a rose"), ("art_4/1", "twice a day"), ("rct_1", "Gardens with roses"))


def quote(corpus: Corpus, n: int, place: str, words: str) -> Citation:
    """A citation of words of the wording on DAY."""
    wording = corpus.wording_on(AI_ACT, DAY)
    assert wording is not None
    provision = wording.at(Pinpoint.parse(place))
    start = provision.text.index(words)
    return Citation(
        n,
        AI_ACT,
        corpus.cite(provision),
        corpus.authority(provision),
        provision.pinpoint,
        expression=wording.id,
        quote=words,
        start=start,
        end=start + len(words),
    )


def garden_answer(corpus: Corpus) -> Answer:
    """An answer with three quotations and the treaty's status."""
    cited = tuple(quote(corpus, n, *one) for n, one in enumerate(QUOTES, start=1))
    status = Citation(4, CONVENTION, "Status of the Convention", Authority.STATUS, as_seen=date(2026, 9, 24))
    claims = tuple(Claim(f"“{one.quote}”", ClaimKind.LAW, (one.n,)) for one in cited)
    return Answer(
        id="one",
        question="",
        standalone_question="",
        intent=Intent.COMPARISON,
        as_of=DAY,
        scope=SIDES,
        writer=Writer("quoting"),
        corpus_id=corpus.id,
        corpus_built=corpus.built,
        relationship=Claim("A treaty.", ClaimKind.STATUS, (4,)),
        rows=(Row("Roses", None, (Cell(AI_ACT, claims),)),),
        citations=(*cited, status),
    )


def main() -> None:
    """Serve until a signal ends it."""
    corpus = garden_corpus()
    desk = StillDesk(StillAssistant(corpus, garden_answer(corpus)))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        run_server(create_app(desk), listener, f"The gardens are on {address_of(listener)}")


if __name__ == "__main__":
    main()
