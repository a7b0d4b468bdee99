"""Where the releases of a workspace went: publications enter a log; what a withdrawal means for them leaves."""

from builder.release.reading import ITEMS
from builder.workspace import Workspace, read_table
from schemas.storage import Row, append_row, read_log
from schemas.tables import TableName

__all__ = ["list_publications", "record_publication", "tell_withdrawal"]


def list_publications(workspace: Workspace) -> list[Row]:
    """Return what was published, each version at each place once, as it was published last."""
    standing = {(row["repository"], row["folder"]): row for row in read_log(workspace.publications)}
    return [row for _, row in sorted(standing.items())]


def record_publication(workspace: Workspace, row: Row) -> None:
    """Append a publication to the log, unless that is what stands there."""
    with workspace.hold(workspace.publications.name):
        if row not in list_publications(workspace):
            append_row(workspace.publications, row)


def tell_withdrawal(workspace: Workspace, item_id: str) -> list[str]:
    """Return what is to be done about releases that hold a withdrawn item, as sentences."""
    folders = [
        folder
        for public in workspace.list_releases()
        for folder in (public, workspace.get_held_out(public.name))
        if folder.exists()
    ]
    holding = [
        folder.name
        for folder in folders
        if any(row["item_id"] == item_id for row in read_table(folder / ITEMS, TableName.RELEASE))
    ]
    if not holding:
        return []
    published = [row for row in list_publications(workspace) if row["folder"] in holding]
    told = [
        f"Released in {', '.join(holding)}, where it stays: export the next version, which lists it as retired"
    ]
    told += [
        (
            f"{row['repository']} shows it under {row['tag']}: publish the next version there. To take the old "
            "one down, make the dataset private or delete that tag in its settings on the Hub; copies that "
            "others made stay, so tell in its discussions which version to use"
        )
        for row in published
    ]
    return told
