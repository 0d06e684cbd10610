"""A call that is not let in."""

from http import HTTPStatus


class Refused(Exception):
    """A call that is not let in: the status, one line for the caller, and the headers that go with it."""

    def __init__(self, status: HTTPStatus, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
