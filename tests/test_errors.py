"""What users read of errors."""

from __future__ import annotations

import ssl

import pytest

from edgecam.errors import in_words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(2, "No such file or directory"), "no such file or directory"),
        (OSError("Timed out"), "timed out"),
        (TimeoutError(), "no answer"),
        (TimeoutError("_ssl.c:989: The handshake operation timed out"), "the handshake operation timed out"),
        (
            ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"),
            "[ssl: wrong_version_number] wrong version number",
        ),
        (None, "no answer"),
    ],
)
def test_an_error_is_told_in_words_even_where_it_has_none(error: OSError | None, words: str) -> None:
    assert in_words(error) == words
