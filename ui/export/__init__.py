"""The file that a reader takes away: answers as Word, PDF, Markdown and JSON."""
