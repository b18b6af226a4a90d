"""Seeing a run: the one-file page, the film, the strip, and every number as CSV and JSON."""

from simulacra.reports.page import write_page
from simulacra.reports.report import Report, write_report

__all__ = ["Report", "write_page", "write_report"]
