"""Thresholds of one instruction set for all tests here, whatever processor runs them."""

import pytest

from tf_translate.layers.cpu import thresholds


@pytest.fixture(autouse=True)
def _same_thresholds_on_every_processor(monkeypatch):
    monkeypatch.setattr(thresholds, "instruction_set", lambda: "AVX-512")
