"""The numbered citations of one answer: each made from a provision of the store, none from anywhere else."""

import re
from dataclasses import dataclass, field
from datetime import date

from assistant.answer import Citation
from assistant.noted import is_noted, noted_application, official_address
from assistant.standing import status_citation
from ingest.corpus import Corpus
from ingest.identifiers import InstrumentId
from ingest.instrument import Authority, Expression, Provision
from ingest.status import TreatyStatus

LONGEST_QUOTE = 1400

_BREAK = re.compile(r"\n|(?<=[.;:])\s")


@dataclass
class CitationBook:
    """Collects the citations of one answer; the same words are cited under the same number."""

    corpus: Corpus
    day: date
    citations: list[Citation] = field(default_factory=list)
    _numbers: dict[tuple[str, str, int, int], int] = field(default_factory=dict)

    def quote(self, provision: Provision, start: int = 0, end: int | None = None) -> int:
        """Cite [start, end) of a provision's text, by the smallest provision that holds it; gives the number.

        A provision of which only our notes are held is cited without words.
        """
        end = len(provision.text) if end is None else end
        expression = self.corpus.expression(provision.expression)
        if is_noted(expression):
            return self._note(expression, provision)
        unit = expression.at(provision.pinpoint.unit)
        start, end = start + provision.offset, end + provision.offset
        smallest = expression.smallest(unit.pinpoint, start, end)
        return self._add(smallest, start - smallest.offset, end - smallest.offset)

    def status(self, treaty: TreatyStatus) -> int:
        """Cite the status table on a treaty."""
        key = (treaty.instrument, "", 0, 0)
        if key not in self._numbers:
            self._numbers[key] = len(self.citations) + 1
            wording = self.corpus.wording_on(treaty.instrument, self.day)
            self.citations.append(status_citation(treaty, wording, self._numbers[key]))
        return self._numbers[key]

    def text(self, number: int) -> str:
        """The words quoted under a number."""
        return self.citations[number - 1].quote or ""

    def instrument(self, number: int) -> InstrumentId:
        """Whose words are quoted under a number."""
        return self.citations[number - 1].instrument

    def _add(self, provision: Provision, start: int, end: int) -> int:
        key = (str(provision.expression), str(provision.pinpoint), start, end)
        if key not in self._numbers:
            self._numbers[key] = len(self.citations) + 1
            self.citations.append(self._citation(provision, start, end, self._numbers[key]))
        return self._numbers[key]

    def _note(self, expression: Expression, provision: Provision) -> int:
        key = (str(expression.id), str(provision.pinpoint), 0, 0)
        if key not in self._numbers:
            self._numbers[key] = len(self.citations) + 1
            application = noted_application(expression, provision, self.day)
            note = Citation(
                n=self._numbers[key],
                instrument=expression.instrument,
                label=f"{provision.label[0].upper()}{provision.label[1:]} of {expression.short_title}",
                authority=Authority.NOTE,
                pinpoint=provision.pinpoint,
                force=application.force,
                applies_from=application.applies_from,
                expression=expression.id,
                url=official_address(expression.instrument, provision.pinpoint),
            )
            self.citations.append(note)
        return self._numbers[key]

    def _citation(self, provision: Provision, start: int, end: int, number: int) -> Citation:
        application = self.corpus.application(provision, self.day)
        return Citation(
            n=number,
            instrument=provision.expression.instrument,
            label=self.corpus.cite(provision),
            authority=self.corpus.authority(provision),
            pinpoint=provision.pinpoint,
            force=application.force,
            applies_from=application.applies_from,
            expression=provision.expression,
            quote=provision.text[start:end],
            start=start,
            end=end,
            url=self.corpus.official_url(provision),
            changed_by=provision.changed_by,
        )


def fit_quote(text: str, start: int, end: int, longest: int = LONGEST_QUOTE) -> tuple[int, int]:
    """A range of a text that is no longer than `longest`, cut where a sentence, a point or a clause ends."""
    while start < end and text[start].isspace():
        start += 1
    if end - start <= longest:
        return start, end
    ends = [match.start() for match in _BREAK.finditer(text, start, start + longest + 1)]
    if ends and ends[-1] > start + longest // 4:
        return start, ends[-1]
    last_space = text.rfind(" ", start, start + longest)
    return start, last_space if last_space > start else start + longest
