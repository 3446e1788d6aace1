"""Endings that words of a language exchange, a module for each family of languages."""
