"""The gate on the gold's test half, with the official texts: what was reached once is not lost."""

from pathlib import Path

import pytest

import visavis


@pytest.mark.timeout(900)
def test_the_test_half_loses_nothing_that_was_reached(
    built_index: Path,
    corpus_dir: Path,
    embedding: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VISAVIS_INDEX", str(built_index))
    code = visavis.main(["eval", "gate", "--half", "test", "--corpus", str(corpus_dir)])
    printed = capsys.readouterr()
    assert code == 0, printed.out + printed.err
    assert "both sides@10" in printed.out
    assert "target" in printed.out
