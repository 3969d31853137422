"""Files for one account alone, written whole or not at all; knows nothing of what is in them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def opened(path: Path, like: Path, *, new: bool = False) -> Iterator[int]:
    """Descriptor of a file of mode 0600, made if it is missing (or always, as `new`).

    Made by root, it belongs to the owner of `like`, so that root's run of a command does not shut
    out the account that the directory is of. OSError as the system has it.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | (os.O_EXCL if new else 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        if os.geteuid() == 0:
            owner = like.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        yield descriptor
    finally:
        os.close(descriptor)


def replace_file(path: Path, text: str, like: Path) -> None:
    """The file holds all of the new text or, after a crash, all of the old; mode 0600."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with opened(fresh, like, new=True) as descriptor:
        with open(descriptor, "w", encoding="utf-8", closefd=False) as file:
            file.write(text)
        os.fsync(descriptor)
    fresh.replace(path)
    sync(path.parent)


def sync(directory: Path) -> None:
    """Make what was renamed in a directory last through a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
