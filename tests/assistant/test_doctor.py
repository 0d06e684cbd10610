"""What the doctor says of who writes."""

import pytest

from assistant.doctor import check_writer
from tests.assistant.scripted import KEY, Play, serve


def test_without_a_model_the_quoting_writer_is_well() -> None:
    check = check_writer()
    assert (check.name, check.state) == ("writer", "well") and "none is needed" in check.text


def test_a_model_is_tried_and_what_it_can_do_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Play("one two three four five six seven eight nine"), Play('{"well": true}')) as script:
        monkeypatch.setenv("VISAVIS_MODEL", "openai:scripted")
        monkeypatch.setenv("VISAVIS_MODEL_BASE_URL", script.address)
        check = check_writer()
    assert check.state == "well"
    assert "go to 127.0.0.1, streams, keeps to a JSON schema, a context of 4096 tokens" in check.text


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("VISAVIS_MODEL_TIMEOUT", "soon", "VISAVIS_MODEL_TIMEOUT 'soon'"),
        ("VISAVIS_MODEL_BASE_URL", "http://127.0.0.1:9/v1", "cannot be reached"),
        ("VISAVIS_MODEL_KEY_FILE", "/nowhere/key", "cannot be read"),
    ],
)
def test_a_model_that_cannot_be_used_is_broken(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_MODEL", "openai:scripted")
    monkeypatch.setenv("VISAVIS_MODEL_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv(name, value)
    check = check_writer()
    assert check.state == "broken" and said in check.text and "\n" not in check.text


def test_a_refused_key_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Play(status=401)) as script:
        monkeypatch.setenv("VISAVIS_MODEL", "openai:scripted")
        monkeypatch.setenv("VISAVIS_MODEL_BASE_URL", script.address)
        monkeypatch.setenv("VISAVIS_MODEL_KEY", KEY)
        check = check_writer()
    assert check.state == "broken" and "refused the key" in check.text and KEY not in check.text
