"""`tf-translate` in a process of its own: `python -m tests.cli.run_command COMMAND ...`."""

from tf_translate.cli.main import run

if __name__ == "__main__":
    run()
