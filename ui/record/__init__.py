"""The record of a server: who was answered what, when, from which texts, and what readers said of it."""
