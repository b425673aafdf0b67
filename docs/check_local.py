"""Fail where a built page would load a script, style, font or image from elsewhere: `python docs/check_local.py build/docs`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

LOADS = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc=["'](?:https?:)?//[^"']+
      | <link\b(?=[^>]*\brel=["'](?:stylesheet|preload|preconnect|icon|shortcut\ icon)["'])[^>]*\bhref=["'](?:https?:)?//[^"']+
      | @import\s+(?:url\()?["']?(?:https?:)?//[^"')]+
      | url\(["']?(?:https?:)?//[^"')]+""",
    re.VERBOSE | re.IGNORECASE,
)


def main(folder: Path) -> int:
    """Print each foreign load with its page; 0 where there is none."""
    pages = [path for path in sorted(folder.rglob("*")) if path.suffix in {".html", ".css"}]
    found = [(path, hit) for path in pages for hit in LOADS.findall(path.read_text(encoding="utf-8"))]
    for path, hit in found:
        print(f"{path}: loads {hit}")
    print(f"{len(pages)} pages and styles read, {len(found)} load something from elsewhere")
    return 1 if found or not pages else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
