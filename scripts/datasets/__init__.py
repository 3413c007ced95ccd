"""Generates the shipped samples and test fixtures."""
