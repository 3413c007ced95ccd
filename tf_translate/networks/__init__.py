"""The boxes of the papers' metrics: functions that return built `keras.Model`s."""
