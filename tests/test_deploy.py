"""What is laid out in deploy/ for elsewhere: checked as far as it can be without running it."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from tests.conftest import CHECKOUT, require
from tests.small_corpus import run_visavis
from ui.operation.nginx import Site, write_configuration
from ui.operation.replicas import find_nginx
from ui.settings import ServeSettings

DEPLOY = CHECKOUT / "deploy"
HEADER = (
    "# Written by `python -m tests.test_deploy`: what ui/operation/nginx.py makes of the replicas of compose.yaml.\n\n"
)
# Read in ingest/, which has no settings of its own.
OF_THE_TEXTS = {"VISAVIS_CORPUS", "VISAVIS_INDEX", "VISAVIS_DOCUMENTS", "VISAVIS_CHROMA_URL", "VISAVIS_CONFIG"}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Build(Strict):
    context: str
    dockerfile: str


class Condition(Strict):
    condition: Literal["service_started", "service_healthy", "service_completed_successfully"]


class Address(Strict):
    ipv4_address: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+\.\d+$")] | None = None


class Health(Strict):
    test: list[str]
    interval: Annotated[str, Field(pattern=r"^\d+s$")]
    retries: int


class Service(Strict):
    """The part of the Compose specification's `service` that is used here."""

    image: str
    build: Build | None = None
    command: list[str] | None = None
    environment: dict[str, str] = {}
    secrets: list[str] = []
    volumes: list[str] = []
    ports: list[str] = []
    networks: dict[str, Address] = {}
    depends_on: list[str] | dict[str, Condition] = []
    healthcheck: Health | None = None
    profiles: list[str] = []
    restart: Literal["no", "always", "on-failure", "unless-stopped"] = "no"
    read_only: bool = False
    tmpfs: list[str] = []
    cap_drop: list[str] = []
    security_opt: list[str] = []
    stop_grace_period: Annotated[str, Field(pattern=r"^\d+s$")] = "10s"


class Compose(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)  # of x-... nothing is asked

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    services: dict[str, Service]
    networks: dict[str, Any]
    secrets: dict[str, dict[str, str]]
    volumes: dict[str, dict[str, Any]]


def load() -> Compose:
    return Compose.model_validate(yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8")))


def site() -> Site:
    services = load().services
    names = [name for name, one in services.items() if name.startswith("replica-")]
    return Site("7860", [f"{services[name].networks['default'].ipv4_address}:7860" for name in names])


def test_every_name_that_the_compose_file_uses_is_defined_in_it() -> None:
    compose = load()
    for name, service in compose.services.items():
        assert set(service.depends_on) <= compose.services.keys(), name
        assert set(service.secrets) <= compose.secrets.keys(), name
        mounted = [volume.partition(":")[0] for volume in service.volumes]
        assert {one for one in mounted if re.fullmatch(r"[a-z]+", one)} <= compose.volumes.keys(), name
    whole = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert {key for key in whole if not key.startswith("x-")} == set(Compose.model_fields)


def test_what_the_compose_file_sets_is_a_setting_of_the_program() -> None:
    known = OF_THE_TEXTS | {f"VISAVIS_{name}".upper() for name in ServeSettings.model_fields}
    for service in load().services.values():
        assert {name for name in service.environment if name.startswith("VISAVIS_")} <= known
    unit = (DEPLOY / "visavis.service").read_text(encoding="utf-8")
    assert set(re.findall(r"^Environment=(VISAVIS_\w+)", unit, re.MULTILINE)) <= known


def test_docker_takes_the_compose_file() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("Docker's compose plugin is not installed.")
    told = subprocess.run(
        [docker, "compose", "-f", str(DEPLOY / "compose.yaml"), "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr


def test_nginx_is_told_of_the_replicas_of_the_compose_file() -> None:
    assert (DEPLOY / "nginx.conf").read_text(encoding="utf-8") == HEADER + site().text()
    assert len(site().replicas) == 3


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    try:
        program = find_nginx()
    except Exception as error:
        require("nginx", str(error))
    (tmp_path / "nginx.conf").write_text(write_configuration(site(), tmp_path), encoding="utf-8")
    told = subprocess.run(
        [program, "-t", "-e", "stderr", "-p", str(tmp_path), "-c", "nginx.conf"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed.")
    unit = (DEPLOY / "visavis.service").read_text(encoding="utf-8")
    [program] = re.findall(r"^ExecStart=(\S+)", unit, re.MULTILINE)
    # Only that the program is not installed here may be wrong with it.
    (tmp_path / "visavis.service").write_text(unit.replace(program, "/bin/true"), encoding="utf-8")
    told = subprocess.run(
        [analyze, "verify", "--man=no", str(tmp_path / "visavis.service")], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0 and "visavis.service" not in told.stderr, told.stderr


@pytest.mark.parametrize("file", ["visavis.service", "Containerfile"])
def test_the_commands_that_are_started_have_these_options(file: str) -> None:
    text = (DEPLOY / file).read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith(("ExecStart=", 'CMD ["serve"')))
    words = re.findall(r"[\w./-]+", line)
    command = next(word for word in words if word in {"serve", "replicas"})
    told = run_visavis(command, "--help").out
    options = [word for word in words if word.startswith("--")]
    assert options and all(option in told for option in options)


if __name__ == "__main__":
    (DEPLOY / "nginx.conf").write_text(HEADER + site().text(), encoding="utf-8")
