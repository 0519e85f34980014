"""Documents of builds, read and decoded once per process."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from jobcontrol_core.domain.values import DocumentRef
from jobcontrol_core.store.blobs import get_blob
from jobcontrol_core.store.engine import Store
from jobcontrol_workers.context import LoadedDocument

KEPT = 8


class Documents:
    """Keeps the documents used last. For one event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[str, asyncio.Task[str]] = OrderedDict()

    async def load(self, ref: DocumentRef | None) -> LoadedDocument | None:
        """The document, or None for a build without one. Steps that need the same one wait for one read."""
        if ref is None:
            return None
        text = self._kept.get(ref.sha256)
        if text is None or (text.done() and (text.cancelled() or text.exception() is not None)):
            text = self._kept[ref.sha256] = asyncio.create_task(asyncio.to_thread(self._read, ref.sha256))
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(ref.sha256)
        # Shielded: one step that is told to stop must not take the document from the others.
        return LoadedDocument(ref.media_type, ref.name, await asyncio.shield(text))

    def _read(self, sha256: str) -> str:
        return self._store.read(get_blob, sha256).decode("utf-8", errors="replace")
