"""The conversation: a question read, evidence found on each side, an answer written and grounded."""
