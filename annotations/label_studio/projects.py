"""The project of each slot: found by its marker on the server, or made there, once."""

from contextlib import suppress

from annotations.label_studio.connection import Server
from annotations.label_studio.ledger import Ledger, Slot
from schemas.errors import DataError, LabelStudioError

__all__ = ["ProjectFinder", "require_projects"]

_TRIES = 6
_HIDDEN = ("question", "option_a", "option_b", "reply", "votes", "said", "ext_id")


class ProjectFinder:
    """Finds or makes the project of a slot; the list of the server's projects is asked for once."""

    def __init__(self, server: Server, ledger: Ledger) -> None:
        self._server = server
        self._ledger = ledger
        self._by_marker = _list_ours(server, ledger)

    def ensure(self, slot: Slot, label_config: str, instruction: str) -> tuple[int, bool]:
        """Return the project of a slot, and whether it was made just now."""
        marker = self._ledger.get_marker(slot)
        there = self._by_marker.get(marker)
        noted = self._ledger.projects.get(slot)
        if noted is not None and there is None:
            raise _explain_absence(self._server, self._ledger, slot)
        is_new = there is None
        if there is None:
            there = self._create(slot, marker, label_config, instruction)
        if noted != there:
            self._ledger.add_project(slot, there)
        return there, is_new

    def _create(self, slot: Slot, marker: str, label_config: str, instruction: str) -> int:
        for left in reversed(range(_TRIES)):
            try:
                made = self._server.create_project(
                    self._ledger.get_title(slot), marker, label_config, instruction
                )
                self._hide_texts(made)
                return made
            except LabelStudioError as error:
                if not error.is_ambiguous or not left:
                    raise
            # The reply is lost; the project may be there all the same.
            self._server.wait_until_up()
            found = _list_ours(self._server, self._ledger).get(marker)
            if found is not None:
                return found
        raise AssertionError("the last try returns or raises")

    def _hide_texts(self, project_id: int) -> None:
        # A courtesy of the table; where the reply is lost the round can do without.
        with suppress(LabelStudioError):
            self._server.hide_columns(project_id, _HIDDEN)


def require_projects(server: Server, ledger: Ledger) -> None:
    """Raise `DataError` where the server does not hold the projects that the ledger knows."""
    ours = _list_ours(server, ledger)
    for slot, project_id in ledger.projects.items():
        if ours.get(ledger.get_marker(slot)) != project_id:
            raise _explain_absence(server, ledger, slot)


def _list_ours(server: Server, ledger: Ledger) -> dict[str, int]:
    """Return the ids of the ledger's projects on the server by their markers."""
    # The lowest id wins, so that a project that was made twice in spite of all is always the same.
    found = sorted(server.list_projects(), key=lambda p: p.project_id, reverse=True)
    return {
        project.description: project.project_id
        for project in found
        if project.description.startswith(f"finebench {ledger.ledger_id} ")
    }


def _explain_absence(server: Server, ledger: Ledger, slot: Slot) -> DataError:
    return DataError(
        f"{ledger.path.name}: project {ledger.projects[slot]} of {ledger.get_title(slot)!r} is not on {server.url}. "
        "Give the address of the server that holds it. If somebody changed its description, make it "
        f"{ledger.get_marker(slot)!r} again; if somebody deleted it, its answers are in the raw exports "
        "of earlier pulls."
    )
