"""One module for each format: a file becomes blocks with positions."""
