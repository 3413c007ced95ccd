"""Metrics of translations: content, domain and completeness."""
