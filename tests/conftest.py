"""What tests share: the official texts where there are any, Debian's Chromium, and a home of their own."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
KEPT = ("VISAVIS_CORPUS", "VISAVIS_REQUIRE")
XDG = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")


def give_home(environment: pytest.MonkeyPatch, home: Path) -> None:
    """Put every folder that the program writes under `home`, and fix the day."""
    environment.setenv("HOME", str(home))
    environment.setenv("VISAVIS_INDEX", str(home / "index"))
    environment.setenv("VISAVIS_TODAY", "2026-11-23")
    environment.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    for variable in XDG:
        environment.setenv(variable, str(home / variable.removeprefix("XDG_").lower()))


def require(name: str, reason: str) -> NoReturn:
    """Skip for want of `name`, or fail where VISAVIS_REQUIRE lists it."""
    required = os.environ.get("VISAVIS_REQUIRE", "").split(",")
    if name in (entry.strip() for entry in required):
        pytest.fail(f"VISAVIS_REQUIRE names {name}, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def clean_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the settings and folders of whoever runs the tests out of session-wide fixtures."""
    with pytest.MonkeyPatch.context() as environment:
        for variable in [name for name in os.environ if name.startswith("VISAVIS_") and name not in KEPT]:
            environment.delenv(variable)
        give_home(environment, tmp_path_factory.mktemp("session-home"))
        yield


@pytest.fixture(autouse=True)
def home(clean_session: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for every test, with the index in it."""
    folder = tmp_path_factory.mktemp("home")
    give_home(monkeypatch, folder)
    return folder


@pytest.fixture(scope="session")
def corpus_dir() -> Path:
    """The folder of the official texts: $VISAVIS_CORPUS, or the copy beside the checkout."""
    folder = Path(os.environ.get("VISAVIS_CORPUS") or CHECKOUT.parent / "shared" / "corpus")
    if not folder.is_dir():
        require("corpus", f"the official texts are not in {folder}; set VISAVIS_CORPUS to their folder.")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Debian's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        require("chromium", "no chromium is on the PATH; install Debian's package chromium.")
    return Path(found)
