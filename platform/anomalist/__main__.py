"""`python -m anomalist` is the same as `anomalist`."""

from __future__ import annotations

from anomalist.cli.main import main

main()
