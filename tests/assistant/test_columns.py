"""A text of the user's own, added as a column, stands beside the two instruments in a comparison."""

import json
import shutil
from pathlib import Path

from tests.small_corpus import run_visavis

MEMO = """# Remedies

A member whose rights are affected by an automated decision may ask the society's ombudsman to review it.

# Fees

The annual fee is due in March.
"""


def test_a_column_of_ones_own(built_index: Path, model_cache: Path, corpus_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(built_index, tmp_path / "index")
    places = {
        "VISAVIS_INDEX": str(tmp_path / "index"),
        "VISAVIS_DOCUMENTS": str(tmp_path / "documents"),
        "XDG_CACHE_HOME": str(model_cache),
        "VISAVIS_CORPUS": str(corpus_dir),
    }
    memo = tmp_path / "code.md"
    memo.write_text(MEMO, encoding="utf-8")
    added = run_visavis(
        "ingest", "add", memo, "--title", "Code of the society", "--authority", "guidance", "--lang", "en", "--column",
        timeout=300, **places,
    )  # fmt: skip
    assert added.code == 0, added.err
    asked = run_visavis("ask", "What remedies are there for automated decisions?", "--json", timeout=300, **places)
    record = json.loads(asked.out)
    column = next(one for one in record["scope"] if one.startswith("own-"))
    assert record["scope"] == ["coe-ai-convention", "eu-ai-act", column]
    cells = [row["cells"][column] for row in record["rows"]]
    quoted = [claim["text"] for cell in cells for claim in cell if claim["kind"] != "silence"]
    assert any("ombudsman" in text for text in quoted) and not any("annual fee" in text for text in quoted)
    assert {"coe-ai-convention", "eu-ai-act"} <= {one["instrument"] for one in record["citations"]}
