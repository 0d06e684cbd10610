import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.redline import Change, Segment, redline

KEPT, DELETED, INSERTED = Change.KEPT, Change.DELETED, Change.INSERTED
WORDING = st.one_of(
    st.text(),
    st.lists(st.sampled_from(["shall", "may", "AI", "system", ",", ".", " ", "\n", "(a)", "6a"])).map("".join),
    st.lists(st.sampled_from(["shall", "may", "provider", "deployer", "not"])).map(" ".join),
)


def of(segments: tuple[Segment, ...], *changes: Change) -> str:
    return "".join(segment.text for segment in segments if segment.change in changes)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", []),
        ("the same", "the same", [(KEPT, "the same")]),
        ("", "new", [(INSERTED, "new")]),
        ("old", "", [(DELETED, "old")]),
        ("shall ensure", "may ensure", [(DELETED, "shall"), (INSERTED, "may"), (KEPT, " ensure")]),
        ("Article 5 applies", "Article 5, applies", [(KEPT, "Article 5"), (INSERTED, ","), (KEPT, " applies")]),
        ("one two three", "one three", [(KEPT, "one"), (DELETED, " two"), (KEPT, " three")]),
        ("a\nb", "a b", [(KEPT, "a"), (INSERTED, " b"), (DELETED, "\nb")]),
        ("Roses grow.", "1. Roses grow.", [(INSERTED, "1. "), (KEPT, "Roses grow.")]),
        ("a rose, red", "a rose red", [(KEPT, "a rose"), (DELETED, ","), (KEPT, " red")]),
        ("the Rose grows", "the rose grows", [(KEPT, "the "), (DELETED, "Rose"), (INSERTED, "rose"), (KEPT, " grows")]),
        ("Roses grow.", "Roses grow. Lilies too.", [(KEPT, "Roses grow."), (INSERTED, " Lilies too.")]),
        (
            "1. Roses are red.\n2. The grower of lilies waters.",
            "1. Roses are red.\n1a. The tulip is the flower of the grower.\n2. The grower of lilies waters daily.",
            [
                (KEPT, "1. Roses are red."),
                (INSERTED, "\n1a. The tulip is the flower of the grower."),
                (KEPT, "\n2. The grower of lilies waters"),
                (INSERTED, " daily"),
                (KEPT, "."),
            ],
        ),
        ("well-being", "wellbeing", [(DELETED, "well-being"), (INSERTED, "wellbeing")]),
    ],
)
def test_the_words_struck_and_put_in(old: str, new: str, expected: list[tuple[Change, str]]) -> None:
    assert [(segment.change, segment.text) for segment in redline(old, new)] == expected


@given(old=WORDING, new=WORDING)
def test_kept_and_deleted_is_the_old_text_and_kept_and_inserted_the_new(old: str, new: str) -> None:
    segments = redline(old, new)
    assert of(segments, KEPT, DELETED) == old
    assert of(segments, KEPT, INSERTED) == new
    assert all(segment.text for segment in segments)


@given(text=WORDING)
def test_nothing_changes_against_itself(text: str) -> None:
    assert of(redline(text, text), DELETED, INSERTED) == ""


@given(old=WORDING, new=WORDING)
def test_no_two_runs_of_one_change_follow_each_other(old: str, new: str) -> None:
    changes = [segment.change for segment in redline(old, new)]
    assert all(before is not after for before, after in itertools.pairwise(changes))
