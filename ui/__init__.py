"""The face: the web chat and the HTTP application that carries it."""
