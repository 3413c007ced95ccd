"""What every method is made of: terms, players, the translator, signatures, schedules."""
