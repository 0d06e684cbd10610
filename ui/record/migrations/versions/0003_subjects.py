"""A subject says how the person was known: two people whom different means call alike are two."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Put the means before each subject, as the personal part names them."""
    connection = op.get_bind()
    known = sa.text("SELECT seq, subject, personal FROM entry WHERE subject IS NOT NULL AND personal IS NOT NULL")
    found = [
        {"seq": seq, "subject": f"{json.loads(personal)['person']['means']}:{subject}"}
        for seq, subject, personal in connection.execute(known).all()
    ]
    if found:
        connection.execute(sa.text("UPDATE entry SET subject = :subject WHERE seq = :seq"), found)
