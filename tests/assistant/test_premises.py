"""The table of false statements: what puts each right is held against the law, as the notes are."""

import pytest
from pydantic import ValidationError

from assistant.premises import Premise, load_premises
from ingest.identifiers import ExpressionId
from ingest.index import Store
from ingest.review import LawWords, Statement, find_statement_faults

RIGHT = {
    "id": "roses",
    "instrument": "eu-ai-act",
    "words": [["rose"]],
    "truth": "The Act is silent on roses.",
    "cites": ["eu-ai-act:art_1"],
}


@pytest.mark.parametrize(
    "change", [{"colour": "red"}, {"words": []}, {"words": [[]]}, {"cites": []}, {"wording": "eu-ai-act"}]
)
def test_what_the_schema_does_not_allow_is_refused(change: dict[str, object]) -> None:
    Premise.model_validate(RIGHT)
    with pytest.raises(ValidationError):
        Premise.model_validate(RIGHT | change)


def test_no_two_false_statements_have_one_name() -> None:
    names = [premise.id for premise in load_premises()]
    assert len(set(names)) == len(names) > 10


def test_what_puts_a_false_statement_right_stands_up_to_the_law(official_store: Store) -> None:
    corpus = official_store.corpus

    def wording(premise: Premise, instrument: str) -> ExpressionId:
        return premise.wording or corpus.wordings(instrument)[-1].id

    statements = [
        Statement(
            f"premise {premise.id}",
            premise.truth,
            tuple((wording(premise, name), place) for name, place in premise.sentence.places),
        )
        for premise in load_premises()
    ]
    wordings = {one.id: one for one in corpus.expressions}
    assert "\n".join(find_statement_faults(statements, wordings, LawWords(corpus.expressions))) == ""
