"""BEIR-format sets: `corpus.jsonl`, `queries.jsonl` and `qrels/<split>.tsv`, read, checked and written."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.errors import UsageError

CORPUS = "corpus.jsonl"
QUERIES = "queries.jsonl"
QRELS = "qrels"
ENDING = ".tsv"
HEADER = ("query-id", "corpus-id", "score")
MOST = 1_000_000
"""How many documents a set may have: their vectors are held in memory."""

Qrels = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Document:
    """What is to be found."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class BeirSet:
    """Documents, queries by id, and for each split the grades of judged documents by query."""

    name: str
    documents: tuple[Document, ...]
    queries: Mapping[str, str]
    qrels: Mapping[str, Qrels]

    def judged(self, split: str) -> Qrels:
        """The judgements of a split; raises UsageError for one that the set has not."""
        if split not in self.qrels:
            known = ", ".join(self.qrels) or "none"
            raise UsageError(f"{self.name} has no split {split!r}; it has {known}: choose one with --split.")
        return self.qrels[split]


def read_set(folder: Path, split: str) -> BeirSet:
    """Read a set with the judgements of one split; raises UsageError naming file and line."""
    qrels = {split: read_qrels(_find_split(folder, split))}
    queries = {identity: record["text"] for identity, record in _read_records(folder / QUERIES)}
    return check_set(BeirSet(folder.resolve().name, tuple(_read_documents(folder)), queries, qrels))


def check_set(found: BeirSet) -> BeirSet:
    """Give a set back whose judged queries all have a text; raises UsageError for one that has none."""
    for split, judged in found.qrels.items():
        lost = [query for query in judged if query not in found.queries]
        if lost:
            raise UsageError(
                f"{found.name}: query {lost[0]!r} of {QRELS}/{split}{ENDING} is not in {QUERIES}"
                f" ({len(lost)} in all); add its text, or take its lines out."
            )
    return found


def unknown_documents(found: BeirSet, split: str) -> int:
    """How many right documents the set has no text of; they count as never found."""
    known = {document.id for document in found.documents}
    right = {document for judged in found.judged(split).values() for document, grade in judged.items() if grade > 0}
    return len(right - known)


def write_set(found: BeirSet, folder: Path) -> None:
    """Write a set into a folder, its judgements last; raises UsageError when that cannot be done."""
    try:
        (folder / QRELS).mkdir(parents=True, exist_ok=True)
        documents = ({"_id": one.id, "title": one.title, "text": one.text} for one in found.documents)
        _write_records(folder / CORPUS, documents)
        _write_records(folder / QUERIES, ({"_id": one, "text": text} for one, text in found.queries.items()))
        for split, judged in found.qrels.items():
            _write_qrels(folder / QRELS / f"{split}{ENDING}", judged)
    except OSError as error:
        raise UsageError(f"the set cannot be written to {folder} ({error.strerror}); name another folder.") from None


def read_queries(path: Path) -> dict[str, str]:
    """The queries of a file by their ids; raises UsageError naming the line."""
    return {identity: record["text"] for identity, record in _read_records(path)}


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """The grades of a tab-separated file, with or without a header; raises UsageError naming the line."""
    qrels: dict[str, dict[str, int]] = {}
    for number, line in _read_lines(path):
        cells = line.rstrip("\r\n").split("\t")
        if number == 1 and cells[-1].strip().casefold() == HEADER[-1]:
            continue
        query, document, grade = _read_judgement(path, number, cells)
        if qrels.setdefault(query, {}).setdefault(document, grade) != grade:
            raise _fault(path, number, f"{document!r} is judged twice for {query!r}, with different scores; keep one")
    if not qrels:
        raise UsageError(f"{path} holds no judgement; write lines of {', '.join(HEADER)}, parted by tabs.")
    return qrels


def _read_judgement(path: Path, number: int, cells: list[str]) -> tuple[str, str, int]:
    if len(cells) != len(HEADER) or not all(cell.strip() for cell in cells):
        raise _fault(path, number, f"{len(cells)} columns; it has three, parted by tabs: {', '.join(HEADER)}")
    try:
        return cells[0], cells[1], int(cells[2])
    except ValueError:
        raise _fault(path, number, f"score {cells[2]!r} is no whole number; 0 is wrong, 1 and more is right") from None


def _find_split(folder: Path, split: str) -> Path:
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; name one with {CORPUS}, {QUERIES} and {QRELS}/<split>{ENDING}.")
    path = folder / QRELS / f"{split}{ENDING}"
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in (folder / QRELS).glob(f"*{ENDING}"))) or "none"
        raise UsageError(f"{folder} has no split {split!r}; it has {known}: choose one with --split.")
    return path


def _read_documents(folder: Path) -> Iterator[Document]:
    for place, (identity, record) in enumerate(_read_records(folder / CORPUS)):
        if place == MOST:
            raise UsageError(f"{folder / CORPUS} has more than {MOST:,} documents, more than fit in memory here.")
        title = record.get("title") or ""
        yield Document(identity, title if isinstance(title, str) else str(title), record["text"])


def _read_records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records of a JSON Lines file with their ids, each of which has a text and is used once."""
    seen: dict[str, int] = {}
    for number, line in _read_lines(path):
        record = _read_record(path, number, line)
        identity = record["_id"]
        if seen.setdefault(identity, number) != number:
            raise _fault(path, number, f"_id {identity!r} is used twice, first in line {seen[identity]}")
        yield identity, record
    if not seen:
        raise UsageError(f'{path} is empty; write one {{"_id": …, "text": …}} a line.')


def _read_record(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _fault(path, number, f"broken JSON ({getattr(error, 'msg', 'nested too deep')})") from None
    if not isinstance(record, dict):
        raise _fault(path, number, 'it is no JSON object; write {"_id": …, "text": …}')
    for key in ("_id", "text"):
        if not isinstance(record.get(key), str) or (key == "_id" and not record[key].strip()):
            raise _fault(path, number, f"{key!r} is missing or no text")
    return record


def _read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers."""
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                line = _decode(path, number, raw)
                if line.strip():
                    yield number, line
    except OSError as error:
        needed = f"{CORPUS}, {QUERIES} and {QRELS}/<split>{ENDING}"
        raise UsageError(f"{path} cannot be read ({error.strerror}); a set has {needed}.") from None


def _decode(path: Path, number: int, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError:
        raise _fault(path, number, "not UTF-8; save the file as UTF-8") from None


def _fault(path: Path, number: int, what: str) -> UsageError:
    return UsageError(f"{path.name}, line {number}: {what}.")


def _write_records(path: Path, records: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _write_qrels(path: Path, judged: Qrels) -> None:
    lines = [HEADER, *((query, one, str(grade)) for query, grades in judged.items() for one, grade in grades.items())]
    path.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8", newline="\n")
