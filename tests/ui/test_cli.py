import socket

import pytest
from click.testing import CliRunner

import visavis
from ingest.errors import VisavisError
from ui.cli import address_of, open_listener


def test_a_port_in_use_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert visavis.main(["serve", "--port", str(port)]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in complaint
    assert "--port 7861" in complaint


@pytest.mark.parametrize("host", ["no-such-host.invalid", "203.0.113.7"])
def test_an_address_that_is_not_this_machines_is_one_line(host: str) -> None:
    with pytest.raises(VisavisError, match=f"cannot listen on {host} port 0"):
        open_listener(host, 0)


def test_no_index_and_no_build_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert visavis.main(["serve", "--port", "0", "--no-build"]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert "visavis ingest" in complaint


def test_a_port_that_is_none_is_refused() -> None:
    assert visavis.main(["serve", "--port", "99999"]) == 2


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")])
def test_the_address_shown_is_one_that_a_browser_here_can_open(host: str, shown: str) -> None:
    with open_listener(host, 0) as listener:
        assert address_of(listener) == f"http://{shown}:{listener.getsockname()[1]}"


def test_help_shows_examples() -> None:
    shown = CliRunner().invoke(visavis.cli, ["serve", "--help"])
    assert shown.exit_code == 0
    assert "visavis serve --port 8000" in shown.output
