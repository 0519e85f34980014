"""The truth in SQL: tables, and one function per fact written or read."""
