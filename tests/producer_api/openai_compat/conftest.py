from tests.producer_api.tasks.conftest import scene

__all__ = ["scene"]
