"""A real small model on this machine: whatever it writes, nothing is shown that the passages do not carry."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from assistant.answer import ClaimKind
from assistant.checking import check_sentence
from assistant.drafting import DraftSentence
from assistant.errors import ModelError
from assistant.grounding import find_faults
from assistant.local_model import find_gguf, point_to, serve_model
from assistant.prose import Prose, make_brief
from assistant.settings import Settings
from assistant.writers.model import ModelWriter
from ingest.embedding import open_embedder
from tests.assistant.gardens import DAY, make_corpus, make_quoted

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve_model(find_gguf(None), context=4096) as served:
        yield served


@pytest.mark.usefixtures("embedding")
def test_a_small_model_writes_and_is_checked(address: str) -> None:
    corpus, embedder = make_corpus(), open_embedder()
    quoted = make_quoted(corpus)
    settings = Settings(model="openai:local", model_base_url=address, model_timeout=40)
    began = monotonic()
    answer = list(Prose(ModelWriter.of(settings), corpus, embedder).follow(quoted, Event()))[-1]
    assert monotonic() - began < 60
    said = [claim for claim in answer.summary if claim.kind is ClaimKind.MODEL]
    assert said or answer.dropped or answer.notices, "the model left no trace"
    assert not list(find_faults(answer, corpus))
    passages = make_brief(quoted, corpus).passages
    for claim in said:
        sentence = DraftSentence(claim.text, claim.citations)
        assert check_sentence(sentence, passages, corpus, embedder, DAY) == ()


def test_a_small_model_can_be_tried(address: str) -> None:
    ability = ModelWriter.of(Settings(model="openai:local", model_base_url=address)).probe()
    assert ability.streams and ability.structured and ability.context == 4096


def test_one_command_runs_with_it_and_both_end(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "assistant.local_model", "run", "doctor", "--corpus", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "openai:local, questions and passages go to 127.0.0.1, streams, keeps to a JSON schema" in ran.stdout
    port = re.search(r"http://127\.0\.0\.1:(\d+)/v1", ran.stderr)
    assert port is not None
    with pytest.raises(OSError):
        import socket

        socket.create_connection(("127.0.0.1", int(port[1])), timeout=1)


def test_a_server_ends_with_whoever_started_it() -> None:
    program = (
        "import os, signal\nfrom assistant.local_model import find_gguf, serve_model\n"
        "with serve_model(find_gguf(None)) as address:\n    print(address, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == -signal.SIGKILL
    port = int(ran.stdout.strip().removesuffix("/v1").rpartition(":")[2])
    deadline = monotonic() + 10
    while monotonic() < deadline and _is_open(port):
        pass
    assert not _is_open(port)


def _is_open(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_weights_that_are_none_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no file"):
        find_gguf(tmp_path / "none.gguf")
    (tmp_path / "text.gguf").write_text("no weights")
    with pytest.raises(ModelError, match="is no GGUF file"):
        find_gguf(tmp_path / "text.gguf")


def test_broken_weights_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ModelError, match="ended at once"), serve_model(tmp_path / "broken.gguf"):
        pass


def test_what_the_user_set_for_another_model_is_not_used() -> None:
    made = point_to("http://127.0.0.1:1/v1", {"VISAVIS_MODEL": "openai:gpt-5", "VISAVIS_MODEL_KEY": "secret"})
    assert made["VISAVIS_MODEL"] == "openai:local" and "secret" not in made.values()
    assert "VISAVIS_MODEL" not in os.environ
