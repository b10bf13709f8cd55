"""The API with a call more, which waits in the database: ``python slow_api.py <port> <seconds>``."""

import sys

import uvicorn

from patternalarm.api.application import create_app
from patternalarm.api.dependencies import Database
from patternalarm.settings import get_settings

port, seconds = int(sys.argv[1]), float(sys.argv[2])


async def slow(database: Database) -> dict[str, float]:
    """Wait as long as a large query does."""
    async with database.connection() as connection:
        await connection.execute("SELECT pg_sleep(%s)", (seconds,))
    return {"seconds": seconds}


settings = get_settings()
app = create_app(settings)
app.add_api_route("/slow", slow)
uvicorn.run(app, host=settings.bind_host, port=port, log_level="warning", access_log=False)
