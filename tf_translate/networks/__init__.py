"""The networks of the papers: functions that return built `keras.Model`s."""
