"""A member's disk: a file system of a fixed size, in memory or as an image in a folder.

Both are mounted in the keeper's mount namespace only and are gone with it: the image has no name
any more once it is mounted.
"""

import contextlib
import os
from pathlib import Path

from paceline.lab.layout import LabPaths, LabSpec
from paceline.lab.netadmin import run_checked

_FILLER = ".full"
_CHUNKS_BYTES = (1 << 24, 1 << 16, 1 << 12)


class Disk:
    """One member's disk, mounted."""

    def __init__(self, member: str, spec: LabSpec, paths: LabPaths) -> None:
        """Make and mount it, empty. Raises NetAdminError with the words of what failed."""
        self.root = paths.disk(member)
        self._size = f"{spec.disk_mib}m"
        self._is_in_memory = not spec.disk_folder
        if self._is_in_memory:
            mount_memory(self.root, self._size)
        else:
            self._mount_image(Path(spec.disk_folder, f".paceline-{spec.name}-{member}.img"), spec)

    def _mount_image(self, image: Path, spec: LabSpec) -> None:
        self.root.mkdir(parents=True)
        try:
            with open(image, "wb") as file:
                file.truncate(spec.disk_mib << 20)
            run_checked(["mkfs.ext4", "-q", "-m", "0", str(image)])
            run_checked(["mount", "-o", "loop", str(image), str(self.root)])
        finally:
            image.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            (self.root / "lost+found").rmdir()

    def fill(self) -> None:
        """Leave no room on it."""
        if self._is_in_memory:
            status = os.statvfs(self.root)
            used = (status.f_blocks - status.f_bfree) * status.f_frsize
            run_checked(["mount", "-o", f"remount,size={used}", str(self.root)])
            return
        with open(self.root / _FILLER, "ab") as filler:
            for chunk in _CHUNKS_BYTES:
                with contextlib.suppress(OSError):
                    while True:
                        end = os.fstat(filler.fileno()).st_size
                        os.posix_fallocate(filler.fileno(), end, chunk)

    def free(self) -> None:
        """Give it its room again."""
        if self._is_in_memory:
            run_checked(["mount", "-o", f"remount,size={self._size}", str(self.root)])
        else:
            (self.root / _FILLER).unlink(missing_ok=True)


def mount_memory(folder: Path, size: str) -> None:
    """Mount a tmpfs of this size at a folder, which is made."""
    folder.mkdir(parents=True)
    options = f"size={size},mode=755"
    run_checked(["mount", "-t", "tmpfs", "-o", options, "paceline-lab", str(folder)])
