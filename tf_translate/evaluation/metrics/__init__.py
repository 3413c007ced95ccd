"""What is measured of a translation: content, domain, completeness."""
