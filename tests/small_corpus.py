"""A small invented corpus with a manifest of its own: a treaty in PDF, a regulation in HTML, a guide and a column."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

FRONT_DOOR = Path(__file__).resolve().parent.parent / "visavis.py"

TREATY = "treaty/garden_treaty.pdf"
ACT = "act/garden_act.html"
GUIDE = "guide/garden_guide.md"
NEWS = "guide/garden_news.txt"

# A treaty's blocks: "B" for a heading, "R" for text, a label for a numbered paragraph; a bar parts printed lines.
TREATY_BLOCKS = [
    ("B", "Garden Treaty"),
    ("B", "Preamble"),
    ("R", "The States that sign this Treaty,"),
    ("R", "Convinced that gardens are a common good;"),
    ("R", "Mindful of the bees,"),
    ("R", "Have agreed as follows:"),
    ("B", "Chapter I – General provisions"),
    ("B", "Article 1 – Purpose"),
    ("R", "This Treaty protects public gardens|and those who tend them."),
    ("B", "Article 2 – Definition of a garden"),
    ("R", "For the purposes of this Treaty a garden is|enclosed land where plants are grown."),
    ("B", "Chapter II – Duties"),
    ("B", "Article 3 – Watering"),
    ("1", "Each Party shall water its gardens|in times of drought."),
    ("2", "Each Party shall report every two years|on the water that it used."),
    ("B", "Article 4 – Denunciation"),
    ("R", "A Party may leave this Treaty|by a notice of six months."),
    ("R", "In witness whereof the undersigned have signed this Treaty."),
]
ARTICLES = {
    "1": ("Subject matter", "This Regulation lays down rules on the sale of seeds and on hedges."),
    "2": (
        "Definitions",
        "For the purposes of this Regulation ‘seed’ means the part of a plant from which another grows.",
    ),
    "3": ("Prohibited hedges", "No person shall plant a hedge of more than three metres beside a neighbour’s window."),
    "4": ("Penalties", "Member States shall lay down penalties, and may exempt a hedge that shelters rare birds."),
}
GUIDE_TEXT = """# Guide to gardens

## Hedges

A hedge is measured from the ground to its highest leaf.

A trellis with ivy on it is no hedge.

## Watering

Water in the evening, and never on the leaves.
"""
NEWS_TEXT = "Gardeners met in the capital.\n\nThey spoke of drought and of rain barrels.\n"


Lines = list[tuple[float, float, float, str, str]]


def lay_out(blocks: list[tuple[str, str]]) -> list[Lines]:
    """Pages of lines, as the Council of Europe prints a treaty."""
    pages: list[Lines] = []
    for first in range(0, len(blocks), 10):
        lines: Lines = []
        y = 680.0
        for kind, text in blocks[first : first + 10]:
            labelled = kind not in {"B", "R"}
            if labelled:
                lines.append((72, y, 8, "R", kind))
            for printed in text.split("|"):
                lines.append((100 if labelled else 72, y, 11, "B" if kind == "B" else "R", printed))
                y -= 13
            y -= 30
        pages.append(lines)
    return pages


def make_treaty(blocks: list[tuple[str, str]] = TREATY_BLOCKS) -> bytes:
    return make_pdf(*lay_out(blocks))


def make_pdf(*pages: Lines, extra: str = "", page: str = "") -> bytes:
    """A PDF with a page for each list of lines: x, y, size, "B" for bold, text; `extra` goes into the catalogue."""
    contents = [
        b"\n".join(
            f"BT /{font} {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET".encode("cp1252")
            for x, y, size, font, text in lines
        )
        for lines in pages
    ]
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(pages)))
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {extra} >>".encode(),
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode(),
        (font % "Helvetica").encode(),
        (font % "Helvetica-Bold").encode(),
    ]
    for number, content in enumerate(contents):
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {6 + 2 * number} 0 R {page}"
            " /Resources << /Font << /R 3 0 R /B 4 0 R >> >> >>".encode(),
            f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream",
        ]
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    tail = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return bytes(out) + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{tail}".encode()


def make_act(articles: dict[str, tuple[str, str]]) -> bytes:
    """A regulation with two recitals as EUR-Lex prints one."""
    recitals = "".join(
        f'<div class="eli-subdivision" id="rct_{number}"><table><tr><td><p>({number})</p></td><td><p>{text}</p></td>'
        "</tr></table></div>"
        for number, text in enumerate(("Hedges part neighbours.", "Seeds travel over borders."), start=1)
    )
    body = "".join(
        f'<div class="eli-subdivision" id="art_{label}"><p class="oj-ti-art">Article {label}</p>'
        f'<div class="eli-title" id="art_{label}.tit_1"><p class="oj-sti-art">{heading}</p></div>'
        f'<div id="{int(label):03}.001"><p class="oj-normal">1.   {text}</p></div></div>'
        for label, (heading, text) in articles.items()
    )
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><div class="eli-container">'
        f'{recitals}<div class="eli-subdivision" id="enc_1">{body}</div></div></body></html>'
    ).encode()


@dataclass
class SmallCorpus:
    """The folder, and what its manifest says of each text; `write` brings both into being."""

    folder: Path
    texts: dict[str, bytes] = field(
        default_factory=lambda: {
            TREATY: make_treaty(),
            ACT: make_act(ARTICLES),
            GUIDE: GUIDE_TEXT.encode(),
            NEWS: NEWS_TEXT.encode(),
        }
    )
    expected: dict[str, str] = field(
        default_factory=lambda: {
            TREATY: "{ preamble_paragraphs = 2, chapters = 2, articles = 4 }",
            ACT: "{ recitals = 2, articles = 4 }",
            GUIDE: "{ numbered_paragraphs = 3 }",
        }
    )
    more: dict[str, str] = field(default_factory=dict)
    added: str = ""
    pinned: bool = False

    def write(self) -> "SmallCorpus":
        for path, content in self.texts.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        self.write_manifest()
        return self

    def write_manifest(self) -> None:
        (self.folder / "manifest.toml").write_text(self.manifest(), encoding="utf-8")

    def manifest(self) -> str:
        parts = ["version = 1\n"]
        for path, (identity, layout, authority, required) in {
            TREATY: ("garden-treaty", "cets-pdf", "law", True),
            ACT: ("garden-act", "eurlex-html", "law", True),
            GUIDE: ("garden-guide", "markdown", "guidance", False),
            NEWS: ("garden-news", "text", "commentary", False),
        }.items():
            if path in self.texts:
                parts.append(self._entry(path, identity, layout, authority, required))
        return "\n".join([*parts, self.added])

    def _entry(self, path: str, identity: str, layout: str, authority: str, required: bool) -> str:
        digest = sha256(self.texts[path]).hexdigest() if self.pinned else ""
        name = identity.replace("-", " ").capitalize()
        return (
            f'[[source]]\nid = "{identity}"\ninstrument = "{identity}"\ntitle = "{name} in full"\n'
            f'short_title = "the {name}"\nlanguage = "en"\nversion = 2020-01-01\npublished = 2020-01-01\n'
            f'format = "{layout}"\nauthority = "{authority}"\nrequired = {str(required).lower()}\n'
            f'url = "https://law.example/{identity}"\nfiles = [{{ path = "{path}", sha256 = "{digest}" }}]\n'
            'licence = "ours"\nattribution = "the tests"\n'
            f"expected = {self.expected.get(path, '{ }')}\n{self.more.get(path, '')}"
        )

    def spoil(self, path: str, content: bytes) -> None:
        """Put other bytes where a text is, and leave the manifest as it is."""
        (self.folder / path).write_bytes(content)

    def change(self, path: str, content: bytes) -> None:
        """Give a text other bytes, and the manifest the hash of these."""
        self.texts[path] = content
        self.write()


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line on standard error that is no progress; fails where there is another number of them."""
        lines = [line for line in self.err.splitlines() if line.startswith("visavis: ")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err and "this is a bug" not in self.err, self.err
        return lines[0]


def environment(**changes: str) -> dict[str, str]:
    """The environment of a command that a test starts."""
    return os.environ | {"PYTHONWARNINGS": "error::ResourceWarning"} | changes


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(FRONT_DOOR), *map(str, arguments)]


def run_visavis(*arguments: object, timeout: float = 100, **changes: str) -> Ran:
    """Run the real command in a process of its own."""
    ran = subprocess.run(
        command(*arguments), env=environment(**changes), capture_output=True, text=True, timeout=timeout, check=False
    )
    assert "Traceback" not in ran.stderr, ran.stderr
    return Ran(ran.returncode, ran.stdout, ran.stderr)
