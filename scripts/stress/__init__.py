"""Runs that are killed, memory over many steps, start-up time."""
