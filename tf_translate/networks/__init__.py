"""The boxes of the papers' figures: functions that return built `keras.Model`s."""
