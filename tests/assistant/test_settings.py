"""Settings: where they come from, what is refused in one line, and that a key is shown nowhere."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from assistant.errors import SettingsError
from assistant.settings import Form, Settings, WriterName, load_settings, settings_path

KEY = "sk-not-to-be-seen-4711"


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_without_anything_the_law_is_quoted() -> None:
    settings = load_settings()
    assert settings.model is None and settings.writer is WriterName.QUOTING and settings.model_host is None


def test_a_model_writes_once_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_MODEL", "anthropic:claude-sonnet-4-5")
    assert load_settings().writer is WriterName.MODEL
    assert load_settings().model_host == "api.anthropic.com"
    assert load_settings(writer="quoting").writer is WriterName.QUOTING


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write(settings_path(), 'model = "openai:one"\nmodel_timeout = 5\nmodel_form = "lines"\n')
    monkeypatch.setenv("VISAVIS_MODEL", "openai:two")
    settings = load_settings()
    assert (settings.model, settings.model_timeout, settings.model_form) == ("openai:two", 5.0, Form.LINES)


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_MODEL", "")
    assert load_settings().model is None


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("VISAVIS_MODEL", "gpt", "VISAVIS_MODEL 'gpt': is no provider:name"),
        ("VISAVIS_MODEL_TIMEOUT", "soon", "VISAVIS_MODEL_TIMEOUT 'soon'"),
        ("VISAVIS_MODEL_TIMEOUT", "0", "VISAVIS_MODEL_TIMEOUT '0'"),
        ("VISAVIS_MODEL_BASE_URL", "localhost:8080", "is no address"),
        ("VISAVIS_MODEL_BASE_URL", "https://me:pass@models.example/v1", "VISAVIS_MODEL_KEY"),
        ("VISAVIS_WRITER", "poet", "VISAVIS_WRITER 'poet'"),
        ("VISAVIS_WRITER", "model", "no model is set"),
        ("VISAVIS_MODEL_TIMOUT", "5", "unknown setting VISAVIS_MODEL_TIMOUT"),
        ("VISAVIS_CONFIG", "/nowhere/visavis.toml", "which is no file"),
    ],
)
def test_a_wrong_setting_is_one_line(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('modle = "openai:x"\n', "unknown setting 'modle'"),
        (f'model_key = "{KEY}"\n', "holds model_key; put the key into VISAVIS_MODEL_KEY"),
        ("model = \n", "is no TOML file"),
    ],
)
def test_a_wrong_file_is_one_line(text: str, said: str) -> None:
    path = write(settings_path(), text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert said in str(caught.value) and str(path) in str(caught.value)
    assert "\n" not in str(caught.value) and KEY not in str(caught.value)


def test_a_key_is_read_from_its_file(tmp_path: Path) -> None:
    key = Settings(model_key_file=write(tmp_path / "key", f"{KEY}\n")).read_key()
    assert key is not None and key.get_secret_value() == KEY and KEY not in repr(key)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "key", KEY, mode)
    with pytest.raises(SettingsError, match="chmod 600") as caught:
        Settings(model_key_file=path).read_key()
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("content", ["", "two words"])
def test_a_key_file_holds_the_key_alone(tmp_path: Path, content: str) -> None:
    with pytest.raises(SettingsError, match="put the key alone in it"):
        Settings(model_key_file=write(tmp_path / "key", content)).read_key()


def test_a_missing_key_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings(model_key_file=tmp_path / "none").read_key()


def test_a_key_is_masked_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_MODEL_KEY", KEY)
    settings = load_settings()
    shown = (repr(settings), str(settings), json.dumps(settings.model_dump(mode="json")), settings.model_dump_json())
    assert not [text for text in shown if KEY in text]
    monkeypatch.setenv("VISAVIS_MODEL", KEY)
    monkeypatch.setenv("VISAVIS_MODEL_TIMEOUT", "soon")
    monkeypatch.delenv("VISAVIS_MODEL")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert KEY not in str(caught.value)


def test_ask_refuses_the_model_s_writer_without_a_model() -> None:
    from assistant.cli import ask

    result = CliRunner().invoke(ask, ["a question", "--writer", "model"])
    assert isinstance(result.exception, SettingsError) and "no model is set" in str(result.exception)
    assert not os.environ.get("VISAVIS_MODEL")
