from tests.support.database import Database


def test_smoke(database: Database) -> None:
    assert database.value("select count(*) from polar_ai._ai_models") == 0
