import numpy as np
import pytest

from ingest.classifier import Features, classify, fingerprint, learn
from ingest.concordance import load_concordance
from ingest.guide import ISSUES, Signpost, label_names, label_signposts, learn_from, list_signposts
from ingest.identifiers import AI_ACT
from ingest.notes import load_asked, load_notes
from ingest.pinpoint import Pinpoint

ROSES = ["pruning roses in spring", "roses and their thorns", "water for the roses", "a bed of roses"]
FISH = ["feeding fish in the pond", "the pond and its fish", "fish without water", "a fish in spring"]


def flat(texts: list[str]) -> np.ndarray:
    """Vectors that tell nothing."""
    return np.ones((len(texts), 2), dtype=np.float32) / np.float32(2**0.5)


@pytest.fixture
def features() -> Features:
    return Features.of([*ROSES, *FISH])


def test_words_of_one_text_alone_are_not_seen(features: Features) -> None:
    assert {"rose", "fish", "pond", "water"} <= set(features.terms)
    assert "thorn" not in features.terms


def test_the_words_seen_have_length_one_beside_the_vector(features: Features) -> None:
    seen = features.read(["fish in the pond", "nothing known"], flat(["", ""]))
    assert np.linalg.norm(seen, axis=1) == pytest.approx([2**0.5, 1.0])


def test_it_learns_labels_and_always_the_same(features: Features) -> None:
    texts = [*ROSES, *FISH] * 20
    seen = features.read(texts, flat(texts))
    shares = np.repeat(np.array([[1, 0], [0, 1]], dtype=np.float32), 4, axis=0)
    weights = learn(seen, np.tile(shares, (20, 1)))
    asked = np.array(
        [classify(weights, one) for one in features.read(["roses need a bed?", "what do fish eat?"], flat(["", ""]))]
    )
    assert asked[0, 0] > 0.6
    assert asked[1, 1] > 0.6
    assert asked.sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert np.array_equal(weights, learn(seen, np.tile(shares, (20, 1))))


def test_a_signpost_is_on_the_units_it_leads_to_those_meant_less_having_less() -> None:
    places = (Pinpoint.parse("art_5/1/f"), Pinpoint.parse("art_50"), Pinpoint.parse("art_5/2"))
    labels = label_signposts([Signpost("feelings at work", {AI_ACT: places})])
    assert labels == {AI_ACT: {0: {"art_5": pytest.approx(1.36 / 1.96), "art_50": pytest.approx(0.6 / 1.96)}}}


def test_every_correspondence_and_unit_of_our_notes_is_a_label() -> None:
    concordance = load_concordance()
    labels = label_signposts(tuple(list_signposts(concordance, load_notes(), load_asked())))
    assert label_names(labels[ISSUES]) == sorted(one.id for one in concordance.correspondence)
    assert {"art_5", "art_50", "art_113", "anx_III"} <= set(label_names(labels[AI_ACT]))


def test_what_is_learnt_has_a_head_for_each_instrument() -> None:
    signposts = [Signpost(text, {AI_ACT: (Pinpoint.parse("art_5"),)}) for text in ROSES]
    learnt = learn_from(signposts, flat(ROSES))
    assert list(learnt.weights) == [AI_ACT]
    assert learnt.weights[AI_ACT].shape == (2 + len(learnt.features.terms) + 1, 1)


def test_its_fingerprint_names_the_analysis_of_words() -> None:
    assert "snowball" in fingerprint()
