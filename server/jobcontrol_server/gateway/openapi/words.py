"""The comments of proto files as the document's texts, by the full name of what they stand at."""

from collections.abc import Mapping

#: What the gateway's own errors are made of; google.rpc brings its comments to no package.
OF_STATUS = {
    "google.rpc.Status": "An error.",
    "google.rpc.Status.code": "The code of the error, a google.rpc.Code.",
    "google.rpc.Status.message": "What went wrong, for people.",
    "google.rpc.Status.details": "Messages for programs, for example google.rpc.ErrorInfo and google.rpc.BadRequest.",
}


class Words:
    """Comments, split the way OpenAPI wants them."""

    def __init__(self, comments: Mapping[str, str]) -> None:
        self._comments = {**OF_STATUS, **comments}

    def whole(self, full_name: str) -> str:
        """The whole comment; empty if there is none."""
        return self._comments.get(full_name, "")

    def split(self, full_name: str) -> tuple[str, str]:
        """The first paragraph on one line, and the rest."""
        first, _, rest = self.whole(full_name).partition("\n\n")
        return " ".join(first.split()), rest

    def described(self, full_name: str) -> dict[str, str]:
        """`description` with the whole comment, nothing if there is none."""
        text = self.whole(full_name)
        return {"description": text} if text else {}
