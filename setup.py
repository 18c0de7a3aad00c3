"""Puts a copy of `docs/losses.md` into the built package; everything else is in pyproject.toml."""

from setuptools import setup
from setuptools.command.build_py import build_py

DOCUMENT = "docs/losses.md"


class BuildWithDocument(build_py):
    """Pages show sections of the document, also where there is no checkout."""

    def run(self) -> None:
        """Builds, then copies; an editable installation reads the document in the checkout."""
        super().run()
        if not self.editable_mode:
            self.copy_file(DOCUMENT, f"{self.build_lib}/yolo_core/losses.md")

    def get_source_files(self) -> list[str]:
        """What a source distribution must hold."""
        return [*super().get_source_files(), DOCUMENT]


setup(cmdclass={"build_py": BuildWithDocument})
