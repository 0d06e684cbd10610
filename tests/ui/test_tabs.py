"""What the server keeps of a tab once it is closed: its answers for an hour, and nothing of what it showed."""

import json
import os
import subprocess
import sys
from pathlib import Path


def test_of_a_closed_tab_the_answers_stay_for_an_hour_and_nothing_that_it_showed() -> None:
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.ui.kept_tabs"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "open": ["packed", "as HTML"],
        "closed": ["packed"],
        "used again": ["packed", "as HTML"],
        "after an hour": ["another", "open"],
    }
