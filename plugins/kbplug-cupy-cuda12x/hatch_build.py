"""Where the module lies: beside this project in the repository, inside it in a source archive."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODULE = "kbplug_cupy"


class SharedSource(BuildHookInterface):
    """Puts the source of kbplug-cupy into the wheel and the source archive of this twin."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Include the module, from where it is."""
        inside = Path(self.root, "src", MODULE)
        beside = Path(self.root).parent / "kbplug-cupy" / "src" / MODULE
        source = inside if inside.is_dir() else beside
        target = MODULE if self.target_name == "wheel" else f"src/{MODULE}"
        build_data["force_include"][str(source)] = target
