"""Write docs/help.md from the commands themselves, or with ``--check`` tell whether it is in step."""

import sys
from pathlib import Path

import click

from builder.cli import cli

PATH = Path(__file__).with_name("help.md")
HEAD = "# Commands\n\nMade from the commands by `make docs`; `make check` fails where it is out of step.\n"


def render_help() -> str:
    """Return the help of every command as Markdown."""
    cli.context_settings["terminal_width"] = 98
    root = click.Context(cli, info_name="finebench", **cli.context_settings)
    return HEAD + "".join(_render(cli, root))


def _render(command: click.Command, context: click.Context) -> list[str]:
    parts = [f"\n## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"]
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            inner = click.Context(child, info_name=name, parent=context)
            parts += _render(child, inner)
    return parts


def main() -> int:
    """Write or check the page; return the exit code."""
    text = render_help()
    if "--check" not in sys.argv[1:]:
        PATH.write_text(text, encoding="utf-8")
        return 0
    if not PATH.exists() or PATH.read_text(encoding="utf-8") != text:
        sys.stderr.write("docs/help.md is out of step with the commands: run `make docs`.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
