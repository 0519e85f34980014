"""One file per revision, in the order of their numbers; never edited once released."""
