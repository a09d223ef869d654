"""What the log says of a failure."""

import sqlite3

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from gaveld.application.failures import place_of


def test_a_full_disk_is_named_and_what_was_to_be_written_is_not():
    """Law: operators learn from the log why a database refuses, and nothing of the content."""
    with create_engine("sqlite://").connect() as connection:
        connection.execute(text("CREATE TABLE t (words TEXT)"))
        connection.execute(text("PRAGMA max_page_count = 2"))
        with pytest.raises(SQLAlchemyError) as failure:
            connection.execute(text("INSERT INTO t VALUES (:words)"), {"words": "canary" * 9999})
    said = place_of(failure.value)
    assert said.startswith("OperationalError (SQLITE_FULL) at ")
    assert "canary" in str(failure.value)
    assert "canary" not in said


def test_a_drivers_own_error_is_named_too():
    """Law: the code is there whether or not a library wrapped the error."""
    connection = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.Error) as failure:
        connection.execute("canary")
    connection.close()
    assert place_of(failure.value).startswith("OperationalError (SQLITE_ERROR) at ")


def test_any_other_failure_is_its_type_and_place():
    """Law: what has no code is said without one."""
    with pytest.raises(ValueError, match="canary") as failure:
        raise ValueError("canary")
    assert place_of(failure.value).startswith(f"ValueError at {__file__}:")
