"""What stays here until its asker says so: what may point to a person or a case, where a model is elsewhere."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from assistant.answer import Answer, Notice
from assistant.confiding import Destination, find_confidences, find_destination, find_withheld
from assistant.question import Question
from ui.language import Language, Wording, load_wording
from ui.session import Sending, Session, Turn

if TYPE_CHECKING:
    from assistant.answering import Assistant
    from assistant.settings import Settings

NOTICE = "confidential"


def say_withheld(settings: "Settings", turn: Turn, quoted: Answer, session: Session, words: Wording) -> str:
    """Why the model is not asked, in a line that repeats nothing of what was found; "" where it may be.

    `quoted` is the answer before the model's part: the model would get its standalone question and nothing else that
    anybody typed, so that what a question takes over from the conversation is looked at too.
    """
    destination = find_destination(settings)
    if destination is None or not destination.guarded or turn.sending is Sending.CLEARED:
        return ""
    return _say(destination, quoted, session.cleared, words)


def quote_withheld(
    settings: "Settings | None", assistant: "Assistant", question: Question, sending: Sending
) -> Answer | None:
    """The answer without the model, saying so, to a question that is not to be sent; None for one that may be."""
    destination = find_destination(settings) if settings else None
    if destination is None or not destination.guarded or sending is Sending.CLEARED:
        return None
    with closing(assistant.stream(question)) as growing:
        quoted = next(growing)
    line = _say(destination, quoted, (), load_wording(Language.ENGLISH))
    return replace(quoted, notices=(*quoted.notices, Notice(NOTICE, line))) if line else None


def clear(turn: Turn, answer: Answer, session: Session) -> Session:
    """The session in which what a cleared question gave away is not asked about again."""
    if turn.sending is not Sending.CLEARED:
        return session
    sent = answer.standalone_question
    return session.clearing(sent[one.start : one.end] for one in find_confidences(sent))


def _say(destination: Destination, quoted: Answer, cleared: Iterable[str], words: Wording) -> str:
    kinds = find_withheld(quoted.standalone_question, cleared)
    if not kinds or quoted.refusal is not None:
        return ""
    own = find_withheld(quoted.question, cleared)
    named = [words.say(f"confidence_{kind}") for kind in own or kinds]
    listed = ", ".join(named[:-1]) + words.say("and") + named[-1] if len(named) > 1 else named[0]
    return words.say("withheld" if own else "withheld_earlier", kinds=listed, host=destination.host)
