"""Progress of long commands where there is no terminal."""

from tf_translate.cli import output


def test_a_log_gets_a_line_a_minute(monkeypatch, capsys):
    clock = [100.0]
    monkeypatch.setattr(output.time, "monotonic", lambda: clock[-1])
    with output.counted_progress("faces" * 20) as progress:
        for seconds, done in ((159, 1), (161, 1200), (162, 1300), (222, 2400)):
            clock.append(seconds)
            progress(done, 12000)
        clock.append(300)
        progress(2500, None)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        f"{'faces' * 20}: 1,200 of 12,000",
        f"{'faces' * 20}: 2,400 of 12,000",
        f"{'faces' * 20}: 2,500",
    ]


def test_quiet_hides_it(monkeypatch, capsys):
    monkeypatch.setattr(output, "_LOG_SECONDS", 0.0)
    monkeypatch.setattr(output, "_verbosity", output.Verbosity.QUIET)
    with output.counted_progress("faces") as progress:
        progress(1, 2)
    assert capsys.readouterr().err == ""
