"""The packages here are not of this suite: their tests run where they are installed, see test_packages.py."""

from __future__ import annotations

collect_ignore_glob = ["anomalist-*"]
