"""`/healthz`, `/readyz` and `/metrics` of the operator, on a server of its own."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import generate_latest

from supmessenger_operator.metrics import REGISTRY

Check = Callable[[], str]  # returns what is wrong, or an empty string


def build_app(*, is_alive: Check, is_ready: Check) -> web.Application:
    """Return the application; each probe says what is wrong in one line."""

    async def healthz(_: web.Request) -> web.Response:
        return _answer(is_alive())

    async def readyz(_: web.Request) -> web.Response:
        return _answer(is_ready())

    async def show_metrics(_: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(REGISTRY), headers={"Content-Type": "text/plain; version=0.0.4"}
        )

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", show_metrics)
    return app


async def start_server(app: web.Application, *, host: str, port: int) -> web.AppRunner:
    """Start serving; the caller cleans the runner up."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


def _answer(wrong: str) -> web.Response:
    return web.Response(status=503 if wrong else 200, text=wrong or "ok")
