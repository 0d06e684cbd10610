"""The law: texts found, read, cut along their provisions, dated, and laid into an index."""
