"""The Label Studio server's own environment: pinned versions go in, the program's path comes out."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

from schemas.errors import LabelStudioError
from schemas.storage import write_text

__all__ = ["install_server"]


def install_server(folder: Path, tell: Callable[[str], None]) -> Path:
    """Return the ``label-studio`` program of a folder, installing it there where it is not.

    Interrupted, it goes on with what is missing when it is called again. It takes 1 GB and a few
    minutes; pip asks the registry that it is configured for. Raises `LabelStudioError` where pip fails.
    """
    environment = folder / "venv"
    program = environment / "bin" / "label-studio"
    pins = files("annotations").joinpath("label_studio/pins.txt")
    text = pins.read_text(encoding="utf-8")
    stamp = environment / ".finebench-pins"
    digest = hashlib.sha256(text.encode()).hexdigest()
    if program.exists() and stamp.exists() and stamp.read_text().strip() == digest:
        return program
    log = folder / "install.log"
    if not (environment / "bin" / "python").exists():
        tell("making an environment for the server")
        _run([sys.executable, "-m", "venv", str(environment)], log, lambda _: None)
    total, seen = len(text.split()), 0

    def count(line: str) -> None:
        nonlocal seen
        if line.startswith(("Collecting ", "Requirement already")):
            seen += 1
            if seen % 20 == 0:
                tell(f"installing the server: {min(seen, total)} of {total} packages found")
        elif line.startswith("Installing collected"):
            tell("installing the server: writing 1 GB, a minute or two")

    with as_file(pins) as path:
        python = str(environment / "bin" / "python")
        pip = [
            python,
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--progress-bar",
            "off",
        ]
        _run([*pip, "-r", str(path)], log, count)
    write_text(stamp, f"{digest}\n")
    return program


def _run(command: list[str], log: Path, told: Callable[[str], None]) -> None:
    with (
        log.open("a", encoding="utf-8") as kept,
        subprocess.Popen(  # noqa: S603 - pip of the environment made here
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            kept.write(line)
            told(line)
    if process.returncode:
        raise LabelStudioError(
            f"the server could not be installed (exit {process.returncode}). Read the end of {log}; "
            "check the network and the space on the disk, then start again: it goes on where it stopped."
        )
