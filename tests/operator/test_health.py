"""The operator's own server: probes say what is wrong, metrics are there."""

from aiohttp.test_utils import TestClient, TestServer

from supmessenger_operator.health import build_app


async def test_probes_answer_what_the_process_says() -> None:
    wrong = {"alive": "", "ready": "the watches have not begun"}
    app = build_app(is_alive=lambda: wrong["alive"], is_ready=lambda: wrong["ready"])

    async with TestClient(TestServer(app)) as client:
        healthy, unready = await client.get("/healthz"), await client.get("/readyz")
        assert (healthy.status, await healthy.text()) == (200, "ok")
        assert (unready.status, await unready.text()) == (503, "the watches have not begun")
        wrong.update(alive="the work queue does not get on", ready="")
        assert (await client.get("/healthz")).status == 503
        assert (await client.get("/readyz")).status == 200


async def test_metrics_of_the_operator_are_there() -> None:
    app = build_app(is_alive=str, is_ready=str)

    async with TestClient(TestServer(app)) as client:
        text = await (await client.get("/metrics")).text()

    for name in ("passes_total", "queue_depth", "event_loop_lag_seconds", "leader"):
        assert f"sup_operator_{name}" in text
