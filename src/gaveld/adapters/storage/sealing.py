"""The columns that hold what is sealed, and sealing all of it again under a new key."""

from typing import Final

from sqlalchemy import LargeBinary, Table, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlalchemy.types import TypeDecorator

from gaveld.adapters.storage.tables import Base, transaction
from gaveld.application.ports import SecretBox

ROWS_AT_ONCE: Final = 200


class Sealed(TypeDecorator[bytes]):
    """A column of bytes that a ``SecretBox`` sealed; ``reseal`` finds it by this type."""

    impl = LargeBinary
    cache_ok = True


async def reseal(engine: AsyncEngine, box: SecretBox, *rows: type[Base]) -> int:
    """Seal all that these rows hold again with the first key; return how many secrets that were.

    Servers may run meanwhile: what one writes at the same time stays as it wrote it. Raises
    ``ValueError`` for what no listed key opens, and ``Unavailable``.
    """
    count = 0
    for table in (Base.metadata.tables[row.__tablename__] for row in rows):
        for name, column in table.columns.items():
            if isinstance(column.type, Sealed):
                count += await _reseal(engine, box, table, name)
    return count


async def _reseal(engine: AsyncEngine, box: SecretBox, table: Table, name: str) -> int:
    sessions = async_sessionmaker(engine)
    column, keys = table.c[name], list(table.primary_key.columns)
    page = select(*keys, column).where(column.is_not(None)).order_by(*keys).limit(ROWS_AT_ONCE)
    count = 0
    while True:
        async with transaction(sessions, "The storage can't be reached.") as session:
            rows = (await session.execute(page)).all()
            for *row_keys, sealed in rows:
                this_row = [key == value for key, value in zip(keys, row_keys, strict=True)]
                again = box.seal(box.open(sealed))
                unchanged = column == sealed
                await session.execute(
                    update(table).where(*this_row, unchanged).values({name: again})
                )
        count += len(rows)
        if len(rows) < ROWS_AT_ONCE:
            return count
        page = page.where(tuple_(*keys) > tuple_(*rows[-1][:-1]))
