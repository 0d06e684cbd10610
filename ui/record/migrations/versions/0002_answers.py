"""An answer is found by its id, which stood in the personal part alone."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column, fill it from what is there, and index it."""
    op.add_column("entry", sa.Column("answer", sa.Text))
    op.create_index("ix_entry_answer", "entry", ["answer"])
    connection = op.get_bind()
    known = sa.text("SELECT seq, personal FROM entry WHERE kind = 'answer' AND personal IS NOT NULL")
    for seq, personal in connection.execute(known).all():
        found = {"seq": seq, "answer": json.loads(personal)["answer"]}
        connection.execute(sa.text("UPDATE entry SET answer = :answer WHERE seq = :seq"), found)
