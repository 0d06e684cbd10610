import asyncio
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.ui.still import StillDesk
from ui.api import create_app
from ui.headers import SECURITY_HEADERS


async def create_in_a_loop(desk: StillDesk) -> FastAPI:
    """The application made where a loop runs: elsewhere Gradio opens loops of its own and never closes them."""
    return create_app(desk, allowed_origins=["https://intranet.example"])


@pytest.fixture
def client(desk: StillDesk) -> Iterator[TestClient]:
    with TestClient(asyncio.run(create_in_a_loop(desk))) as client:
        yield client
    assert desk.closed


def test_health_names_the_corpus(client: TestClient) -> None:
    response = client.get("/healthz")
    assert response.json() == {"status": "ok", "corpus": "0123456789abcdef"}


@pytest.mark.parametrize("path", ["/healthz", "/", "/nowhere", "/theme.css"])
def test_every_response_has_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "frame-ancestors 'self'" in headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/healthz", "/", "/gradio_api/startup-events", "/config"])
def test_no_origin_is_echoed_but_the_allowed_ones(client: TestClient, path: str) -> None:
    assert "access-control-allow-origin" not in client.get(path, headers={"Origin": "https://evil.example"}).headers
    allowed = client.get(path, headers={"Origin": "https://intranet.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://intranet.example"


def test_the_page_is_gradios_in_english_with_its_extras_off(client: TestClient) -> None:
    page = client.get("/").text
    assert '<html\n\tlang="en"' in page
    config = client.get("/config").json()
    assert config["footer_links"] == []
    assert not config["analytics_enabled"]
    assert client.get("/gradio_api/runs").status_code == 404
    assert client.get("/monitoring").status_code in {403, 404}


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", "/gradio_api/docs"])
def test_no_page_of_documentation_loads_its_scripts_from_elsewhere(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert "://" not in response.text


def test_nothing_can_be_uploaded(client: TestClient) -> None:
    response = client.post("/gradio_api/upload", files={"files": ("a.txt", b"more than one byte")})
    assert response.status_code == 404


def test_a_question_gives_the_record(client: TestClient, desk: StillDesk) -> None:
    asked = {"question": "What is a rose?", "history": ["Hello"], "as_of": "2025-01-01"}
    response = client.post("/api/v1/ask", json=asked)
    assert response.status_code == 200
    record = response.json()
    assert (record["schema"], record["question"], record["as_of"]) == (
        "visavis.answer/1",
        "What is a rose?",
        "2025-01-01",
    )
    assert desk.current.asked[0].history == ("Hello",)
    assert record["citations"][0]["quote"].startswith("(a) roses")


def test_the_day_is_today_unless_named(client: TestClient) -> None:
    assert client.post("/api/v1/ask", json={"question": "What is a rose?"}).json()["as_of"] == "2026-11-23"


def test_what_cannot_be_answered_is_a_problem_in_one_line(client: TestClient) -> None:
    response = client.post("/api/v1/ask", json={"question": " "})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "the question is empty; ask in a sentence."
