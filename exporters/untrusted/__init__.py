"""Refuses hostile files before any of their code runs."""
