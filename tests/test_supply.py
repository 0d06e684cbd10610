"""What we build from: our own code looked over, the packages looked up, and the bill of materials."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CHECKOUT

LOCK = "requirements.lock"
ROOMS = ("ingest", "assistant", "ui", "eval", "visavis.py")
NOSEC = re.compile(r"#\s*nosec\b(?P<rest>.*)")
REASONED = re.compile(r"\sB\d{3}(?:, ?B\d{3})* # \S+")
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", re.MULTILINE)


def tool(name: str, *arguments: object, timeout: float = 100) -> subprocess.CompletedProcess[str]:
    """Run a tool of the environment from the checkout."""
    command = [str(Path(sys.executable).parent / name), *map(str, arguments)]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=timeout, check=False)


def pinned() -> dict[str, str]:
    """The packages of the lock, with their versions."""
    return {name.lower(): version for name, version in PINNED.findall((CHECKOUT / LOCK).read_text(encoding="utf-8"))}


# Our own code


def test_nothing_of_medium_severity_or_above_is_found_in_our_code() -> None:
    ran = tool("bandit", "--quiet", "--recursive", "--severity-level", "medium", "--format", "json", *ROOMS)
    found = json.loads(ran.stdout)
    assert found["errors"] == []
    said = [f"{one['filename']}:{one['line_number']} {one['test_id']} {one['issue_text']}" for one in found["results"]]
    assert said == [], "\n".join(said)


def test_every_exception_names_its_rule_and_its_reason() -> None:
    sources = [
        path
        for room in ROOMS
        for path in ([CHECKOUT / room] if room.endswith(".py") else (CHECKOUT / room).rglob("*.py"))
    ]
    assert len(sources) > 50
    bare = [
        f"{path.relative_to(CHECKOUT)}:{number}"
        for path in sources
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (match := NOSEC.search(line)) and not REASONED.match(match["rest"])
    ]
    assert bare == []


# The packages


def look_up(requirements: Path) -> list[dict[str, Any]]:
    """What the database of known vulnerabilities says of the packages of a file; skips where it was not reached."""
    try:
        ran = tool(
            "pip-audit",
            *("--requirement", requirements, "--no-deps", "--disable-pip"),
            *("--format", "json", "--progress-spinner", "off", "--timeout", 10),
        )
    except subprocess.TimeoutExpired:
        pytest.skip("the database of known vulnerabilities was not reached: no answer in time")
    try:
        dependencies: list[dict[str, Any]] = json.loads(ran.stdout)["dependencies"]
    except (ValueError, KeyError):
        pytest.skip(f"the database of known vulnerabilities was not reached: {last_line(ran.stderr)}")
    if all("skip_reason" in one for one in dependencies):
        pytest.skip("the database of known vulnerabilities was not reached: it knows none of the packages")
    return dependencies


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["pip-audit said nothing"])[-1]


def vulnerable(dependencies: Sequence[dict[str, Any]]) -> list[str]:
    """The packages with known vulnerabilities, as lines."""
    return [
        f"{one['name']} {one['version']}: {', '.join(vuln['id'] for vuln in one['vulns'])}"
        f" (better: {', '.join(fix for vuln in one['vulns'] for fix in vuln['fix_versions']) or 'none yet'})"
        for one in dependencies
        if one.get("vulns")
    ]


def test_no_locked_package_has_a_known_vulnerability(tmp_path: Path) -> None:
    one = tmp_path / "one.txt"  # first a single package, so that a database out of reach is asked no more than that
    one.write_text(f"jinja2=={pinned()['jinja2']}\n", encoding="utf-8")
    look_up(one)
    found = vulnerable(look_up(CHECKOUT / LOCK))
    assert found == [], "\n".join(found)


def test_a_known_vulnerability_would_be_told() -> None:
    """The form that pip-audit gives a finding in, and one package that it could not look up."""
    known = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
    assert vulnerable([known, {"name": "other", "skip_reason": "not found"}]) == ["old 1.0: PYSEC-1 (better: 1.1)"]


# The bill of materials


def sbom(path: Path) -> dict[str, Any]:
    """The bill of materials as `make sbom` writes it."""
    recipe = (CHECKOUT / "Makefile").read_text(encoding="utf-8").partition("\nsbom:")[2].partition("\n\n")[0]
    command = " ".join(recipe.partition("cyclonedx-py ")[2].replace("\\\n", " ").split())
    arguments = command.replace("$(ARGS)", "").replace("dist/visavis.cdx.json", str(path)).split()
    ran = tool("cyclonedx-py", *arguments)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_bill_of_materials_lists_the_lock_and_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    found = sbom(first)
    sbom(second)
    assert first.read_bytes() == second.read_bytes()
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    listed = {one["name"].lower(): one["version"] for one in found["components"]}
    assert listed == pinned() and len(listed) > 100
    assert all(one["purl"].startswith("pkg:pypi/") for one in found["components"])
    assert found["metadata"]["component"]["name"] == "visavis"
    assert "timestamp" not in found["metadata"] and "serialNumber" not in found
