"""Erases what review items hold of content and of whom it is by, wherever it was copied to.

When that is due, whoever calls it knows.
"""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from gaveld.adapters.storage.feedback import erase_feedback
from gaveld.adapters.storage.review_item_rows import ReviewItemRow, ReviewOpinionRow, new_etag
from gaveld.adapters.storage.stripping import without_words
from gaveld.application.ports import StripWords
from gaveld.domain.review_items import feedback_id


async def forget_review_items(
    session: AsyncSession, project: str, actor_id: str, ids: Collection[str], wordless: StripWords
) -> None:
    """Erase the content of those of a user's items that have one of the ids, and who made it."""
    row = ReviewItemRow
    query = select(row).where(row.project == project, row.actor_id == actor_id, row.id.in_(ids))
    for item in await session.scalars(query.with_for_update()):
        await erase_content(session, item, wordless)
        await _erase_reasons(session, item)
        item.actor_id = ""
        item.details = {**item.details, "content_id": ""}
        item.etag = new_etag()


async def erase_content(session: AsyncSession, row: ReviewItemRow, wordless: StripWords) -> None:
    """Erase an item's content wherever it was copied to."""
    row.payload, row.answer, row.content_until = b"", without_words(row.answer, wordless), None
    await erase_feedback(session, row.project, feedback_id(row.id))


async def _erase_reasons(session: AsyncSession, item: ReviewItemRow) -> None:
    """Erase why people decided as they did: it speaks of the author, and may quote the content."""
    said = ReviewOpinionRow
    theirs = select(said).where(said.project == item.project, said.item_id == item.id)
    for opinion in await session.scalars(theirs):
        opinion.said = {**opinion.said, "reason": ""}
