from datetime import UTC, datetime, timedelta, timezone

import pytest

from assistant.answer import Answer
from ingest.errors import UsageError
from ui.checks import Check, confirm_checks, tick, unchecked, untick

AT = datetime(2026, 11, 23, 10, 5, 7, 123, tzinfo=UTC)


def test_a_tick_says_who_and_when_in_utc() -> None:
    (check,) = tick((), 3, " AB ", AT.astimezone(timezone(timedelta(hours=2))))
    assert check == Check(3, "AB", AT.replace(microsecond=0))
    assert check.record() == {"n": 3, "initials": "AB", "at": "2026-11-23T10:05:07Z"}


def test_ticks_stand_in_the_order_of_numbers_and_the_last_one_counts() -> None:
    checks = tick(tick(tick((), 2, "AB", AT), 1, "AB", AT), 2, "CD", AT)
    assert [(check.n, check.initials) for check in checks] == [(1, "AB"), (2, "CD")]
    assert untick(checks, 2) == checks[:1]
    assert untick(checks, 9) == checks


@pytest.mark.parametrize("initials", ["A", "AB", "J.D.", "Ö-3", "李", "ABCDEFGH"])
def test_initials_are_short(initials: str) -> None:
    assert tick((), 1, initials, AT)[0].initials == initials


@pytest.mark.parametrize("initials", ["", " ", "ABCDEFGHI", "=1+1", "<b>", "A B", "\u202eAB", "_", "-", "🌹"])
def test_what_is_no_initials_is_refused_in_one_line(initials: str) -> None:
    with pytest.raises(UsageError, match="write one to eight letters or digits") as raised:
        tick((), 1, initials, AT)
    assert "\n" not in str(raised.value)


def test_a_moment_needs_a_time_zone() -> None:
    with pytest.raises(UsageError, match="names no time zone"):
        tick((), 1, "AB", AT.replace(tzinfo=None))


def test_what_is_left_to_check_follows_the_ticks(answer: Answer) -> None:
    assert unchecked(answer, ()) == (1, 2, 3, 4, 5, 6)
    assert unchecked(answer, tick(tick((), 2, "AB", AT), 5, "AB", AT)) == (1, 3, 4, 6)


def test_a_tick_on_a_citation_that_is_not_there_is_refused(answer: Answer) -> None:
    checks = tick((), 6, "AB", AT)
    assert confirm_checks(answer, checks) == checks
    with pytest.raises(UsageError, match="citation 7 is ticked, but the answer has 6"):
        confirm_checks(answer, tick(checks, 7, "AB", AT))
