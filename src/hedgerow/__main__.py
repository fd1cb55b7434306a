"""``python -m hedgerow``: the command line without its script."""

from __future__ import annotations

from hedgerow.faces.cli import main

if __name__ == "__main__":
    main()
