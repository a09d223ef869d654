"""Answers ``gavel.v1.CategoryService``: the catalogue, and what is installed for it."""

from gavel.v1.category_service_pb2 import ListCategoriesRequest, ListCategoriesResponse

from gaveld.application.list_categories import ListCategories
from gaveld.transport.grpc.call import Context
from gaveld.transport.grpc.converters.categories import page_of_categories


class CategoryServicer:
    """Serves ``ListCategories``."""

    def __init__(self, list_categories: ListCategories) -> None:
        self._list_categories = list_categories

    async def ListCategories(
        self, request: ListCategoriesRequest, _: Context
    ) -> ListCategoriesResponse:
        """List a page of the catalogue."""
        return page_of_categories(self._list_categories(), request)
