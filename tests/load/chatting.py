"""A browser's tab as the server sees it: an open heartbeat, and events put through Gradio's queue."""

import asyncio
import json
from base64 import b64decode
from contextlib import suppress
from typing import Any, Self
from uuid import uuid4

import httpx

PREFIX = "/gradio_api"


class NotAnswered(Exception):
    """A question that the server did not answer; the status is 0 where it broke off."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Page:
    """What a tab learns once from the page's configuration: the number of each event."""

    def __init__(self, numbers: dict[str, int], room: int) -> None:
        self.numbers = numbers
        self.room = room

    @classmethod
    async def load(cls, client: httpx.AsyncClient) -> Self:
        """Read the configuration that the page reads."""
        config = (await client.get("/config")).raise_for_status().json()
        numbers, room = {}, 0
        for one in config["dependencies"]:
            for component, event in one["targets"]:
                numbers[event] = one["id"]
                room = component or room
        return cls(numbers, room)


class Tab:
    """One session: its questions wait for each other, as in the page."""

    def __init__(self, client: httpx.AsyncClient, page: Page) -> None:
        self.session = uuid4().hex[:12]
        self.asked = 0
        self.last_turn = ""
        self.busy = asyncio.Lock()
        self._client = client
        self._page = page
        self._heart: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Open the heartbeat that keeps the session."""
        self._heart = asyncio.create_task(self._beat())

    async def close(self) -> None:
        """Close the tab; the server forgets its session by and by."""
        if self._heart is not None:
            self._heart.cancel()
            with suppress(asyncio.CancelledError, httpx.HTTPError):
                await self._heart

    async def ask(self, question: str, day: str | None) -> str:
        """The turn's HTML; raises NotAnswered."""
        self.last_turn = uuid4().hex[:16]
        self.asked += 1
        turn = {"id": self.last_turn, "question": question, "history": [], "choices": {"day": day or ""}}
        html, *_ = (await self._event("put", {"turn": turn}))["data"]
        return str(html)

    async def record(self) -> dict[str, Any]:
        """The record of the last answer, as the page saves it."""
        saving = {"format": "json", "citations": True, "turns": [{"id": self.last_turn}]}
        update, *_ = (await self._event("save", {"saving": saving}))["data"]
        made = json.loads(update["props"]["made"])
        if "base64" not in made:
            raise NotAnswered(0, f"nothing to save: {made}")
        record: dict[str, Any] = json.loads(b64decode(made["base64"]))["answers"][0]["answer"]
        return record

    async def _event(self, name: str, sent: object) -> dict[str, Any]:
        body = {
            "data": [None],
            "event_data": sent,
            "fn_index": self._page.numbers[name],
            "trigger_id": self._page.room,
            "session_hash": self.session,
        }
        joined = await self._client.post(f"{PREFIX}/queue/join", json=body)
        if joined.is_error:
            raise NotAnswered(joined.status_code, joined.text[:300])
        return await self._result(joined.json()["event_id"])

    async def _result(self, event: str) -> dict[str, Any]:
        output: dict[str, Any] | None = None
        place = f"{PREFIX}/queue/data"
        async with self._client.stream("GET", place, params={"session_hash": self.session}) as events:
            if events.is_error:
                raise NotAnswered(events.status_code, "no events")
            async for line in events.aiter_lines():
                message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed" and message.get("event_id") == event:
                    output = message["output"]
                    if not message["success"]:
                        raise NotAnswered(500, json.dumps(output)[:300])
                if message.get("msg") in {"close_stream", "unexpected_error"}:
                    break
        if output is None:
            raise NotAnswered(0, "the events ended without the answer")
        return output

    async def _beat(self) -> None:
        place = f"{PREFIX}/heartbeat/{self.session}"
        async with self._client.stream("GET", place, timeout=None) as beats:
            async for _ in beats.aiter_bytes():
                pass
