"""The build of styles and scripts works wherever the project lies."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.repository import ROOT

PRINT_OUTPUT_FOLDER = """
const { default: config } = await import('./vite.config.mjs');
console.log(config.build.outDir);
"""


def test_the_output_folder_may_have_spaces_and_signs_in_its_path(tmp_path: Path) -> None:
    project = tmp_path / "a folder, 100 % mine"
    frontend = project / "frontend"
    shutil.copytree(ROOT / "frontend", frontend, ignore=shutil.ignore_patterns("node_modules"))
    (frontend / "node_modules").symlink_to(ROOT / "frontend" / "node_modules")
    node = Path(sys.executable).with_name("node")
    printed = subprocess.run(
        [node, "--input-type=module", "--eval", PRINT_OUTPUT_FOLDER],
        cwd=frontend,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert Path(printed) == project / "src" / "imatch" / "static"
