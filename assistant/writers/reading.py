"""What a model writes, read as it arrives: sentences from a JSON object or from lines, however loosely kept."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from assistant.drafting import DraftSentence

T = TypeVar("T")

LONGEST_SENTENCE = 2000
"""Characters without the end of a sentence, after which a model is taken to run on."""

_NUMBERS = re.compile(r"\[\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*\]")
_QUOTE = re.compile(r"«\s*([^«»]{1,600}?)\s*»")
_BULLET = re.compile(r"^\s*(?:[-*•]\s+|\d{1,2}\.\s+(?=\[))")
_FENCE = re.compile(r"^\s*```\w*\s*$")
_CLAIMS = re.compile(r'"claims"\s*:\s*\[')
_FINISHED = re.compile(r"[.!?…;:]['\"”’»)\]]*$")
_SPACE = re.compile(r"\s+")
_BETWEEN = " \t\r\n,"


class BrokenText(Exception):
    """What arrived cannot be read on: the text says why."""


@dataclass
class Reader:
    """Takes the model's text piece by piece and gives each sentence as soon as it is whole."""

    _rest: str = ""
    _is_json: bool | None = None
    _claims: bool = False
    _seen: set[str] = field(default_factory=set)

    def read_all(self, pieces: Iterable[str]) -> Iterator[DraftSentence]:
        """The sentences of all pieces as they arrive; raises BrokenText where there will be no more."""
        for piece in pieces:
            yield from self.read(piece)
        yield from self.end()

    def read(self, piece: str) -> Iterator[DraftSentence]:
        """The sentences that are whole with this piece; raises BrokenText where there will be no more."""
        self._rest += piece
        yield from self._read()
        if len(self._rest) > LONGEST_SENTENCE:
            raise BrokenText("ran on without ending a sentence")

    def end(self) -> Iterator[DraftSentence]:
        """What is left when the model has ended; raises BrokenText where it was cut off."""
        if self._is_json:
            yield from self._read()
            if not self._claims:
                raise BrokenText("gave JSON of another shape")
            if not self._rest.lstrip(_BETWEEN).startswith("]"):
                raise BrokenText("gave broken or unfinished JSON")
            return
        last, self._rest = self._rest, ""
        if self._is_json is None or not last.strip() or _FENCE.match(last):
            return
        sentence = self._line(last)
        if not _FINISHED.search(last.rstrip()) and (sentence is None or not _FINISHED.search(sentence.text)):
            raise BrokenText("broke its answer off")
        if sentence is not None:
            yield sentence

    def _read(self) -> Iterator[DraftSentence]:
        if self._is_json is None:
            self._open()
        if self._is_json:
            yield from self._objects()
        elif self._is_json is False:
            yield from self._lines()

    def _open(self) -> None:
        """Tell a JSON object, bare or in a code fence, from lines."""
        opened = self._rest.lstrip()
        if opened.startswith("`"):
            opened = opened.partition("\n")[2]
        if opened.strip():
            self._is_json = opened.lstrip().startswith("{")

    def _objects(self) -> Iterator[DraftSentence]:
        if not self._claims:
            opening = _CLAIMS.search(self._rest)
            if opening is None:
                return
            self._claims, self._rest = True, self._rest[opening.end() :]
        while (start := self._rest.lstrip(_BETWEEN)).startswith("{"):
            try:
                claim, end = json.JSONDecoder().raw_decode(start)
            except json.JSONDecodeError:
                return
            self._rest = start[end:]
            yield from self._keep(_read_claim(claim))

    def _lines(self) -> Iterator[DraftSentence]:
        while "\n" in self._rest:
            line, _, self._rest = self._rest.partition("\n")
            yield from self._keep(self._line(line))

    def _line(self, line: str) -> DraftSentence | None:
        line = _BULLET.sub("", line)
        numbers = [int(one) for group in _NUMBERS.findall(line) for one in re.findall(r"\d+", group)]
        quotes = tuple(_QUOTE.findall(line))
        text = _tidy(_NUMBERS.sub("", _QUOTE.sub("", line)))
        return DraftSentence(text, tuple(dict.fromkeys(numbers)), quotes) if text and not _FENCE.match(line) else None

    def _keep(self, sentence: DraftSentence | None) -> Iterator[DraftSentence]:
        """The sentence, unless it is none; raises BrokenText where it has been read before."""
        if sentence is None:
            return
        key = sentence.text.casefold()
        if key in self._seen:
            raise BrokenText("repeated itself")
        self._seen.add(key)
        yield sentence


def _read_claim(claim: object) -> DraftSentence | None:
    """A sentence from an object of the JSON form; raises BrokenText where it is another object."""
    if not isinstance(claim, dict):
        raise BrokenText("gave JSON of another shape")
    text, passages, quotes = claim.get("text"), _listed(claim, "passages", int), _listed(claim, "quotes", str)
    if not isinstance(text, str):
        raise BrokenText("gave JSON of another shape")
    text = _tidy(_NUMBERS.sub("", text))
    return DraftSentence(text, tuple(dict.fromkeys(passages)), tuple(filter(None, quotes))) if text else None


def _listed(claim: dict[str, object], name: str, kind: type[T]) -> list[T]:
    """The list under a name, none where it is left out; raises BrokenText where it is no list of that kind."""
    things = claim.get(name, [])
    if not isinstance(things, list) or not all(type(one) is kind for one in things):
        raise BrokenText("gave JSON of another shape")
    return things


def _tidy(text: str) -> str:
    return _SPACE.sub(" ", text).replace(" .", ".").replace(" ,", ",").strip()
