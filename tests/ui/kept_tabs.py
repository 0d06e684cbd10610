"""In a process of its own, for Gradio leaves a loop open: what is kept of tabs as one of them is closed, as JSON."""

import json
import sys
from datetime import datetime, timedelta

import gradio as gr

from ui import app
from ui.app import KEPT_CLOSED, Tabs


def main() -> None:
    """Two tabs ask, one is closed, and is used again; then its hour is over."""
    app.SWEEP_EVERY = 0.0
    with gr.Blocks(analytics_enabled=False) as page:
        state, shown = gr.State("nothing")._id, gr.HTML("")._id
    tabs = Tabs()
    tabs.set_blocks(page)

    def ask(name: str) -> None:
        tabs[name][state] = "packed"
        tabs[name]._update_value_in_config(shown, "as HTML")

    def look(name: str) -> list[str]:
        held = tabs.session_data[name]
        return [word for word in ("packed", "as HTML") if word in f"{held.state_data} {held.config_values}"]

    seen = {}
    ask("open"), ask("closed")
    tabs["closed"].is_closed = True
    tabs["another"]
    seen["open"], seen["closed"] = look("open"), look("closed")
    ask("closed")
    seen["used again"] = look("closed")
    long_ago = datetime.now() - KEPT_CLOSED - timedelta(seconds=1)
    tabs.time_last_used |= {"open": long_ago, "closed": long_ago}
    tabs["another"]
    seen["after an hour"] = sorted(tabs.session_data)
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main()
